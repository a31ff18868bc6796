package vole_test

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/internal/kernel/gf128"
	"github.com/tacit-data/tacit/protocols/conntest"
	"github.com/tacit-data/tacit/protocols/vole"
)

// Two parties obtain a correlation of three entries.
func Example() {
	p, err := vole.NewParams(vole.Literal{Length: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	bank, utility := conntest.Pair("bank", "utility")
	sb, su := conntest.RandomSessions("bank", "utility")
	var s vole.Sender
	var g errgroup.Group
	g.Go(func() (err error) {
		s, err = vole.Send(ctx, sb, bank, p)
		return err
	})
	r, err := vole.Receive(ctx, su, utility, p)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := g.Wait(); err != nil {
		fmt.Println(err)
		return
	}
	delta := s.DeltaInsecure()
	gf128.MulConstAdd(s.B, r.C, &delta)
	fmt.Println(len(r.A), s.B[0] == r.A[0], s.B[2] == r.A[2])
	// Output: 3 true true
}
