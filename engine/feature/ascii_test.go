package feature

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestLower has every byte at every place of a word and of what is behind the last one.
func TestLower(t *testing.T) {
	for length := range 20 {
		for at := range length {
			for c := range 256 {
				b := []byte(strings.Repeat("Zz9@", 5)[:length])
				b[at] = byte(c)
				s := string(b)
				if ascii(s) != (c < utf8.RuneSelf) {
					t.Fatalf("byte %#x at %d of %d: ascii is %v", c, at, length, ascii(s))
				}
				if c < utf8.RuneSelf && lower(s) != strings.ToLower(s) {
					t.Fatalf("%q: %q, want %q", s, lower(s), strings.ToLower(s))
				}
			}
		}
	}
	for _, s := range []string{"", "@[`{", "\x00\x7f", "already lower, however long it is"} {
		if lower(s) != strings.ToLower(s) || !ascii(s) {
			t.Errorf("%q: %q", s, lower(s))
		}
	}
}
