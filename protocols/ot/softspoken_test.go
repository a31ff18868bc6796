package ot

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/protocols"
)

func withK(t testing.TB, k int) Params {
	t.Helper()
	p, err := NewParams(Literal{K: k})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func localPair(t testing.TB, p Params, workers int) (*Sender, *Receiver) {
	t.Helper()
	ss := protocols.Session{Self: "alpha", Rand: rand.Reader, Workers: workers}
	sr := protocols.Session{Self: "beta", Rand: rand.Reader, Workers: workers}
	setup, msg, err := NewSender(ss, "beta", p)
	if err != nil {
		t.Fatal(err)
	}
	r, reply, err := NewReceiver(sr, "alpha", p, msg)
	if err != nil {
		t.Fatal(err)
	}
	s, err := setup.Finish(reply)
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

func randomWords(t testing.TB, n int) []uint64 {
	t.Helper()
	w := make([]uint64, n)
	for i := range w {
		var b [8]byte
		if _, err := rand.Read(b[:]); err != nil {
			t.Fatal(err)
		}
		for j, v := range b {
			w[i] |= uint64(v) << (8 * j)
		}
	}
	return w
}

// extendBoth runs one batch at both sides and checks t = q ⊕ b·Δ, the pads and the indices.
func extendBoth(t *testing.T, s *Sender, r *Receiver, n int) {
	t.Helper()
	choices := randomWords(t, (n+63)/64)
	tb, q := make([]aes.Block, n), make([]aes.Block, n)
	next := r.next
	msg, f1, err := r.Extend(tb, choices)
	if err != nil {
		t.Fatal(err)
	}
	if len(msg) != r.params.ExtendBytes(n) {
		t.Fatalf("message of %d bytes, want %d", len(msg), r.params.ExtendBytes(n))
	}
	f2, err := s.Extend(q, msg)
	if err != nil {
		t.Fatal(err)
	}
	if f1 != next || f2 != next || r.next != next+uint64(Padded(n)) {
		t.Fatalf("index %d and %d, want %d", f1, f2, next)
	}
	p0, p1, p := make([]aes.Block, n), make([]aes.Block, n), make([]aes.Block, n)
	s.Pads(p0, p1, q, f2)
	r.Pads(p, tb, f1)
	for i := range q {
		want, pad, other := q[i], p0[i], p1[i]
		if choices[i/64]>>(i%64)&1 == 1 {
			want, pad, other = xorBlock(want, *s.delta), p1[i], p0[i]
		}
		if tb[i] != want {
			t.Fatalf("n=%d: transfer %d does not hold t = q ⊕ b·Δ", n, i)
		}
		if p[i] != pad || p[i] == other {
			t.Fatalf("n=%d: transfer %d: pad is not the chosen one alone", n, i)
		}
	}
}

func TestExtend(t *testing.T) {
	for _, k := range []int{2, 4, 8} {
		s, r := localPair(t, withK(t, k), 1)
		for _, n := range []int{1, 2, 63, 64, 65, 127, 128, 129, 1000} {
			extendBoth(t, s, r, n)
		}
	}
	s, r := localPair(t, Default(), 3)
	extendBoth(t, s, r, MaxExtend)
	extendBoth(t, s, r, MaxExtend-1)
}

func TestExtendBounds(t *testing.T) {
	for _, c := range []struct {
		name string
		n    int
		next uint64
		want fault.Code
	}{
		{"none", 0, 0, fault.Invalid},
		{"one more than MaxExtend", MaxExtend + 1, 0, fault.LimitExceeded},
		{"index exhausted", 1, MaxTransfers, fault.LimitExceeded},
	} {
		s, r := localPair(t, Default(), 1)
		s.next, r.next = c.next, c.next
		buf := make([]aes.Block, c.n)
		if _, _, err := r.Extend(buf, make([]uint64, c.n/64+1)); !errors.Is(err, c.want) {
			t.Errorf("%s, receiver: %v, want %v", c.name, err, c.want)
		}
		if _, err := s.Extend(buf, nil); !errors.Is(err, c.want) {
			t.Errorf("%s, sender: %v, want %v", c.name, err, c.want)
		}
	}
	_, r := localPair(t, Default(), 1)
	if _, _, err := r.Extend(make([]aes.Block, 65), make([]uint64, 1)); !errors.Is(err, fault.Invalid) {
		t.Errorf("too few choices: %v, want Invalid", err)
	}
	if _, _, err := r.Extend(make([]aes.Block, 1), make([]uint64, 1)); !errors.Is(err, fault.Invalid) {
		t.Errorf("use after an error: %v, want the same Invalid", err)
	}
}

// A message is accepted once, at its index, whole: everything else closes the sender.
func TestExtendReplayRefused(t *testing.T) {
	p := Default()
	const n = 200
	buf, choices := make([]aes.Block, n), make([]uint64, n/64+1)
	edits := map[string]func(first, second []byte) []byte{
		"replayed":  func(first, _ []byte) []byte { return first },
		"truncated": func(_, second []byte) []byte { return second[:len(second)-1] },
		"extended":  func(_, second []byte) []byte { return append(second, 0) },
		"empty":     func(_, _ []byte) []byte { return nil },
		"index":     func(_, second []byte) []byte { second[7] ^= 0x80; return second },
	}
	for name, edit := range edits {
		s, r := localPair(t, p, 1)
		first, _, err := r.Extend(buf, choices)
		if err != nil {
			t.Fatal(err)
		}
		second, _, err := r.Extend(buf, choices)
		if err != nil {
			t.Fatal(err)
		}
		keep := append([]byte(nil), second...)
		if _, err := s.Extend(buf, first); err != nil {
			t.Fatal(err)
		}
		_, err = s.Extend(buf, edit(first, second))
		if !errors.Is(err, fault.Misbehaved) {
			t.Errorf("%s: %v, want Misbehaved", name, err)
		}
		if f, ok := errors.AsType[*fault.Error](err); ok && f.Culprit != "beta" {
			t.Errorf("%s: culprit %q, want beta", name, f.Culprit)
		}
		if _, again := s.Extend(buf, keep); again == nil || !errors.Is(again, fault.Misbehaved) {
			t.Errorf("%s: the sender works after the error: %v", name, again)
		}
	}
}

// What the sender sees does not depend on the choices: same length, and every bit of the corrections is balanced. With
// N = 2^20 bits, |ones − N/2| ≤ 5·√N/2 fails for uniform bits with probability 2^-20.7.
func TestMessageIndependentOfChoices(t *testing.T) {
	_, r := localPair(t, Default(), 1)
	const n = 1 << 15
	buf := make([]aes.Block, n)
	for _, fill := range []uint64{0, ^uint64(0)} {
		choices := make([]uint64, n/64)
		for i := range choices {
			choices[i] = fill
		}
		msg, _, err := r.Extend(buf, choices)
		if err != nil {
			t.Fatal(err)
		}
		if len(msg) != Default().ExtendBytes(n) {
			t.Fatalf("length %d depends on the choices", len(msg))
		}
		ones := 0
		for _, b := range msg[headerBytes:] {
			ones += bits.OnesCount8(b)
		}
		total := float64(8 * (len(msg) - headerBytes))
		if d := math.Abs(float64(ones) - total/2); d > 2.5*math.Sqrt(total) {
			t.Fatalf("%d ones in %.0f bits", ones, total)
		}
	}
}

// The result does not depend on the number of workers: the same state extended by one and by four gives equal bytes.
func TestWorkersDoNotMatter(t *testing.T) {
	one, four := streamPair(), streamPair()
	four.workers = 4
	const n = 1 << 15
	choices := randomWords(t, n/64)
	t1, t4 := make([]aes.Block, n), make([]aes.Block, n)
	m1, _, err1 := one.Extend(t1, choices)
	m4, _, err4 := four.Extend(t4, choices)
	if err1 != nil || err4 != nil || string(m1) != string(m4) {
		t.Fatal("messages differ")
	}
	for i := range t1 {
		if t1[i] != t4[i] {
			t.Fatalf("block %d differs", i)
		}
	}
}

// streamPair returns a receiver with fixed leaves.
func streamPair() *Receiver {
	r := &Receiver{params: Default(), workers: 1, hash: aes.NewHash(aes.Block{}), leaves: make([][]*aes.Stream, 32)}
	for j := range r.leaves {
		leaves := make([]aes.Block, 16)
		for x := range leaves {
			leaves[x] = aes.Block{byte(j), byte(x)}
		}
		r.leaves[j] = leafStreams(leaves, false)
	}
	return r
}

// The holder of Δ grows exactly the other's leaves, in its own order, and lacks its own one.
func TestPuncturedTree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		k := rapid.SampledFrom([]int{2, 4, 8}).Draw(rt, "k")
		var delta aes.Block
		copy(delta[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, "delta"))
		keys, base := make([][2]aes.Block, Kappa), make([]aes.Block, Kappa)
		for p := range keys {
			keys[p] = [2]aes.Block{{byte(p), 1}, {byte(p), 2}}
			base[p] = keys[p][1^bit(&delta, p)]
		}
		j := rapid.IntRange(0, Kappa/k-1).Draw(rt, "group")
		leaves, msg := growTree(keys, j, k, nil)
		got := growPunctured(base, &delta, j, k, msg)
		digit := 0
		for b := range k {
			digit |= int(bit(&delta, j*k+b)) << b
		}
		if len(got) != 1<<k || got[0] != (aes.Block{}) {
			rt.Fatalf("%d leaves, the first must be missing", len(got))
		}
		for y := 1; y < len(got); y++ {
			if got[y] != leaves[y^digit] {
				rt.Fatalf("leaf %d differs", y)
			}
		}
	})
}

func TestFoldLeaves(t *testing.T) {
	for _, k := range []int{2, 4, 8} {
		const n = 32
		seeds := make([]aes.Block, 1<<k)
		want, sum := make([][n]byte, k), [n]byte{}
		for x := range seeds {
			seeds[x] = aes.Block{byte(x), 9}
			var leaf [n]byte
			aes.NewStream(seeds[x], ivLeaf).Fill(leaf[:])
			for i, v := range leaf {
				sum[i] ^= v
				for b := range k {
					want[b][i] ^= v * byte(x>>b&1)
				}
			}
		}
		rows := make([][]byte, k)
		for b := range rows {
			rows[b] = make([]byte, n)
		}
		if u := foldLeaves(leafStreams(seeds, false), rows, newStack(k, n)); string(u) != string(sum[:]) {
			t.Fatalf("k=%d: sum differs", k)
		}
		for b := range rows {
			if string(rows[b]) != string(want[b][:]) {
				t.Fatalf("k=%d: row %d differs", k, b)
			}
		}
	}
}

func TestTranspose(t *testing.T) {
	const n = 384
	var m matrix
	m.resize(n)
	if _, err := rand.Read(m.buf); err != nil {
		t.Fatal(err)
	}
	for _, count := range []int{1, 64, 65, n} {
		got := make([]aes.Block, count)
		transpose(got, &m, 1)
		for c := range got {
			for i := range Kappa {
				if bit(&got[c], i) != m.row(i, n)[c/8]>>(c%8)&1 {
					t.Fatalf("column %d, row %d", c, i)
				}
			}
		}
	}
}

func BenchmarkExtend(b *testing.B) {
	for _, k := range []int{2, 4, 8} {
		p := withK(b, k)
		const n = 1 << 15
		s, r := localPair(b, p, 1)
		choices := randomWords(b, n/64)
		tb, q, p1 := make([]aes.Block, n), make([]aes.Block, n), make([]aes.Block, n)
		msg := make([]byte, p.ExtendBytes(n))
		for _, c := range []struct {
			party string
			run   func()
		}{
			{"receiver", func() { _, _, _ = r.Extend(tb, choices) }},
			{"receiver+pads", func() {
				_, first, _ := r.Extend(tb, choices)
				r.Pads(tb, tb, first)
			}},
			{"sender", func() { s.next = 0; _, _ = s.Extend(q, msg) }},
			{"sender+pads", func() {
				s.next = 0
				first, _ := s.Extend(q, msg)
				s.Pads(q, p1, q, first)
			}},
		} {
			b.Run(fmt.Sprintf("k=%d/n=%d/party=%s", k, n, c.party), func(b *testing.B) {
				for b.Loop() {
					c.run()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/COT")
				b.ReportMetric(float64(len(msg))/n, "B/COT")
			})
		}
	}
}
