package lookup_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/node/direct"
	"github.com/tacit-data/tacit/node/intersect"
	"github.com/tacit-data/tacit/node/lookup"
)

// A register publishes three numbers; a shop asks which of its two the register has, and only the shop learns it.
func Example() {
	dir, err := os.MkdirTemp("", "lookup")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			fmt.Println(err)
		}
		return path
	}
	rule, err := intersect.ParseRule("phone-cn")
	if err != nil {
		fmt.Println(err)
		return
	}
	rules := []lookup.Rule{rule}
	register := filepath.Join(dir, "register")

	// Once, at the register.
	record, err := lookup.Publish(context.Background(), lookup.PublishConfig{
		Dir: register, Input: file("register.csv", "phone\n13000000001\n13000000002\n13000000003\n"), Columns: []string{"phone"}, Rules: rules,
		Rand: rand.Reader, Now: time.Now,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("published:", record.Keys)

	// From then on, at the register, one invite per client.
	var g errgroup.Group
	invites := make(chan direct.Invite, 1)
	g.Go(func() error {
		return lookup.Serve(context.Background(), lookup.ServeConfig{
			Dir: register, Listen: "127.0.0.1:0", Clients: 1, Quota: 1000, Sessions: 1, Rand: rand.Reader, Now: time.Now,
			Invited: func(_ int, v direct.Invite, _ bool) error { invites <- v; return nil },
			Refused: func(int, error) {},
			Ended:   func(s lookup.Session) { fmt.Println("asked for:", s.Queries) },
		})
	})

	// At the shop.
	found := filepath.Join(dir, "found.csv")
	result, err := lookup.Query(context.Background(), lookup.QueryConfig{
		Invite: <-invites, Input: file("shop.csv", "mobile,name\n+86 130 0000 0002,ann\n13000000009,bo\n"), Columns: []string{"mobile"},
		Rules: rules, Output: found, Cache: filepath.Join(dir, "cache"), Rand: rand.Reader, Now: time.Now,
	})
	if err == nil {
		err = g.Wait()
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	rows, err := os.ReadFile(found)
	fmt.Println("matched:", result.Matched, err)
	fmt.Print(string(rows))
	// Output:
	// published: 3
	// asked for: 2
	// matched: 1 <nil>
	// mobile,name
	// +86 130 0000 0002,ann
}
