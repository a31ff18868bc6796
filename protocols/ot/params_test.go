package ot

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

func TestNewParams(t *testing.T) {
	for _, c := range []struct{ k, want int }{{0, 4}, {2, 2}, {4, 4}, {8, 8}} {
		p, err := NewParams(Literal{K: c.k})
		if err != nil || p.K() != c.want {
			t.Errorf("k=%d: %d, %v", c.k, p.K(), err)
		}
	}
	for _, k := range []int{-1, 1, 3, 5, 16} {
		if _, err := NewParams(Literal{K: k}); !errors.Is(err, fault.Invalid) {
			t.Errorf("k=%d: %v, want Invalid", k, err)
		}
	}
}

func TestZeroParamsRefused(t *testing.T) {
	s := protocols.Session{Self: "alpha", Rand: rand.Reader, Workers: 1}
	if _, _, err := NewSender(s, "beta", Params{}); !errors.Is(err, fault.Invalid) {
		t.Errorf("NewSender: %v, want Invalid", err)
	}
	if _, _, err := NewReceiver(s, "beta", Params{}, nil); !errors.Is(err, fault.Invalid) {
		t.Errorf("NewReceiver: %v, want Invalid", err)
	}
}

func TestCostFormula(t *testing.T) {
	for _, c := range []struct {
		k, n int
		sent int64
	}{
		{4, 0, 0},
		{4, 1, 8 + 512},
		{4, 128, 8 + 512},
		{2, 129, 8 + 2048},
		{8, MaxExtend, 8 + 2*MaxExtend},
		{4, MaxExtend + 1, 8 + 4*MaxExtend + 8 + 512},
	} {
		got := withK(t, c.k).Cost(c.n)
		if got.SentBytes != c.sent {
			t.Errorf("k=%d n=%d: %d bytes, want %d", c.k, c.n, got.SentBytes, c.sent)
		}
	}
}

// The reveals lines of doc.go are Params.Leaks, word for word.
func TestLeaksMatchDoc(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, l := range Default().Leaks() {
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
	s, r := localPair(t, Default(), 1)
	setup, _, err := NewSender(protocols.Session{Self: "a", Rand: rand.Reader}, "b", Default())
	if err != nil {
		t.Fatal(err)
	}
	for want, v := range map[string]any{"ot.Sender": s, "ot.Receiver": r, "ot.SenderSetup": setup} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%x"} {
			if got := fmt.Sprintf(verb, v); got != want {
				t.Errorf("%s prints %q", verb, got)
			}
		}
	}
	if s.LogValue().String() != "ot.Sender" || r.LogValue().String() != "ot.Receiver" || setup.LogValue().String() != "ot.SenderSetup" {
		t.Error("a log value is not the type's name")
	}
}
