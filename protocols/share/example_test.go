package share_test

import (
	"context"
	"crypto/rand"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
	"github.com/tacit-data/tacit/protocols/share"
)

// run plays both parties of an engine, bank first.
func run(f func(ctx context.Context, e *share.Engine) error) error {
	ctx := context.Background()
	bank, utility := conntest.Pair("bank", "utility")
	g, ctx := errgroup.WithContext(ctx)
	for _, c := range []*conntest.Conn{bank, utility} {
		g.Go(func() error {
			s := protocols.Session{Self: "bank", Rand: rand.Reader, Workers: 1}
			if c == utility {
				s.Self = "utility"
			}
			e, err := share.New(ctx, s, c, c == bank)
			if err != nil {
				return err
			}
			return f(ctx, e)
		})
	}
	return g.Wait()
}

// Two organisations learn which of their three private numbers is the smaller, and nothing else: a private number is
// shared as itself at its owner and zero at the other.
func ExampleEngine_Less() {
	err := run(func(ctx context.Context, e *share.Engine) error {
		x, y := []uint64{0, 0, 0}, []uint64{0, 0, 0}
		if e.First() {
			x = []uint64{120, 75, 300}
		} else {
			y = []uint64{121, 75, 20}
		}
		less, err := e.Less(ctx, x, y, 32)
		if err != nil {
			return err
		}
		opened, err := e.OpenBits(ctx, less, share.ToFirst)
		if err != nil {
			return err
		}
		for i := range opened.Len() {
			fmt.Println(opened.At(i) == 1)
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// true
	// false
	// false
}

// The logistic function of a shared score: z = 0.75 + 0.5, owned in part by either party.
func ExampleEngine_Sigmoid() {
	err := run(func(ctx context.Context, e *share.Engine) error {
		z := []uint64{1 << (share.SigmoidIn - 1)} // 0.5
		if e.First() {
			z[0] = 3 << (share.SigmoidIn - 2) // 0.75
		}
		p, _, err := e.Sigmoid(ctx, z, nil)
		if err != nil {
			return err
		}
		opened, err := e.Open(ctx, p, share.ToFirst)
		if err != nil {
			return err
		}
		for _, v := range opened {
			fmt.Printf("%.4f\n", float64(v)/(1<<share.SigmoidOut))
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output: 0.7764
}
