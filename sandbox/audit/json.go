package audit

import (
	"cmp"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tacit-data/tacit/api/fault"
)

// MaxDepth bounds the nesting of arrays and objects in a leaf: the parser recurses.
const MaxDepth = 16

// maxInt is the largest magnitude written as a JSON number; beyond it readers that use doubles disagree. Bigger
// integers are written as strings.
const maxInt = 1<<53 - 1

// appendValue appends the canonical form of v (RFC 8785 §3.2, numbers restricted to integers).
//
// v is a string, bool, int, int64, []any, []string or map[string]any.
func appendValue(dst []byte, v any, depth int) ([]byte, error) {
	if depth > MaxDepth {
		return nil, fault.New(fault.LimitExceeded, "audit.Encode", "JSON nested deeper than %d", MaxDepth)
	}
	switch v := v.(type) {
	case string:
		return appendString(dst, v)
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int:
		return appendInt(dst, int64(v))
	case int64:
		return appendInt(dst, v)
	case []string:
		return appendArray(dst, v, depth)
	case []any:
		return appendArray(dst, v, depth)
	case map[string]any:
		return appendObject(dst, v, depth)
	}
	return nil, fault.New(fault.Invalid, "audit.Encode", "a leaf holds strings, integers, booleans, arrays and objects, not %T", v)
}

func appendInt(dst []byte, n int64) ([]byte, error) {
	if n > maxInt || n < -maxInt {
		return nil, fault.New(fault.Invalid, "audit.Encode", "an integer of magnitude 2^53 or more must be a string")
	}
	return strconv.AppendInt(dst, n, 10), nil
}

func appendArray[T any](dst []byte, list []T, depth int) ([]byte, error) {
	dst = append(dst, '[')
	for i, v := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendValue(dst, v, depth+1); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

func appendObject(dst []byte, m map[string]any, depth int) ([]byte, error) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, compareKeys)
	dst = append(dst, '{')
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendString(dst, k); err != nil {
			return nil, err
		}
		if dst, err = appendValue(append(dst, ':'), m[k], depth+1); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// compareKeys orders keys by UTF-16 code units, RFC 8785 §3.2.3. It differs from byte order only where a character
// beyond U+FFFF meets one in U+E000…U+FFFF.
func compareKeys(a, b string) int {
	for len(a) > 0 && len(b) > 0 {
		ra, na := utf8.DecodeRuneInString(a)
		rb, nb := utf8.DecodeRuneInString(b)
		if ra != rb {
			return cmp.Compare(firstUnits(ra), firstUnits(rb))
		}
		a, b = a[na:], b[nb:]
	}
	return cmp.Compare(len(a), len(b))
}

// firstUnits packs the one or two UTF-16 units of r so that integer order is code-unit order.
func firstUnits(r rune) uint32 {
	if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
		return uint32(hi)<<16 | uint32(lo)
	}
	return uint32(r) << 16
}

const hexDigits = "0123456789abcdef"

// appendString appends s in quotes with the fewest escapes, RFC 8785 §3.2.2.2.
func appendString(dst []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, fault.New(fault.Invalid, "audit.Encode", "a string that is not UTF-8")
	}
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= 0x20:
			dst = append(dst, c)
		case shortEscape(c) != 0:
			dst = append(dst, '\\', shortEscape(c))
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(dst, '"'), nil
}

// shortEscape returns the letter of the two-character escape of control character c, or 0.
func shortEscape(c byte) byte {
	switch c {
	case '\b':
		return 'b'
	case '\t':
		return 't'
	case '\n':
		return 'n'
	case '\f':
		return 'f'
	case '\r':
		return 'r'
	}
	return 0
}
