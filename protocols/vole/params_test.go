package vole

import (
	"errors"
	"fmt"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols/conntest"
)

func TestNewParams(t *testing.T) {
	for _, c := range []struct {
		l    Literal
		want fault.Code
	}{
		{Literal{}, fault.Invalid},
		{Literal{Length: -1}, fault.Invalid},
		{Literal{Length: MaxLength + 1}, fault.LimitExceeded},
	} {
		if _, err := NewParams(c.l); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", c.l, err, c.want)
		}
	}
	for _, l := range []Literal{{Length: 1}, {Length: MaxLength}, {Length: MaxLength, Conservative: true}} {
		if p := params(t, l); p.Literal() != l {
			t.Errorf("%+v became %+v", l, p.Literal())
		}
	}
}

// psi.md: t = ⌈128 / −log₂(1−δ)⌉ rounded up to a multiple of 8.
func TestNoiseWeight(t *testing.T) {
	for _, c := range []struct {
		delta float64
		want  int
	}{{0.15, noiseDefault}, {0.20, noiseConservative}} {
		if got := int(math.Ceil(math.Ceil(128/-math.Log2(1-c.delta))/8)) * 8; got != c.want {
			t.Errorf("δ = %v: t = %d, want %d", c.delta, c.want, got)
		}
	}
}

// Shapes: the trees have exactly the code's inputs, at least twice its outputs, and no level beyond what leaves need.
func TestShape(t *testing.T) {
	for _, m := range []int{1, 16384, 16385, 100003, 1 << 20, MaxLength} {
		for _, c := range []bool{false, true} {
			p := params(t, Literal{Length: m, Conservative: c})
			n := p.trees * p.leaves
			if n != p.rows+p.parity() || n < 2*p.rows || n-2*p.rows >= p.trees || p.rows < m {
				t.Errorf("m = %d: %d trees of %d leaves for %d rows", m, p.trees, p.leaves, p.rows)
			}
			if p.leaves > 1<<p.depth || p.leaves <= 1<<(p.depth-1) || p.width(0) != 1 || p.width(p.depth) != p.leaves {
				t.Errorf("m = %d: depth %d for %d leaves", m, p.depth, p.leaves)
			}
		}
	}
}

// The formula of # Cost, written out for one length.
func TestCostFormula(t *testing.T) {
	got := params(t, Literal{Length: 1415578}).Cost() // 5130 leaves, depth 13
	wantSent := int64(3104 + 2*8 + 4*552*(128+13) + 4*(128-552*(128+13)%128))
	wantRecv := int64(8192 + 552*(32*13+16))
	if got.SentBytes != wantSent || got.RecvBytes != wantRecv || got.Rounds != 3 {
		t.Errorf("%+v, want %d sent and %d received", got, wantSent, wantRecv)
	}
}

// The reveals lines of doc.go are Params.Leaks, word for word.
func TestLeaksMatchDoc(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, l := range params(t, Literal{Length: 1}).Leaks() {
		want = append(want, fmt.Sprintf("%s to %s", l.Detail, l.To))
	}
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^// reveals: (.*)$`).FindAllStringSubmatch(string(doc), -1) {
		got = append(got, m[1])
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("doc.go reveals %q, Leaks %q", got, want)
	}
}

// Secrets print as their type's name.
func TestStatesPrintNoSecrets(t *testing.T) {
	p := params(t, Literal{Length: 3})
	ss, sr := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	u, msg, err := NewSender(ss, sr.Self, p)
	if err != nil {
		t.Fatal(err)
	}
	v, _, err := NewReceiver(sr, ss.Self, p, msg)
	if err != nil {
		t.Fatal(err)
	}
	s, r := local(t, p, ss, sr)
	for want, x := range map[string]any{
		"vole.Sender": s, "vole.Receiver": r, "vole.SenderSetup": u, "vole.ReceiverSetup": v,
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%x"} {
			if got := fmt.Sprintf(verb, x); got != want {
				t.Errorf("%s prints %q", verb, got)
			}
		}
	}
	if s.LogValue().String() != "vole.Sender" || r.LogValue().String() != "vole.Receiver" ||
		u.LogValue().String() != "vole.SenderSetup" || v.LogValue().String() != "vole.ReceiverSetup" {
		t.Error("a log value is not the type's name")
	}
}
