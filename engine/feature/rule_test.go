package feature_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/feature"
)

func TestCanonical(t *testing.T) {
	const bad = "\x00malformed"
	for _, c := range []struct {
		rule     feature.Rule
		in, want string
	}{
		{feature.Raw, " A ", " A "},
		{feature.Raw, "\xff", bad},
		{feature.Raw, strings.Repeat("a", 4096), strings.Repeat("a", 4096)},
		{feature.Raw, strings.Repeat("a", 4097), bad},
		{feature.Text, "  Ａcme　ＬＴＤ ", "acme ltd"},
		{feature.Text, "Straße", "strasse"},
		{feature.Text, "ﬁne", "fine"},
		{feature.Text, "e\u0301", "é"},
		{feature.Text, "数据元件", "数据元件"},
		{feature.Text, "   ", bad},
		{feature.Digits, "0010-2 3", "001023"},
		{feature.Digits, "（０１０）１２", "01012"},
		{feature.Digits, "A12", bad},
		{feature.Digits, "-", bad},
		{feature.Int, "007", "7"},
		{feature.Int, "+7", "7"},
		{feature.Int, "-0", "0"},
		{feature.Int, "-012", "-12"},
		{feature.Int, "12345678901234567890123", "12345678901234567890123"},
		{feature.Int, "１２", "12"},
		{feature.Int, "1.0", bad},
		{feature.Int, "+-1", bad},
		{feature.Int, "", bad},
		{feature.Email, " Ann@Example.COM ", "ann@example.com"},
		{feature.Email, "ann@localhost", bad},
		{feature.Email, "ann@@example.com", bad},
		{feature.Email, "@example.com", bad},
		{feature.Email, "ann@.com", bad},
		{feature.Email, "ann@example.", bad},
		{feature.Email, "a nn@example.com", bad},
		{feature.PhoneCN, "13800138000", "13800138000"},
		{feature.PhoneCN, "+86 138-0013-8000", "13800138000"},
		{feature.PhoneCN, "0086 13800138000", "13800138000"},
		{feature.PhoneCN, "8613800138000", "13800138000"},
		{feature.PhoneCN, "＋８６１３８００１３８０００", "13800138000"},
		{feature.PhoneCN, "(010) 6552-9988", "01065529988"},
		{feature.PhoneCN, "+86 10 65529988", "01065529988"},
		{feature.PhoneCN, "12345678901", bad},
		{feature.PhoneCN, "1380013800", bad},
		{feature.PhoneCN, "+86", bad},
		{feature.PhoneCN, "0", bad},
		{feature.PhoneCN, "", bad},
		{feature.PhoneCN, "+14155552671", bad},
		// The example of GB 11643-1999: 11010519491231002X; its form before 1999 is the same without century and check.
		{feature.IDCardCN, "11010519491231002X", "11010519491231002X"},
		{feature.IDCardCN, "11010519491231002x", "11010519491231002X"},
		{feature.IDCardCN, "110105491231002", "11010519491231002X"},
		{feature.IDCardCN, "440524188001010014", "440524188001010014"},
		{feature.IDCardCN, "110105194912310021", bad},
		{feature.IDCardCN, "110105194913310028", bad},
		{feature.IDCardCN, "1101051949123100", bad},
		{feature.Date, "2024-02-29", "2024-02-29"},
		{feature.Date, "2024/2/9", "2024-02-09"},
		{feature.Date, "20240229", "2024-02-29"},
		{feature.Date, "2024年2月9日", "2024-02-09"},
		{feature.Date, "２０２４-02-09", "2024-02-09"},
		{feature.Date, "2023-02-29", bad},
		{feature.Date, "02/09/2024", bad},
		{feature.UUID, "{F47AC10B-58CC-4372-A567-0E02B2C3D479}", "f47ac10b-58cc-4372-a567-0e02b2c3d479"},
		{feature.UUID, "urn:uuid:f47ac10b58cc4372a5670e02b2c3d479", "f47ac10b-58cc-4372-a567-0e02b2c3d479"},
		{feature.UUID, "f47ac10b-58cc-4372-a567-0e02b2c3d47", bad},
		{feature.UUID, "g47ac10b-58cc-4372-a567-0e02b2c3d479", bad},
		{feature.Rule(0), "a", bad},
		{feature.Rule(10), "a", bad},
	} {
		got, ok := c.rule.Canonical(c.in)
		if !ok {
			got = bad
		}
		if got != c.want {
			t.Errorf("%v %q: %q, want %q", c.rule, c.in, got, c.want)
		}
	}
}

func TestParseRule(t *testing.T) {
	for _, name := range []string{"raw", "text", "digits", "int", "email", "phone-cn", "idcard-cn", "date", "uuid"} {
		r, err := feature.ParseRule(name)
		if err != nil || r.String() != name {
			t.Errorf("%s: %v (%v)", name, r, err)
		}
	}
	for _, name := range []string{"", "RAW", "Rule(?)"} {
		if _, err := feature.ParseRule(name); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%q: %v, want Invalid", name, err)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"", "İstanbul", "ﬁ", "\u0345\u0300a", "+86 138 0013 8000", "11010519491231002X", "２０２４-1-2", "\ufdfa"} {
		for r := range uint8(11) {
			f.Add(r, s)
		}
	}
	f.Fuzz(func(t *testing.T, r uint8, s string) {
		c, ok := feature.Rule(r).Canonical(s)
		if !ok {
			return
		}
		if !utf8.ValidString(c) {
			t.Fatal("not UTF-8")
		}
		if again, ok := feature.Rule(r).Canonical(c); len(c) <= 4096 && (!ok || again != c) {
			t.Fatalf("%v is not idempotent", feature.Rule(r))
		}
	})
}
