package table

import (
	"math"
	"strconv"
	"strings"
)

// maxIDDigits is the longest run of digits that is taken for a number: above it a float64 loses digits, and what is
// that long is an identifier.
const maxIDDigits = 15

// look is what one text cell may be.
type look uint8

const (
	blank   look = iota // nothing but spaces: null in a number column
	integer             // int64, and so also float64
	decimal             // float64
	text                // neither
)

// lookOf classifies a cell that is not empty.
func lookOf(cell string) look {
	s := trim(cell)
	if s == "" {
		return blank
	}
	digits := strings.TrimPrefix(s, "-")
	switch n := leadingDigits(digits); {
	case n > 1 && digits[0] == '0':
		return text // 007 and 00.5 are codes
	case n == len(digits) && n > maxIDDigits:
		return text
	case n == len(digits) && n > 0:
		return integer
	}
	if _, ok := parseFloat(s); ok {
		return decimal
	}
	return text
}

func leadingDigits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// parseInt reads a decimal int64, spaces around it allowed; fault texts are made by the caller, since those of strconv
// quote the cell.
func parseInt(cell string) (int64, bool) {
	s := trim(cell)
	v, err := strconv.ParseInt(s, 10, 64)
	if err == nil {
		return v, s[0] != '+'
	}
	f, ok := parseFloat(s) // 3.0 and 1e3 are integers that somebody wrote as floats
	if !ok || !integral(f) {
		return 0, false
	}
	return int64(f), true
}

// integral reports whether f is a whole number that a float64 holds exactly.
func integral(f float64) bool { return f == math.Trunc(f) && math.Abs(f) <= 1<<53 }

// parseFloat reads a decimal number or one of nan, inf and infinity in any case, with a sign. Hexadecimal, digit
// separators and a leading plus are text. A number beyond the range of float64 is no number.
func parseFloat(cell string) (float64, bool) {
	s := trim(cell)
	if s == "" || s[0] == '+' {
		return 0, false
	}
	if !decimalOnly(s) {
		return parseWord(s)
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil
}

// parseWord reads nan, inf and infinity.
func parseWord(s string) (float64, bool) {
	switch strings.ToLower(s) {
	case "nan", "-nan":
		return math.NaN(), true
	case "inf", "infinity":
		return math.Inf(1), true
	case "-inf", "-infinity":
		return math.Inf(-1), true
	}
	return 0, false
}

// trim drops spaces and tabs at both ends.
func trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// decimalOnly reports whether s has no other bytes than those of decimal numbers.
func decimalOnly(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c == '.', c == '-', c == 'e', c == 'E', c == '+':
		default:
			return false
		}
	}
	return true
}
