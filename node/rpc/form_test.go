package rpc

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine/dp"
	"github.com/tacit-data/tacit/sandbox/right"
)

const grantFile = `asset: loans@3
grantees: [utility]
purpose: credit-risk
columns:
  id: [key]
  x0: [feature, filter]
actions: [align, train]
outputs:
  - {kind: model, to: [bank], min_rows: 100}
  - {kind: aggregate, to: [bank, utility], noised: true}
uses: 10
rows: 5000
epsilon: "0.5"
expires: "2026-12-31"
agreement: sha256:00
`

func TestReadGrant(t *testing.T) {
	f, err := ReadGrant([]byte(grantFile))
	if err != nil {
		t.Fatal(err)
	}
	g, err := f.Grant(epoch)
	if err != nil {
		t.Fatal(err)
	}
	want := grant()
	want.NotAfter = time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC).UnixMilli()
	if !reflect.DeepEqual(g, want) {
		t.Errorf("%+v\nwant %+v", g, want)
	}
	for name, edit := range map[string][2]string{
		"unknown field": {"asset:", "assets:"}, "second document": {"agreement: sha256:00", "---\na: 1"}, "not YAML": {"[utility]", "[utility"},
		"kind twice": {"kind: model", "kind: aggregate"}, "epsilon": {`"0.5"`, `"half"`}, "expires": {"2026-12-31", "soon"},
		"past": {"2026-12-31", "2025-12-31"}, "grantee": {"[utility]", "[The Utility]"}, "recipient": {"to: [bank]", "to: ['']"},
	} {
		f, err := ReadGrant([]byte(strings.Replace(grantFile, edit[0], edit[1], 1)))
		if err == nil {
			_, err = f.Grant(epoch)
		}
		wantCode(t, name, err, fault.Invalid)
	}
	_, err = ReadGrant(make([]byte, maxFormBytes+1))
	wantCode(t, "size", err, fault.LimitExceeded)
}

func TestGrantDefaults(t *testing.T) {
	f := GrantForm{Asset: "loans@3", Expires: "1d", Outputs: []OutputForm{{Kind: "model"}}}
	g, err := f.Grant(epoch)
	if err != nil || g.Limits != (right.Limits{Rows: right.Unlimited}) || g.Outputs["model"].MinRows != 1 || g.NotAfter != epoch.AddDate(0, 0, 1).UnixMilli() {
		t.Errorf("%+v, %v", g, err)
	}
	if m := encodeNewGrant(g); m.GetRows() != 0 || m.GetEpsilon() != "" {
		t.Errorf("no bound travels as %d rows, ε %q", m.GetRows(), m.GetEpsilon())
	}
}

func TestAgreementForm(t *testing.T) {
	f := AgreementForm{
		Parties: []string{"bank", "utility"}, Assets: []string{"bank:loans@3", "utility:usage@1"}, Purpose: "credit-risk", Currency: "CNY", PriceMinor: 12000,
		Payer: "bank", Shares: []ShareForm{{"bank", 55}, {"utility", 45}}, Expires: "2026-12-31T00:00:00Z",
	}
	a, err := f.Agreement(epoch)
	want := agreement()
	want.NotAfter = time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC).UnixMilli()
	if err != nil || !reflect.DeepEqual(a, want) || a.Check() != nil {
		t.Errorf("%+v, %v", a, err)
	}
	for name, edit := range map[string]func(*AgreementForm){
		"party": func(f *AgreementForm) { f.Parties = []string{"A"} }, "payer": func(f *AgreementForm) { f.Payer = "" },
		"share": func(f *AgreementForm) { f.Shares = []ShareForm{{"", 1}} }, "asset": func(f *AgreementForm) { f.Assets = []string{"loans@3"} },
		"term": func(f *AgreementForm) { f.Expires = "" },
	} {
		g := f
		edit(&g)
		_, err := g.Agreement(epoch)
		wantCode(t, name, err, fault.Invalid)
	}
	f.Assets = make([]string, right.MaxAssets+1)
	_, err = f.Agreement(epoch)
	wantCode(t, "assets", err, fault.LimitExceeded)
}

func TestParseInstant(t *testing.T) {
	for s, want := range map[string]time.Time{
		"2026-12-31": time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC), "2026-03-04": time.Date(2026, 3, 4, 23, 59, 59, 0, time.UTC),
		"2026-12-31T08:00:00+08:00": time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC), "90d": epoch.AddDate(0, 0, 90), "12h30m": epoch.Add(12*time.Hour + 30*time.Minute),
	} {
		if got, err := ParseInstant(s, epoch); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "d", "0d", "-1d", "-1h", "99999999d", "2026-13-01", "2026-03-03", "tomorrow", "1e9d"} {
		_, err := ParseInstant(s, epoch)
		wantCode(t, s, err, fault.Invalid)
	}
}

func TestAsset(t *testing.T) {
	a, err := ParseAsset("bank:loans@3")
	if err != nil || a != (right.Asset{Owner: party.ID("bank"), ID: "loans@3"}) || FormatAsset(a) != "bank:loans@3" {
		t.Errorf("%+v, %v", a, err)
	}
	for _, s := range []string{"", ":", "loans@3", "bank:loans", "bank:loans@0", "Bank:loans@3", "bank:loans@3:x", ":loans@3"} {
		_, err := ParseAsset(s)
		wantCode(t, s, err, fault.Invalid)
	}
}

// TestPicoRoundTrip: what FormatPico writes, the exact decimal parser reads back.
func TestPicoRoundTrip(t *testing.T) {
	for v, want := range map[int64]string{0: "0", 1: "0.000000000001", 500_000_000_000: "0.5", 1_000_000_000_000: "1", 1_250_000_000_000: "1.25"} {
		if got := FormatPico(v); got != want {
			t.Errorf("FormatPico(%d) = %s", v, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Int64Min(0).Draw(t, "v")
		got, err := dp.ParsePico(FormatPico(v))
		if err != nil || int64(got) != v {
			t.Fatalf("%d → %s → %d, %v", v, FormatPico(v), got, err)
		}
	})
}

func TestFormatOfFile(t *testing.T) {
	for name, want := range map[string]job.Format{"a.json": job.JSON, "a.yaml": job.YAML, "a": job.YAML, ".json": job.YAML} {
		if FormatOfFile(name) != want {
			t.Errorf("%s", name)
		}
	}
}

func TestAnnounce(t *testing.T) {
	dir := t.TempDir()
	_, err := announced(dir)
	wantCode(t, "nobody serves", err, fault.Unavailable)
	_, err = Dial(filepath.Join(dir, "missing"))
	wantCode(t, "no directory", err, fault.NotFound)
	_, err = Announce(filepath.Join(dir, "missing"), &net.TCPAddr{})
	wantCode(t, "announce nowhere", err, fault.Unavailable)
	remove, err := Announce(dir, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7600})
	if err != nil {
		t.Fatal(err)
	}
	if addr, err := announced(dir); err != nil || addr != "127.0.0.1:7600" {
		t.Errorf("%q, %v", addr, err)
	}
	other, err := Announce(dir, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7601})
	if err != nil {
		t.Fatal(err)
	}
	remove() // an older process does not take the newer one's word away
	if addr, _ := announced(dir); addr != "127.0.0.1:7601" {
		t.Errorf("%q", addr)
	}
	other()
	_, err = announced(dir)
	wantCode(t, "gone", err, fault.Unavailable)
	if err := os.WriteFile(filepath.Join(dir, announceFile), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = announced(dir)
	wantCode(t, "nonsense", err, fault.Corrupt)
}

func FuzzReadGrant(f *testing.F) {
	f.Add([]byte(grantFile))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("---\n---\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		form, err := ReadGrant(b)
		if err != nil {
			if c := fault.CodeOf(err); c != fault.Invalid && c != fault.LimitExceeded {
				t.Fatal(err)
			}
			return
		}
		if _, err := form.Grant(epoch); err != nil && fault.CodeOf(err) == fault.Internal {
			t.Fatal(err)
		}
	})
}

func FuzzParseInstant(f *testing.F) {
	for _, s := range []string{"2026-12-31", "90d", "12h", "2026-12-31T00:00:00Z", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := ParseInstant(s, epoch); err == nil && got.Before(epoch) {
			t.Fatalf("%q is %v, before now", s, got)
		}
	})
}

func FuzzParseAsset(f *testing.F) {
	f.Add("bank:loans@3")
	f.Add(":@")
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := ParseAsset(s); err == nil && FormatAsset(a) != s {
			t.Fatalf("%q came back as %q", s, FormatAsset(a))
		}
	})
}

func ExampleParseAsset() {
	a, err := ParseAsset("bank:loans@3")
	fmt.Println(a.Owner, a.ID, err)
	_, err = ParseAsset("loans@3")
	fmt.Println(err)
	// Output:
	// bank loans@3 <nil>
	// rpc.ParseAsset: Invalid: an asset has the form owner:name@version
}
