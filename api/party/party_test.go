package party

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
)

func TestParse(t *testing.T) {
	for s, ok := range map[string]bool{
		"a": true, "bank": true, "b-2": true, "a" + strings.Repeat("x", 62): true,
		"": false, "Bank": false, "2b": false, "-b": false, "b_2": false, "b ": false, "bänk": false, "a" + strings.Repeat("x", 63): false,
	} {
		id, err := Parse(s)
		if (err == nil) != ok || (err != nil && !errors.Is(err, fault.Invalid)) || (ok && string(id) != s) {
			t.Errorf("%q: %q, %v", s, id, err)
		}
	}
}

func TestSorted(t *testing.T) {
	in := []ID{"c", "a", "b", "a"}
	if got, want := Sorted(in), []ID{"a", "b", "c"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if in[0] != "c" {
		t.Error("the argument was changed")
	}
}
