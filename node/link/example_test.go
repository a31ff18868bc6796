package link_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"time"

	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/identity"
	"github.com/tacit-data/tacit/node/link"
)

// Two nodes on loopback: the bank listens, the utility dials, and one step of a job talks over a session.
func Example() {
	dir, err := os.MkdirTemp("", "link")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	now := time.Now()
	node := func(id party.ID, listen ...string) (*identity.Keys, *identity.Pins, *link.Link) {
		keys, err := identity.Create(dir+"/"+string(id), id, rand.Reader, now)
		if err != nil {
			panic(err)
		}
		pins := &identity.Pins{}
		l, err := link.New(link.Config{Keys: keys, Pins: pins, Mailbox: newBox(), Listen: listen})
		if err != nil {
			panic(err)
		}
		if err := l.Start(); err != nil {
			panic(err)
		}
		return keys, pins, l
	}
	trust := func(pins *identity.Pins, keys *identity.Keys, addresses ...string) {
		card, _ := keys.Card(addresses, now)
		peer, _ := card.Peer()
		_ = pins.Set(peer)
	}
	bankKeys, bankPins, bank := node("bank", "127.0.0.1:0")
	utilityKeys, utilityPins, utility := node("utility")
	defer bank.Close()
	defer utility.Close()
	trust(bankPins, utilityKeys)
	trust(utilityPins, bankKeys, bank.Addrs()[0].String())
	_ = utility.Connect("bank")

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	id := link.SessionID{Binding: [32]byte{42}, Job: "credit", Step: "psi", Attempt: 1}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s, err := utility.Open(ctx, "bank", id)
		if err != nil {
			return
		}
		defer s.Close()
		_ = s.Send(ctx, []byte("blinded keys"))
	}()
	s, err := bank.Open(ctx, "utility", id)
	if err != nil {
		fmt.Println(err)
		return
	}
	msg, err := s.Recv(ctx)
	fmt.Printf("%s from %s, %v\n", msg, s.Peer(), err)
	s.Close()
	<-done
	// Output: blinded keys from utility, <nil>
}
