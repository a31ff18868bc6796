package feature

import (
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/tacit-data/tacit/api/fault"
)

// Rule says how a key cell is brought to one form before it is hashed, so that two parties that write the same key
// differently still match. Its number is the column's tag in the encoding and never changes meaning.
type Rule uint8

// The rules. A cell that is not of the rule's form is malformed and matches nothing.
const (
	Raw      Rule = 1 // the bytes as they are
	Text     Rule = 2 // NFKC, space trimmed, case folded
	Digits   Rule = 3 // digits only, leading zeros kept; spaces and any of -./() dropped
	Int      Rule = 4 // a decimal integer of any size without leading zeros
	Email    Rule = 5 // NFKC, trimmed, case folded, one @ and a dotted domain
	PhoneCN  Rule = 6 // mainland number without +86; mobile 11 digits, landline with its leading 0
	IDCardCN Rule = 7 // 18 characters, 15 brought to 18, check digit verified
	Date     Rule = 8 // 2006-01-02
	UUID     Rule = 9 // lower case, 8-4-4-4-12
)

// maxKeyBytes bounds a key cell: no identifier is longer, and folding is not linear in every case.
const maxKeyBytes = 4096

// ruleTable lists every rule under its name in a job.
var ruleTable = [...]struct {
	rule  Rule
	name  string
	apply func(string) (string, bool)
}{
	{Raw, "raw", func(s string) (string, bool) { return s, true }},
	{Text, "text", textKey},
	{Digits, "digits", digitsKey},
	{Int, "int", intKey},
	{Email, "email", emailKey},
	{PhoneCN, "phone-cn", phoneKey},
	{IDCardCN, "idcard-cn", idCardKey},
	{Date, "date", dateKey},
	{UUID, "uuid", uuidKey},
}

// ParseRule returns the rule of that name.
//
// Errors: fault.Invalid.
func ParseRule(name string) (Rule, error) {
	names := make([]string, len(ruleTable))
	for i, r := range ruleTable {
		if r.name == name {
			return r.rule, nil
		}
		names[i] = r.name
	}
	return 0, fault.New(fault.Invalid, "feature.ParseRule", "a key rule is one of %s", strings.Join(names, ", "))
}

// String returns the rule's name.
func (r Rule) String() string {
	for _, e := range ruleTable {
		if e.rule == r {
			return e.name
		}
	}
	return "Rule(?)"
}

// Canonical returns the one form of a key cell, and whether the cell is of the rule's form at all. It is idempotent.
func (r Rule) Canonical(cell string) (string, bool) {
	if !keyText(cell) {
		return "", false
	}
	return r.applied()(cell)
}

// keyText reports whether any rule reads the cell.
func keyText(cell string) bool { return len(cell) <= maxKeyBytes && utf8.ValidString(cell) }

// applied returns what brings a cell that keyText accepts to the rule's form.
func (r Rule) applied() func(string) (string, bool) {
	for i := range ruleTable {
		if ruleTable[i].rule == r {
			return ruleTable[i].apply
		}
	}
	return func(string) (string, bool) { return "", false }
}

// narrow brings full-width forms to ASCII and trims.
func narrow(s string) string {
	if !ascii(s) {
		s = norm.NFKC.String(s)
	}
	return strings.TrimSpace(s)
}

// textKey folds until nothing changes: folding can undo NFKC and NFKC can uncover a space.
func textKey(s string) (string, bool) {
	if ascii(s) {
		s = lower(strings.TrimSpace(s))
		return s, s != ""
	}
	fold := cases.Fold()
	for range 8 {
		next := strings.TrimSpace(norm.NFKC.String(fold.String(norm.NFKC.String(s))))
		if next == s {
			return s, s != ""
		}
		s = next
	}
	return "", false
}

// without drops the separators people write inside numbers.
func without(s, separators string) string {
	if isDigits(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(separators, r) {
			return -1
		}
		return r
	}, s)
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return s != ""
}

func digitsKey(s string) (string, bool) {
	s = without(narrow(s), " -./()\t")
	return s, isDigits(s)
}

func intKey(s string) (string, bool) {
	s = narrow(s)
	digits, negative := strings.CutPrefix(s, "-")
	if !negative {
		digits = strings.TrimPrefix(digits, "+")
	}
	if !isDigits(digits) {
		return "", false
	}
	digits = strings.TrimLeft(digits, "0")
	switch {
	case digits == "":
		return "0", true
	case negative:
		return "-" + digits, true
	}
	return digits, true
}

func emailKey(s string) (string, bool) {
	s, ok := textKey(s)
	local, domain, at := strings.Cut(s, "@")
	if !ok || !at || local == "" || strings.ContainsAny(s, " \t\r\n") || strings.Contains(domain, "@") {
		return "", false
	}
	dot := strings.IndexByte(domain, '.')
	return s, dot > 0 && !strings.HasSuffix(domain, ".")
}

func phoneKey(s string) (string, bool) {
	s = without(narrow(s), " -.()\t")
	foreign := false
	for _, prefix := range []string{"+86", "0086"} {
		if rest, ok := strings.CutPrefix(s, prefix); ok {
			s, foreign = rest, true
			break
		}
	}
	if !foreign && len(s) == 13 && strings.HasPrefix(s, "861") {
		s = s[2:]
	}
	switch {
	case !isDigits(s):
		return "", false
	case len(s) == 11 && s[0] == '1' && s[1] >= '3':
		return s, true
	case foreign && s[0] != '0':
		s = "0" + s
	}
	return s, s[0] == '0' && s[1:] != "" && s[1] != '0' && len(s) >= 10 && len(s) <= 12
}

// idCardKey follows GB 11643-1999: six digits of the place, eight of the birthday, three of the order, one check
// character by ISO 7064 MOD 11-2. The form before 1999 has no century and no check character.
func idCardKey(s string) (string, bool) {
	s = strings.ToUpper(without(narrow(s), " -\t"))
	if len(s) == 15 && isDigits(s) {
		s = s[:6] + "19" + s[6:]
		s += string(idCardCheck(s))
	}
	if len(s) != 18 || !isDigits(s[:17]) || s[17] != idCardCheck(s[:17]) {
		return "", false
	}
	if _, err := time.Parse("20060102", s[6:14]); err != nil {
		return "", false
	}
	return s, true
}

// idCardCheck returns the check character of 17 digits: the i-th from the right weighs 2^i mod 11.
func idCardCheck(digits string) byte {
	sum, weight := 0, 1
	for i := len(digits) - 1; i >= 0; i-- {
		weight = weight * 2 % 11
		sum += int(digits[i]-'0') * weight
	}
	return "10X98765432"[sum%11]
}

// dateKey reads year, month, day in that order. Any other order is ambiguous and malformed.
func dateKey(s string) (string, bool) {
	s = narrow(s)
	for _, layout := range []string{"2006-1-2", "2006/1/2", "2006.1.2", "20060102", "2006年1月2日"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Format(time.DateOnly), true
		}
	}
	return "", false
}

func uuidKey(s string) (string, bool) {
	s = strings.ToLower(narrow(s))
	s = strings.TrimPrefix(s, "urn:uuid:")
	if len(s) > 1 && s[0] == '{' && s[len(s)-1] == '}' {
		s = s[1 : len(s)-1]
	}
	s = strings.ReplaceAll(s, "-", "")
	if len(s) != 32 || strings.Trim(s, "0123456789abcdef") != "" {
		return "", false
	}
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:], true
}
