package ot_test

import (
	"context"
	"crypto/rand"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
	"github.com/tacit-data/tacit/protocols/ot"
)

// One transfer of a chosen message: the sender masks both with its pads, the receiver opens the one it chose.
func Example() {
	ctx := context.Background()
	bank, utility := conntest.Pair("bank", "utility")
	var g errgroup.Group
	g.Go(func() error {
		s := protocols.Session{Self: "bank", Rand: rand.Reader, Workers: 1}
		sender, err := ot.SetupSender(ctx, s, bank, ot.Default())
		if err != nil {
			return err
		}
		msg, err := bank.Recv(ctx)
		if err != nil {
			return err
		}
		p0, p1 := make([]aes.Block, 1), make([]aes.Block, 1)
		first, err := sender.Extend(p0, msg)
		if err != nil {
			return err
		}
		sender.Pads(p0, p1, p0, first)
		return bank.Send(ctx, []byte{'n' ^ p0[0][0], 'y' ^ p1[0][0]})
	})
	s := protocols.Session{Self: "utility", Rand: rand.Reader, Workers: 1}
	receiver, err := ot.SetupReceiver(ctx, s, utility, ot.Default())
	if err != nil {
		fmt.Println(err)
		return
	}
	pad := make([]aes.Block, 1)
	msg, first, err := receiver.Extend(pad, []uint64{1})
	if err != nil {
		fmt.Println(err)
		return
	}
	receiver.Pads(pad, pad, first)
	if err := utility.Send(ctx, msg); err != nil {
		fmt.Println(err)
		return
	}
	masked, err := utility.Recv(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := g.Wait(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%c\n", masked[1]^pad[0][0])
	// Output: y
}
