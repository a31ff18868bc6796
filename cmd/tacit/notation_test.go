package main

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node/rpc"
)

func TestParsePrice(t *testing.T) {
	for _, c := range []struct {
		price, currency string
		want            int64
	}{
		{"120.00", "CNY", 12000},
		{"120", "CNY", 12000},
		{"120.5", "CNY", 12050},
		{"0", "CNY", 0},
		{"0.01", "EUR", 1},
		{"007", "JPY", 7},
		{"1.005", "KWD", 1005},
		{"9999999999999999.99", "CNY", 999999999999999999},
	} {
		if got, err := parsePrice(c.price, c.currency); err != nil || got != c.want {
			t.Errorf("%s %s = %d, %v", c.price, c.currency, got, err)
		}
	}
	for _, c := range [][2]string{
		{"", "CNY"},
		{".5", "CNY"},
		{"5.", "CNY"},
		{"1.234", "CNY"},
		{"1.5", "JPY"},
		{"-1", "CNY"},
		{"+1", "CNY"},
		{"1e3", "CNY"},
		{"1,000", "CNY"},
		{"99999999999999999.99", "CNY"},
		{"1", "cny"},
		{"1", "CN"},
		{"1", ""},
		{"1.2.3", "CNY"},
		{"１", "CNY"},
	} {
		if got, err := parsePrice(c[0], c[1]); exitCode(err) != exitUsage {
			t.Errorf("%s %s = %d, %v", c[0], c[1], got, err)
		}
	}
}

func TestPriceRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minor := rapid.Int64Range(0, 999_999_999_999_999_999).Draw(t, "minor")
		currency := rapid.SampledFrom([]string{"CNY", "JPY", "KWD"}).Draw(t, "currency")
		text := formatPrice(minor, currency)
		got, err := parsePrice(strings.TrimSuffix(text, " "+currency), currency)
		if err != nil || got != minor {
			t.Fatalf("%d → %s → %d, %v", minor, text, got, err)
		}
	})
	if got := formatPrice(-5, "CNY"); got != "-0.05 CNY" {
		t.Error(got)
	}
}

func TestParseColumns(t *testing.T) {
	got, err := parseColumns([]string{"id=key", "x0=feature,filter", "a=b=label", "id=group"})
	want := map[string][]string{"id": {"key", "group"}, "x0": {"feature", "filter"}, "a=b": {"label"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for _, s := range []string{"", "id", "=key", "id=", "id=key,", "id=,key"} {
		if _, err := parseColumns([]string{s}); exitCode(err) != exitUsage {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestParseOutput(t *testing.T) {
	for s, want := range map[string]rpc.OutputForm{
		"model:bank":                      {Kind: "model", To: []string{"bank"}},
		"model:bank,utility:100":          {Kind: "model", To: []string{"bank", "utility"}, MinRows: 100},
		"aggregate:bank:noised":           {Kind: "aggregate", To: []string{"bank"}, Noised: true},
		"aggregate:bank,utility:5:noised": {Kind: "aggregate", To: []string{"bank", "utility"}, MinRows: 5, Noised: true},
	} {
		if got, err := parseOutput(s); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "model", "model:", ":bank", "model:bank:", "model:bank:0", "model:bank:-1", "model:bank:x", "model:bank:noised:5", "model:bank:5:noise", "a:b:5:noised:c"} {
		if _, err := parseOutput(s); exitCode(err) != exitUsage {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestParseShares(t *testing.T) {
	got, err := parseShares([]string{"bank=55", "utility=45"})
	if err != nil || !reflect.DeepEqual(got, []rpc.ShareForm{{Party: "bank", Weight: 55}, {Party: "utility", Weight: 45}}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, s := range []string{"", "bank", "bank=", "=5", "bank=0", "bank=-1", "bank=1.5"} {
		if _, err := parseShares([]string{s}); exitCode(err) != exitUsage {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestOutline(t *testing.T) {
	got, err := outline([]byte(`{"kind":"report","auc":0.7140,"lift":[1,2,3],"counts":{"rows":12,"none":null}}`))
	want := [][]string{{"auc", "0.7140"}, {"counts.none", "none"}, {"counts.rows", "12"}, {"kind", "report"}, {"lift", "3 entries"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := outline([]byte("{")); fault.CodeOf(err) != fault.Corrupt {
		t.Errorf("not JSON: %v", err)
	}
}

func TestClean(t *testing.T) {
	if got := clean("a\x1b[2Jb\u009bc\r\x00数\n"); got != "a�[2Jb�c��数\n" {
		t.Errorf("%q", got)
	}
}

func FuzzParsePrice(f *testing.F) {
	f.Add("120.00", "CNY")
	f.Add("1.5", "JPY")
	f.Add("0", "0\x7f ")
	f.Fuzz(func(t *testing.T, price, currency string) {
		minor, err := parsePrice(price, currency)
		if err != nil {
			return
		}
		again, err := parsePrice(strings.TrimSuffix(formatPrice(minor, currency), " "+currency), currency)
		if err != nil || again != minor || minor < 0 {
			t.Fatalf("%q %q = %d, again %d, %v", price, currency, minor, again, err)
		}
	})
}

func FuzzParseOutput(f *testing.F) {
	f.Add("aggregate:bank,utility:5:noised")
	f.Add("model:bank")
	f.Fuzz(func(t *testing.T, s string) {
		if o, err := parseOutput(s); err == nil && (o.Kind == "" || len(o.To) == 0 || o.MinRows < 0) {
			t.Fatalf("%q = %+v", s, o)
		}
	})
}

func FuzzParseColumns(f *testing.F) {
	f.Add("id=key")
	f.Add("a=b=key,feature")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseColumns([]string{s})
		if err != nil {
			return
		}
		for name, uses := range got {
			if name == "" || name+"="+strings.Join(uses, ",") != s {
				t.Fatalf("%q = %v", s, got)
			}
		}
	})
}
