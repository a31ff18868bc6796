package lookup

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/node/direct"
)

var phone = []Rule{feature.PhoneCN}

// put writes a file of a test.
func put(t *testing.T, name string, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// phones is a file of n numbers from a first one, every one of them usable.
func phones(column, prefix string, from, n int) []string {
	out := []string{column + ",name"}
	for i := range n {
		out = append(out, fmt.Sprintf("%s13%09d,n%d", prefix, from+i, from+i))
	}
	return out
}

func publishing(t *testing.T, dir string, lines ...string) PublishConfig {
	t.Helper()
	return PublishConfig{
		Dir: dir, Input: put(t, "big.csv", lines...), Columns: []string{"phone"}, Rules: phone, Queries: 1 << 20, Rand: rand.Reader, Now: time.Now,
	}
}

func publish(t *testing.T, c PublishConfig) Record {
	t.Helper()
	r, err := Publish(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// serving is a holder that serves in this process.
type serving struct {
	mu      sync.Mutex
	cache   string
	invites []direct.Invite
	fresh   []bool
	ended   chan Session
	stop    func()
	result  chan error
}

// serve starts serving and returns once all clients are listened for.
func serve(t *testing.T, dir string, change func(*ServeConfig)) *serving {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &serving{ended: make(chan Session, 64), result: make(chan error, 1)}
	c := ServeConfig{
		Dir: dir, Listen: "127.0.0.1:0", Clients: 1, Rand: rand.Reader, Now: time.Now,
		Refused: func(int, error) {}, Ended: func(e Session) { s.ended <- e },
	}
	if change != nil {
		change(&c)
	}
	ready := make(chan struct{})
	c.Invited = func(client int, v direct.Invite, fresh bool) error {
		s.invites, s.fresh = append(s.invites, v), append(s.fresh, fresh)
		if client == c.Clients {
			close(ready)
		}
		return nil
	}
	go func() { s.result <- Serve(ctx, c) }()
	s.stop = func() {
		cancel()
		<-s.result
	}
	select {
	case <-ready:
	case err := <-s.result:
		t.Fatal(err)
	}
	t.Cleanup(cancel)
	return s
}

// asking is the query of a test.
func asking(t *testing.T, s *serving, cache string, lines ...string) QueryConfig {
	t.Helper()
	in := put(t, "few.csv", lines...)
	return QueryConfig{
		Invite: s.invites[0], Input: in, Columns: []string{"mobile"}, Rules: phone, Output: in + ".found.csv", Cache: cache,
		Wait: 5 * time.Second, Rand: rand.Reader, Now: time.Now,
	}
}

func ask(t *testing.T, c QueryConfig) (Result, []string) {
	t.Helper()
	r, err := Query(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(c.Output)
	if err != nil {
		t.Fatal(err)
	}
	return r, strings.Split(strings.TrimSpace(string(b)), "\n")
}

// joined is the plain twin: the lines whose last 11 digits of the first cell are among those of the other file.
func joined(few, big []string) []string {
	number := func(line string) string {
		cell, _, _ := strings.Cut(line, ",")
		digits := strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, cell)
		if len(digits) < 11 {
			return ""
		}
		return digits[len(digits)-11:]
	}
	has := map[string]bool{}
	for _, line := range big[1:] {
		has[number(line)] = true
	}
	out := []string{few[0]}
	for _, line := range few[1:] {
		if n := number(line); n != "" && has[n] {
			out = append(out, line)
		}
	}
	return out
}
