package vole

import (
	"testing"

	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/internal/kernel/gf128"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
)

func params(t testing.TB, l Literal) Params {
	t.Helper()
	p, err := NewParams(l)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// local runs all steps without a Conn.
func local(t testing.TB, p Params, ss, sr protocols.Session) (Sender, Receiver) {
	t.Helper()
	u, setup, err := NewSender(ss, sr.Self, p)
	if err != nil {
		t.Fatal(err)
	}
	r, reply, err := NewReceiver(sr, ss.Self, p, setup)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := u.Answer(reply)
	if err != nil {
		t.Fatal(err)
	}
	masked, err := r.Open(answer)
	if err != nil {
		t.Fatal(err)
	}
	if masked != nil {
		proof, err := u.Prove(masked)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Verify(proof); err != nil {
			t.Fatal(err)
		}
	}
	s, err := u.Compress()
	if err != nil {
		t.Fatal(err)
	}
	rcv, err := r.Compress()
	if err != nil {
		t.Fatal(err)
	}
	return s, rcv
}

// correlated reports whether A = B + Δ·C on every entry.
func correlated(s Sender, r Receiver) bool {
	if len(s.B) != len(r.A) || len(s.B) != len(r.C) {
		return false
	}
	delta := s.DeltaInsecure()
	want := make([]aes.Block, len(s.B))
	copy(want, s.B)
	gf128.MulConstAdd(want, r.C, &delta)
	for i := range want {
		if want[i] != r.A[i] {
			return false
		}
	}
	return true
}

// The correlation holds on every entry, for lengths below, at and above the least that is compressed.
func TestCorrelation(t *testing.T) {
	lengths := []int{1, 2, 16385, 1000, 16381, 16384, 1<<16 + 1}
	if testing.Short() {
		lengths = lengths[:3]
	}
	for _, m := range lengths {
		for mode := range 4 {
			l := Literal{Length: m, Conservative: mode&1 == 1, Malicious: mode&2 == 2}
			p := params(t, l)
			ss, sr := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
			s, r := local(t, p, ss, sr)
			if len(s.B) != m || !correlated(s, r) {
				t.Errorf("%+v: A ≠ B + Δ·C", l)
			}
		}
	}
}
