package share

import (
	"context"
	"crypto/rand"
	mrand "math/rand/v2"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
)

// pair is both ends of an engine, for tests that play both parties.
type pair struct {
	t    testing.TB
	ctx  context.Context
	e    [2]*Engine
	conn [2]*conntest.Conn
}

func newPair(t testing.TB, p Params, workers int) *pair {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	q := &pair{t: t, ctx: ctx}
	q.conn[0], q.conn[1] = conntest.Pair("alpha", "beta")
	q.both(func(i int, _ *Engine) (err error) {
		q.e[i], err = NewWithParams(ctx, session(i, workers), q.conn[i], p, i == 0)
		return err
	})
	return q
}

func session(i, workers int) protocols.Session {
	s := protocols.Session{Self: "alpha", Rand: rand.Reader, Workers: workers}
	if i == 1 {
		s.Self = "beta"
	}
	return s
}

// both runs f at both parties and fails the test on any error.
func (q *pair) both(f func(i int, e *Engine) error) {
	q.t.Helper()
	var g errgroup.Group
	for i := range 2 {
		g.Go(func() error { return f(i, q.e[i]) })
	}
	if err := g.Wait(); err != nil {
		q.t.Fatal(err)
	}
}

// cost returns what party first counted while f ran, and checks that the other counted its mirror image.
func (q *pair) cost(f func(i int, e *Engine) error) protocols.Cost {
	q.t.Helper()
	before := [2]protocols.Cost{q.conn[0].Cost(), q.conn[1].Cost()}
	q.both(f)
	var d [2]protocols.Cost
	for i := range d {
		c := q.conn[i].Cost()
		d[i] = protocols.Cost{
			Rounds:    c.Rounds - before[i].Rounds,
			SentBytes: c.SentBytes - before[i].SentBytes, RecvBytes: c.RecvBytes - before[i].RecvBytes,
		}
	}
	if d[0] != d[1].Flip() {
		q.t.Fatalf("the parties counted %+v and %+v", d[0], d[1])
	}
	return d[0]
}

func seeded(seed uint64) *mrand.Rand { return mrand.New(mrand.NewPCG(seed, 17)) }

// split shares x mod 2^64.
func split(r *mrand.Rand, x []int64) (s [2][]uint64) {
	s[0], s[1] = make([]uint64, len(x)), make([]uint64, len(x))
	for i, v := range x {
		s[0][i] = r.Uint64()
		s[1][i] = uint64(v) - s[0][i]
	}
	return s
}

// splitBits shares bits.
func splitBits(r *mrand.Rand, x []bool) (s [2]Bits) {
	s[0], s[1] = NewBits(len(x)), NewBits(len(x))
	for i, v := range x {
		a := r.Uint64()
		s[0].Set(i, a)
		if v {
			a++
		}
		s[1].Set(i, a)
	}
	return s
}

// sum and xor put shares together.
func sum(s [2][]uint64) []int64 {
	out := make([]int64, len(s[0]))
	for i := range out {
		out[i] = int64(s[0][i] + s[1][i])
	}
	return out
}

func xor(t testing.TB, s [2]Bits) []bool {
	t.Helper()
	b, err := Xor(s[0], s[1])
	if err != nil {
		t.Fatal(err)
	}
	if n := len(b.w); n > 0 && b.n%64 != 0 && b.w[n-1]>>(b.n%64) != 0 {
		t.Fatal("bits after the last are set")
	}
	out := make([]bool, b.Len())
	for i := range out {
		out[i] = b.At(i) == 1
	}
	return out
}

// lengths are the sizes every operation is tested with; block edges are tested apart.
var lengths = []int{0, 1, 2, 63, 64, 65, 127, 128, 129, 700}
