package job

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/tacit-data/tacit/api/fault"
)

const opParse = "job.Parse"

// shape is the form of one tree node.
type shape uint8

const (
	isNull shape = iota
	isBool
	isNumber
	isString
	isList
	isObject
)

var shapeNames = [...]string{"null", "true or false", "a number", "a string", "a list", "an object"}

// tree is a parsed document before it means anything: what YAML and JSON have in common. Children know their parent so
// that a JSON pointer is built only when an error needs one.
type tree struct {
	shape     shape
	text      string // bool: "true" or "false"; number: the literal; string: its value
	kids      []*tree
	parent    *tree
	key       string // under an object
	index     int    // under a list
	line, col int    // 1-based
}

// pointer returns the JSON pointer (RFC 6901) of t.
func (t *tree) pointer() string {
	if t.parent == nil {
		return ""
	}
	if t.parent.shape == isObject {
		return t.parent.pointer() + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(t.key)
	}
	return t.parent.pointer() + "/" + strconv.Itoa(t.index)
}

// depth is the number of lists and objects around t.
func (t *tree) depth() int {
	n := 0
	for p := t.parent; p != nil; p = p.parent {
		n++
	}
	return n
}

// tooDeep is the refusal of t; it leaves out the pointer, which would be as long as the nesting.
func (t *tree) tooDeep() error {
	return fault.New(fault.Invalid, opParse, "line %d, column %d: nested deeper than %d", t.line, t.col, MaxDepth)
}

// fail returns an error that says where t is.
func (t *tree) fail(c fault.Code, format string, args ...any) error {
	at := t.pointer()
	if at == "" {
		at = "the document"
	}
	return fault.New(c, opParse, "line %d, column %d, %s: %s", t.line, t.col, at, fmt.Sprintf(format, args...))
}

// add makes k the last child of t, an object. It refuses a repeated or over-long field name.
func (t *tree) add(k *tree) error {
	k.parent = t
	if len(k.key) > maxField {
		k.key = ""
		return k.fail(fault.Invalid, "a field name of more than %d bytes", maxField)
	}
	if err := checkString(k, k.key); err != nil {
		return err
	}
	// An object of the form has at most 12 fields, so a longer one fails soon after; the bound keeps this loop linear.
	if len(t.kids) >= maxField {
		return k.fail(fault.Invalid, "an object of more than %d fields", maxField)
	}
	for _, other := range t.kids {
		if other.key == k.key {
			return k.fail(fault.Invalid, "field given twice, first on line %d", other.line)
		}
	}
	t.kids = append(t.kids, k)
	return nil
}

// checkString refuses what two parties could read differently, or what a terminal would render as something else.
func checkString(at *tree, s string) error {
	if !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError) {
		return at.fail(fault.Invalid, "text that is not UTF-8")
	}
	if !norm.NFC.IsNormalString(s) {
		return at.fail(fault.Invalid, "text that is not in Unicode normal form C")
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return at.fail(fault.Invalid, "text with a control character")
		}
	}
	return nil
}

// plain gives an unquoted scalar its shape: null, true, false, a number in JSON's grammar, or else a string.
func plain(s string) shape {
	switch {
	case s == "null":
		return isNull
	case s == "true", s == "false":
		return isBool
	case isDecimal(s):
		return isNumber
	}
	return isString
}

// isDecimal reports whether s is a number of RFC 8259 §6: no leading zero, no sign but '-', no bare point.
func isDecimal(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := digits(s)
	if whole == 0 || (whole > 1 && s[0] == '0') {
		return false
	}
	s = s[whole:]
	if rest, ok := strings.CutPrefix(s, "."); ok {
		n := digits(rest)
		if n == 0 {
			return false
		}
		s = rest[n:]
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		n := digits(s)
		return n > 0 && n == len(s)
	}
	return s == ""
}

// digits is the length of the leading run of decimal digits.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
