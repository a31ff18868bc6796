package share

import (
	"context"
	"testing"

	"github.com/tacit-data/tacit/protocols"
)

// chiSquareLimit bounds χ² with 255 degrees of freedom: a uniform source exceeds 400 with probability 2·10⁻⁸
// (Wilson–Hilferty), so that the eight tests below raise a false alarm less than once in 10⁶ runs.
const chiSquareLimit = 400

func chiSquare(t *testing.T, name string, n int, at func(i int) byte) {
	t.Helper()
	var count [256]float64
	for i := range n {
		count[at(i)]++
	}
	chi, want := 0.0, float64(n)/256
	for _, c := range count {
		chi += (c - want) * (c - want) / want
	}
	if chi > chiSquareLimit {
		t.Errorf("%s: χ² is %.0f, at most %d", name, chi, chiSquareLimit)
	}
}

// The output share of either party is uniform whatever the input: constant bits and values, and constant input shares
// that a broken protocol would carry over.
func TestSharesUniform(t *testing.T) {
	n := 1 << 20
	if testing.Short() {
		n = 1 << 16
	}
	q := newPair(t, Default(), 2)
	x, b := make([]uint64, n), NewBits(n)
	for i := range b.w {
		b.w[i] = ^uint64(0)
	}
	var mux [2][]uint64
	var sign [2]Bits
	q.both(func(i int, e *Engine) (err error) {
		own := NewBits(n)
		if i == 1 {
			own = b
		}
		if mux[i], err = e.Mux(q.ctx, own, x); err != nil {
			return err
		}
		sign[i], err = e.MSB(q.ctx, x, 5)
		return err
	})
	for i := range 2 {
		chiSquare(t, "mux, low byte", n, func(j int) byte { return byte(mux[i][j]) })
		chiSquare(t, "mux, high byte", n, func(j int) byte { return byte(mux[i][j] >> 56) })
		chiSquare(t, "sign", n/8, func(j int) byte { return byte(sign[i].w[j/8] >> (j % 8 * 8)) })
	}
}

// recorder keeps what a party receives.
type recorder struct {
	protocols.Conn
	got []byte
}

func (c *recorder) Recv(ctx context.Context) ([]byte, error) {
	msg, err := c.Conn.Recv(ctx)
	c.got = append(c.got, msg...)
	return msg, err
}

// What a party receives has the same length whatever the other's shares are, and its bytes are uniform.
func TestViewIndependentOfInput(t *testing.T) {
	const n = 4096
	var length [2]int
	for k, fill := range []uint64{0, ^uint64(0)} {
		q := newPair(t, Default(), 1)
		seen := &recorder{Conn: q.conn[1]}
		q.e[1].conn = seen
		x, b := make([]uint64, n), NewBits(n)
		if k == 1 {
			b.flip()
			for i := range x {
				x[i] = fill
			}
		}
		q.both(func(i int, e *Engine) error {
			if _, err := e.MSB(q.ctx, x, 48); err != nil {
				return err
			}
			if _, err := e.Truncate(q.ctx, x, 16); err != nil {
				return err
			}
			_, err := e.Mux(q.ctx, b, x)
			return err
		})
		length[k] = len(seen.got)
		chiSquare(t, "view", len(seen.got), func(i int) byte { return seen.got[i] })
	}
	if length[0] != length[1] {
		t.Errorf("views of %d and %d bytes", length[0], length[1])
	}
}
