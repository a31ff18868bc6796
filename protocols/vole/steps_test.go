package vole

import (
	"errors"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/internal/kernel/gf128"
	"github.com/tacit-data/tacit/protocols/conntest"
)

// Before compression the leaves differ by Δ·β at one place of each block and nowhere else, and the noise is β there.
func TestNoiseIsRegular(t *testing.T) {
	p := params(t, Literal{Length: 20000})
	ss, sr := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	u, setup, err := NewSender(ss, sr.Self, p)
	if err != nil {
		t.Fatal(err)
	}
	r, reply, err := NewReceiver(sr, ss.Self, p, setup)
	if err != nil {
		t.Fatal(err)
	}
	at := append([]uint64(nil), r.noise.at...)
	value := append([]aes.Block(nil), r.noise.value...)
	answer, err := u.Answer(reply)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Open(answer); err != nil {
		t.Fatal(err)
	}
	for i := range p.trees {
		for j := range p.leaves {
			k := i*p.leaves + j
			v, w, e := leafAt(u.v, r.w, k)
			var want, diff aes.Block
			if uint64(j) == at[i] {
				want, diff = value[i], gf128.Mul(value[i], *u.delta)
			}
			if e != want || xorBlock(v, w) != diff {
				t.Fatalf("tree %d leaf %d (noise at %d) differs", i, j, at[i])
			}
		}
	}
}

func leafAt(s leaves, r noisyLeaves, k int) (v, w, e aes.Block) {
	if n := len(s.rows); k >= n {
		return s.parity[k-n], r.parity[2*(k-n)], r.parity[2*(k-n)+1]
	}
	return s.rows[k], r.a[k], r.c[k]
}

// Noise places are uniform in their block and values are random: over 552 draws in blocks of 60, the counts of the
// halves differ by less than six standard deviations (false alarm 2^-29).
func TestNoiseIsUniform(t *testing.T) {
	p := params(t, Literal{Length: 1})
	s, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	n, err := p.drawNoise(s.Rand)
	if err != nil {
		t.Fatal(err)
	}
	low := 0
	for i, at := range n.at {
		if at >= uint64(p.leaves) || n.value[i] == (aes.Block{}) {
			t.Fatal("noise outside its block, or none")
		}
		if at < uint64(p.leaves)/2 {
			low++
		}
	}
	if low < 276-71 || low > 276+71 {
		t.Errorf("%d of %d places in the first half", low, len(n.at))
	}
}

// Steps are taken once and in order.
func TestOrderOfSteps(t *testing.T) {
	p := params(t, Literal{Length: 5})
	ss, sr := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	u, setup, err := NewSender(ss, sr.Self, p)
	if err != nil {
		t.Fatal(err)
	}
	r, reply, err := NewReceiver(sr, ss.Self, p, setup)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(step string, err error) {
		t.Helper()
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want Invalid", step, err)
		}
	}
	_, err = u.Compress()
	refused("sender compresses first", err)
	_, err = r.Compress()
	refused("receiver compresses first", err)
	u.Grow()
	u.Grow()
	answer, err := u.Answer(reply)
	if err != nil {
		t.Fatal(err)
	}
	_, err = u.Answer(reply)
	refused("second answer", err)
	if _, err := r.Open(answer); err != nil {
		t.Fatal(err)
	}
	_, err = r.Open(answer)
	refused("second open", err)
	s, err := u.Compress()
	if err != nil {
		t.Fatal(err)
	}
	rcv, err := r.Compress()
	if err != nil || !correlated(s, rcv) {
		t.Fatal("a refused step changed the result", err)
	}
	_, err = u.Compress()
	refused("sender compresses twice", err)
	_, err = r.Compress()
	refused("receiver compresses twice", err)
	rcv.Wipe()
	s.Wipe()
	if s.B[0] != (aes.Block{}) || rcv.A[0] != (aes.Block{}) || rcv.C[0] != (aes.Block{}) || s.DeltaInsecure() != (aes.Block{}) {
		t.Error("not wiped")
	}
}

// A message of another length blames the peer.
func TestMessageLengths(t *testing.T) {
	p := params(t, Literal{Length: 5})
	ss, sr := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	u, setup, err := NewSender(ss, sr.Self, p)
	if err != nil {
		t.Fatal(err)
	}
	blamed := func(step string, err error, peer any) {
		t.Helper()
		if !errors.Is(err, fault.Misbehaved) || any(conntest.Culprit(err)) != peer {
			t.Errorf("%s: %v, want Misbehaved of %v", step, err, peer)
		}
	}
	_, _, err = NewReceiver(sr, ss.Self, p, setup[1:])
	blamed("setup", err, ss.Self)
	r, reply, err := NewReceiver(sr, ss.Self, p, setup)
	if err != nil {
		t.Fatal(err)
	}
	_, err = u.Answer(reply[1:])
	blamed("reply", err, sr.Self)
	_, err = r.Open(nil)
	blamed("answer", err, ss.Self)
}

// The blocks of one element's bits recombine into its product with Δ.
func TestCombine(t *testing.T) {
	g := aes.NewStream(aes.Block{1}, aes.Block{2})
	var delta, value aes.Block
	g.Fill(delta[:])
	g.Fill(value[:])
	t0 := make([]aes.Block, 128)
	for j := range t0 {
		if value[j/8]>>(j%8)&1 == 1 {
			t0[j] = delta
		}
	}
	if combine(t0) != gf128.Mul(delta, value) {
		t.Error("Σ x^j·b_j·Δ is not Δ·β")
	}
}
