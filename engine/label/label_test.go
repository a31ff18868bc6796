package label

import (
	"errors"
	"slices"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

var all = []Label{
	{}, PrivateTo("a"), PrivateTo("b"), SharedBy("a", "b"), EncryptedTo("a"), NoisedTo(1, 0, "a"), Open(),
}

// TestLocalNeverWeakens: whatever meets in a local step, the result protects at least as much as each input.
func TestLocalNeverWeakens(t *testing.T) {
	for _, linear := range []bool{false, true} {
		for _, x := range all {
			for _, y := range all {
				out, err := Local(linear, x, y)
				if err != nil {
					if !errors.Is(err, fault.Invalid) {
						t.Errorf("%s, %s: %v", x, y, err)
					}
					continue
				}
				for _, in := range []Label{x, y} {
					if in.Kind != Public && !out.Equal(in) {
						t.Errorf("linear=%v: %s and %s gave %s", linear, x, y, out)
					}
				}
			}
		}
	}
}

func TestLocalRefuses(t *testing.T) {
	for _, c := range []struct {
		linear bool
		in     []Label
	}{
		{false, []Label{PrivateTo("a"), PrivateTo("b")}},
		{false, []Label{SharedBy("a", "b")}},
		{false, []Label{EncryptedTo("a")}},
		{true, []Label{{}}},
		{true, []Label{SharedBy("a", "b"), SharedBy("a", "c")}},
	} {
		if out, err := Local(c.linear, c.in...); !errors.Is(err, fault.Invalid) {
			t.Errorf("%v: %s, %v", c.in, out, err)
		}
	}
	if out, err := Local(true, SharedBy("a", "b"), Open()); err != nil || out.Kind != Shared {
		t.Errorf("a linear step on shares and a public column: %s, %v", out, err)
	}
}

func TestJoint(t *testing.T) {
	holders := []party.ID{"b", "a"}
	out, err := Joint(holders, PrivateTo("a"), PrivateTo("b"), Open())
	if err != nil || out.Kind != Shared || !slices.Equal(out.Parties, []party.ID{"a", "b"}) {
		t.Errorf("got %s, %v", out, err)
	}
	for _, in := range []Label{PrivateTo("c"), {}, NoisedTo(1, 0, "a"), SharedBy("a", "c")} {
		if out, err := Joint(holders, in); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %s, %v", in, out, err)
		}
	}
}

func TestPicoPrints(t *testing.T) {
	for p, want := range map[Pico]string{0: "0", 1: "0.000000000001", 1_000_000_000_000: "1", 1_500_000_000_000: "1.5"} {
		if got := p.String(); got != want {
			t.Errorf("%d: %s, want %s", int64(p), got, want)
		}
	}
}
