package he

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
)

// MaxWorkers bounds the kits of one call: each holds about 1 MiB of scratch.
const MaxWorkers = 1024

// Kit is the scratch memory and randomness of one worker. Its methods may not be called by two goroutines at once;
// two kits share nothing that is written. It holds secrets and prints as its type's name.
type Kit struct{ s *scratch }

type scratch struct {
	p      Params
	rng    *sampler // secret randomness
	public *sampler // expands public seeds; reset before each use
	small  []int64  // a small polynomial
	t, u   poly     // temporaries
	plain  *Plain   // an encoded polynomial that is not cached
	coeff  []int64  // its coefficients
	acc    *Ciphertext
}

// NewKits returns n kits, one per worker, each seeded with SeedBytes of rand.
//
// Errors: fault.Invalid (zero Params, no source, n < 1), fault.LimitExceeded (n > MaxWorkers), fault.Unavailable (rand
// fails or ends early).
func NewKits(p Params, rand io.Reader, n int) ([]*Kit, error) {
	const op = "he.NewKits"
	if err := p.same(op, p); err != nil {
		return nil, err
	}
	switch {
	case n < 1:
		return nil, fault.New(fault.Invalid, op, "%d workers", n)
	case n > MaxWorkers:
		return nil, fault.New(fault.LimitExceeded, op, "%d workers, at most %d", n, MaxWorkers)
	}
	out := make([]*Kit, n)
	for i := range out {
		rng, err := newSampler(rand)
		if err != nil {
			return nil, err
		}
		out[i] = &Kit{&scratch{
			p: p, rng: rng, public: &sampler{buf: make([]byte, samplerBuffer)},
			small: make([]int64, p.N()), coeff: make([]int64, p.N()),
			t: newPoly(p.Limbs(), p.N()), u: newPoly(p.Limbs(), p.N()),
			plain: newPlain(p), acc: newCiphertext(p),
		}}
	}
	return out, nil
}

// Params returns the kit's parameter set.
func (k *Kit) Params() Params { return k.s.p }

// Format prints the type's name, whatever the verb.
func (Kit) Format(f fmt.State, _ rune) { redact(f, "he.Kit") }

// LogValue is the type's name.
func (Kit) LogValue() slog.Value { return slog.StringValue("he.Kit") }

// each calls work for 0 … n−1, one goroutine per kit; item i always goes to kit i mod len(kits).
//
// Errors: the first of work, fault.Canceled or fault.Timeout when ctx ends, fault.Invalid without kits of p.
func each(ctx context.Context, p Params, kits []*Kit, n int, work func(k *Kit, i int) error) error {
	const op = "he.Kit"
	if len(kits) == 0 {
		return fault.New(fault.Invalid, op, "no kits")
	}
	for _, k := range kits {
		if err := p.same(op, k.s.p); err != nil {
			return err
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(len(kits))
	for w, k := range kits {
		g.Go(func() error {
			for i := w; i < n; i += len(kits) {
				if err := ctx.Err(); err != nil {
					return fault.Wrap(fault.CodeOf(err), op, err, "stopped after %d of %d items", i, n)
				}
				if err := work(k, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}
