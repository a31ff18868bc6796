package direct_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/node/direct"
)

// One side listens and hands its invite over; the other dials.
func Example() {
	ctx := context.Background()
	bank, _ := direct.NewIdentity(rand.Reader, time.Now())
	l, err := direct.Listen("127.0.0.1:0", bank, direct.Config{Self: "bank"}, direct.ListenOptions{Rand: rand.Reader})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = l.Close() }()
	invite, _ := l.Invite(l.Addr())
	text := invite.TextInsecure() // by hand, to the one who may use it

	var g errgroup.Group
	g.Go(func() error {
		invite, err := direct.ParseInvite(text)
		if err != nil {
			return err
		}
		utility, _ := direct.NewIdentity(rand.Reader, time.Now())
		c, err := direct.Dial(ctx, invite, utility, direct.Config{Self: "utility"})
		if err != nil {
			return err
		}
		if err := c.Send(ctx, []byte("hello")); err != nil {
			return err
		}
		return c.Close()
	})
	c, err := l.Accept(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	msg, err := c.Recv(ctx)
	fmt.Printf("%s from %s, %v\n", msg, c.Peer(), err)
	fmt.Println(g.Wait(), c.Close())
	// Output:
	// hello from utility, <nil>
	// <nil> <nil>
}
