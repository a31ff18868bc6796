package share

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

func TestNewParams(t *testing.T) {
	for _, k := range []int{0, 2, 4, 8} {
		if _, err := NewParams(Literal{K: k}); err != nil {
			t.Errorf("k=%d: %v", k, err)
		}
	}
	if _, err := NewParams(Literal{K: 3}); !errors.Is(err, fault.Invalid) {
		t.Errorf("k=3: %v, want Invalid", err)
	}
}

// Arguments are refused before a byte moves, and the engine stays usable.
func TestArgumentsRefused(t *testing.T) {
	q := newPair(t, Default(), 1)
	e, ctx := q.e[0], q.ctx
	before := q.conn[0].Cost()
	huge := make([]uint64, 0)
	one, two := NewBits(1), NewBits(2)
	for name, c := range map[string]struct {
		want fault.Code
		run  func() error
	}{
		"ring of 1":       {fault.Invalid, func() error { _, err := e.MSB(ctx, huge, MinRingBits-1); return err }},
		"ring of 65":      {fault.Invalid, func() error { _, err := e.MSB(ctx, huge, MaxRingBits+1); return err }},
		"less lengths":    {fault.Invalid, func() error { _, err := e.Less(ctx, make([]uint64, 2), make([]uint64, 1), 8); return err }},
		"and lengths":     {fault.Invalid, func() error { _, err := e.And(ctx, one, two); return err }},
		"xor lengths":     {fault.Invalid, func() error { _, err := Xor(one, two); return err }},
		"mux lengths":     {fault.Invalid, func() error { _, err := e.Mux(ctx, two, make([]uint64, 1)); return err }},
		"drop 0 bits":     {fault.Invalid, func() error { _, err := e.Truncate(ctx, huge, 0); return err }},
		"drop 63 bits":    {fault.Invalid, func() error { _, err := e.Truncate(ctx, huge, MaxTruncate+1); return err }},
		"open to nobody":  {fault.Invalid, func() error { _, err := e.Open(ctx, huge, 0); return err }},
		"open to 4":       {fault.Invalid, func() error { _, err := e.OpenBits(ctx, one, ToSecond+1); return err }},
		"too few words":   {fault.Invalid, func() error { _, err := BitsOf(make([]uint64, 1), 65); return err }},
		"negative length": {fault.Invalid, func() error { _, err := BitsOf(nil, -1); return err }},
		"rows":            {fault.LimitExceeded, func() error { return checkRows("share.MSB", MaxRows+1) }},
		"b2a rows":        {fault.LimitExceeded, func() error { _, err := e.B2A(ctx, Bits{n: MaxRows + 1}); return err }},
		"and rows":        {fault.LimitExceeded, func() error { _, err := e.And(ctx, Bits{n: MaxRows + 1}, Bits{n: MaxRows + 1}); return err }},
	} {
		if err := c.run(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if err := checkRows("share.MSB", MaxRows); err != nil {
		t.Errorf("MaxRows itself: %v", err)
	}
	if q.conn[0].Cost() != before {
		t.Error("a refused call moved bytes")
	}
	checkMSB(t, q, []int64{-1, 1}, 8)
}

func TestBits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, 300).Draw(rt, "n")
		w := rapid.SliceOfN(rapid.Uint64(), words(n), words(n)+1).Draw(rt, "w")
		b, err := BitsOf(w, n)
		if err != nil || b.Len() != n || len(b.Words()) != words(n) {
			rt.Fatalf("%v", err)
		}
		lo := rapid.IntRange(0, n).Draw(rt, "lo")
		hi := rapid.IntRange(lo, n).Draw(rt, "hi")
		s := b.Slice(lo, hi)
		for i := range s.Len() {
			if s.At(i) != w[(lo+i)/64]>>((lo+i)%64)&1 {
				rt.Fatalf("bit %d of [%d, %d)", i, lo, hi)
			}
		}
		if rest := s.n % 64; rest > 0 && s.w[len(s.w)-1]>>rest != 0 {
			rt.Fatalf("padding of [%d, %d)", lo, hi)
		}
	})
}

// The reveals lines of doc.go are Params.Leaks, word for word.
func TestLeaksMatchDoc(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, l := range Default().Leaks() {
		want = append(want, fmt.Sprintf("%s to %s", l.Detail, l.To))
	}
	for _, m := range regexp.MustCompile(`(?m)^// reveals: (.*)$`).FindAllStringSubmatch(string(doc), -1) {
		got = append(got, m[1])
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("doc.go reveals %q, Leaks %q", got, want)
	}
}

// The numbers that doc.go states.
func TestCostOfDoc(t *testing.T) {
	p8, err := NewParams(Literal{K: 8})
	if err != nil {
		t.Fatal(err)
	}
	perRow := func(c protocols.Cost, n int) float64 { return float64(c.SentBytes+c.RecvBytes) / float64(n) }
	const n = 1 << 16
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"comparison", perRow(Default().MSBCost(n, 48), n), 327},
		{"sigmoid k=4", perRow(Default().SigmoidCost(n, 0), n), 1426},
		{"sigmoid k=8", perRow(p8.SigmoidCost(n, 0), n), 854},
		{"flights", float64(Default().SigmoidCost(n, 0).Rounds), 26},
	} {
		if c.got < c.want-0.5 || c.got > c.want+0.5 {
			t.Errorf("%s: %.2f, doc.go says %.0f", c.name, c.got, c.want)
		}
	}
}

// Secrets print as their type's name.
func TestStatesPrintNoSecrets(t *testing.T) {
	e := newPair(t, Default(), 1).e[0]
	b, err := BitsOf([]uint64{0xdeadbeef}, 40)
	if err != nil {
		t.Fatal(err)
	}
	for want, v := range map[string]any{"share.Engine": e, "share.Bits(40)": b} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%x"} {
			if got := fmt.Sprintf(verb, v); got != want {
				t.Errorf("%s prints %q", verb, got)
			}
		}
	}
	if e.LogValue().String() != "share.Engine" || b.LogValue().String() != "share.Bits(40)" {
		t.Error("a log value is not the type's name")
	}
}
