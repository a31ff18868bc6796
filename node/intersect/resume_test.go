package intersect

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/feature"
)

// overlap are 300 against 300 rows that share 150, in eight buckets.
func overlap(t *testing.T, edit func(*Config)) *pair {
	t.Helper()
	return newPair(t, numbers(0, 300, ""), numbers(150, 450, "+86"), func(c *Config) {
		c.bits = 3
		if edit != nil {
			edit(c)
		}
	})
}

// whole fails unless the outputs hold the 150 pairs, aligned.
func whole(t *testing.T, p *pair) {
	t.Helper()
	got := pairs(t, p)
	if len(got) != 150 {
		t.Fatalf("%d pairs, want 150", len(got))
	}
	for _, g := range got {
		left, right, _ := strings.Cut(g, "|")
		if "+86"+left != right {
			t.Fatalf("misaligned: %s", g)
		}
	}
}

// TestBreaksAtEverySend: whenever the connection breaks, the run goes on with a new one and ends in the same pairs.
func TestBreaksAtEverySend(t *testing.T) {
	step := 4
	if testing.Short() {
		step = 23
	}
	// A run of eight buckets of ecdh passes 2·(3 + 8·4 + 2) + 1 + 8 messages or so; beyond, nothing breaks.
	for n := 0; n < 90; n += step {
		p := overlap(t, nil)
		p.b.cut = []int{n, 40}
		l, c, errL, errC := p.run()
		if errL != nil || errC != nil {
			t.Fatalf("cut after %d messages: %v, %v", n, errL, errC)
		}
		whole(t, p)
		if l.Matched != 150 || c.Matched != 150 {
			t.Fatalf("cut after %d messages: %d and %d matches", n, l.Matched, c.Matched)
		}
	}
}

// TestKilled ends one side after a random number of messages, leaving what a killed process leaves, and starts it again;
// the other side waits. Five times.
func TestKilled(t *testing.T) {
	seeds := 6
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		p := overlap(t, func(c *Config) {
			if seed%2 == 1 {
				c.Method = "rr22"
			}
		})
		dying := []Side{Listener, Connector}[seed%2]
		var mu sync.Mutex
		var kill context.CancelFunc
		p.b.alter = func(connection, message int, _ Side, msg []byte) []byte {
			if connection < 4 && message == 11+3*connection+seed {
				mu.Lock()
				kill()
				mu.Unlock()
			}
			return msg
		}
		run := func(cfg Config) (res Result, err error, killed bool) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			if cfg.Side == dying {
				mu.Lock()
				kill = cancel
				mu.Unlock()
			}
			res, err = Run(ctx, cfg)
			return res, err, ctx.Err() != nil
		}
		done := make(chan error, 1)
		dead, alive := p.l, p.c
		if dying == Connector {
			dead, alive = alive, dead
		}
		// A killed process tells nobody anything: its end of the connection just breaks.
		dead.Connect = silent(dead.Connect)
		go func() {
			_, err, _ := run(alive)
			done <- err
		}()
		kills := 0
		for {
			res, err, killed := run(dead)
			if err == nil {
				if kills < 3 || res.Matched != 150 {
					t.Errorf("seed %d: %d kills, %d matches", seed, kills, res.Matched)
				}
				break
			}
			if kills++; !killed || kills > 5 {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		if err := <-done; err != nil {
			t.Fatalf("seed %d: the side that stayed: %v", seed, err)
		}
		whole(t, p)
	}
}

// silent turns an abort into a connection that breaks.
func silent(connect func(context.Context) (Link, error)) func(context.Context) (Link, error) {
	return func(ctx context.Context) (Link, error) {
		l, err := connect(ctx)
		if err != nil {
			return nil, err
		}
		return mute{l.(*testLink)}, nil
	}
}

type mute struct{ *testLink }

func (m mute) Abort(fault.Code) {
	m.wire.end(map[Side]error{Listener: broken(), Connector: broken()})
}

// interrupted runs until the connection breaks after n messages and there is no other.
func interrupted(t *testing.T, p *pair, n int) {
	t.Helper()
	p.b.cut, p.b.limit = []int{n}, 1
	if _, _, errL, errC := p.run(); errL == nil || errC == nil {
		t.Fatal("it was not interrupted")
	}
	p.b.cut, p.b.limit = nil, 0
	if !Resumable(p.l.State) || !Resumable(p.c.State) {
		t.Fatal("nothing to resume")
	}
}

// TestResumeKeepsFinishedBuckets: a finished bucket is not computed again, and its rows come out as they were.
func TestResumeKeepsFinishedBuckets(t *testing.T) {
	p := overlap(t, nil)
	interrupted(t, p, 40)
	before := bucketFiles(t, p.l.State)
	if len(before) < 2 || len(before) > 7 {
		t.Fatalf("%d finished buckets", len(before))
	}
	l, c, errL, errC := p.run()
	if errL != nil || errC != nil {
		t.Fatal(errL, errC)
	}
	whole(t, p)
	if l.Resumed < len(before)-1 || l.Resumed != c.Resumed {
		t.Errorf("resumed %d and %d of %d", l.Resumed, c.Resumed, len(before))
	}
}

func bucketFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, bucketPrefix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestResumeRefuses: what does not fit the interrupted run is refused with advice, and nothing is lost by it.
func TestResumeRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, p *pair)
		want  fault.Code
		say   string
	}{
		"another input": {func(t *testing.T, p *pair) { write(t, p.l.Input, numbers(0, 299, "")) }, fault.SchemaMismatch, "put the same file back"},
		"other terms":   {func(_ *testing.T, p *pair) { p.l.Join = Full }, fault.PlanMismatch, "other options"},
		"other columns": {func(_ *testing.T, p *pair) {
			p.l.Columns, p.l.Rules = []string{"name"}, []feature.Rule{feature.PhoneCN}
		}, fault.PlanMismatch, "other options"},
		"damaged bucket": {func(t *testing.T, p *pair) { flip(t, bucketFiles(t, p.l.State)[0], 90) }, fault.Corrupt, "remove the directory"},
		"damaged record": {func(t *testing.T, p *pair) { flip(t, filepath.Join(p.l.State, recordFile), 40) }, fault.Corrupt, "remove the directory"},
		"cut record":     {func(t *testing.T, p *pair) { write(t, filepath.Join(p.l.State, recordFile), "x") }, fault.Corrupt, "remove the directory"},
	} {
		p := overlap(t, nil)
		interrupted(t, p, 40)
		c.spoil(t, p)
		p.c.Wait = 300 * time.Millisecond
		_, _, errL, errC := p.run()
		if fault.CodeOf(errL) != c.want || !strings.Contains(errL.Error(), c.say) {
			t.Errorf("%s: %v, want %v with %q", name, errL, c.want, c.say)
		}
		if errC == nil {
			t.Errorf("%s: the other side succeeds", name)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func flip(t *testing.T, path string, at int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[min(at, len(b)-1)] ^= 1
	write(t, path, string(b))
}

// TestPeerLostItsState: a party that starts anew makes the other one start anew too.
func TestPeerLostItsState(t *testing.T) {
	p := overlap(t, nil)
	interrupted(t, p, 40)
	if err := os.RemoveAll(p.c.State); err != nil {
		t.Fatal(err)
	}
	l, _, errL, errC := p.run()
	if errL != nil || errC != nil || l.Resumed != 0 {
		t.Fatal(l.Resumed, errL, errC)
	}
	whole(t, p)
}

// TestMarksDiffer: a bucket that one party finished twice and the other once is done again, since their orders differ.
func TestMarksDiffer(t *testing.T) {
	p := overlap(t, nil)
	interrupted(t, p, 40)
	files := bucketFiles(t, p.l.State)
	s := &state{dir: p.l.State}
	b, err := ReadSealed(files[0], 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	plan := [32]byte(b[4+len(bucketTag):])
	f, err := s.loadBucket(0, plan)
	if err != nil || f.mark == (mark{}) {
		t.Fatal(f, err)
	}
	f.mark[0] ^= 1
	slices.Reverse(f.rows)
	if err := s.saveBucket(0, plan, f); err != nil {
		t.Fatal(err)
	}
	l, _, errL, errC := p.run()
	if errL != nil || errC != nil || l.Resumed != len(files)-1 && l.Resumed != len(files)-2 {
		t.Fatal(l.Resumed, len(files), errL, errC)
	}
	whole(t, p)
}

// TestOutputFails: a full or missing disk leaves no half file, and the same command writes the result without the peer.
func TestOutputFails(t *testing.T) {
	p := overlap(t, nil)
	good := p.l.Output
	gone := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(gone, 0o700); err != nil {
		t.Fatal(err)
	}
	p.l.Output = filepath.Join(gone, "out.csv")
	p.l.Observe = func(e Event) {
		if e.Phase == Intersecting {
			_ = os.Remove(gone)
		}
	}
	_, _, errL, errC := p.run()
	if fault.CodeOf(errL) != fault.Unavailable || !strings.Contains(errL.Error(), "the peer is not needed") || errC != nil {
		t.Fatal(errL, errC)
	}
	p.l.Output, p.l.Observe = good, nil
	p.l.Connect = func(context.Context) (Link, error) {
		t.Error("it connects")
		return nil, fault.New(fault.Denied, "test", "no")
	}
	l, err := Run(t.Context(), p.l)
	if err != nil || l.Matched != 150 {
		t.Fatal(l, err)
	}
	whole(t, p)
}

// TestSecondProcess: the state directory has one user at a time.
func TestSecondProcess(t *testing.T) {
	p := overlap(t, nil)
	s, err := openState(p.l.State, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if _, err := Run(t.Context(), p.l); fault.CodeOf(err) != fault.Exists {
		t.Errorf("%v", err)
	}
}

// TestSpilled: keys and rows beyond the memory are on disk, sealed, and come out the same.
func TestSpilled(t *testing.T) {
	p := overlap(t, nil)
	for _, c := range []*Config{&p.l, &p.c} {
		if err := os.MkdirAll(c.State, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	in, err := openInput(t.Context(), p.l.Input)
	if err != nil {
		t.Fatal(err)
	}
	cfg := p.l
	cfg.Memory = 4000 // far below 300 records of 40 bytes
	k, err := readKeys(t.Context(), cfg, in, func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	defer k.shelves.close()
	if k.shelves.file == nil || k.Keys != 300 {
		t.Fatalf("not spilled: %+v", k.Counts)
	}
	if names, _ := os.ReadDir(cfg.State); len(names) != 0 {
		t.Errorf("the spill has a name: %v", names)
	}
	raw := make([]byte, k.shelves.end)
	if _, err := k.shelves.file.ReadAt(raw, 0); err != nil {
		t.Fatal(err)
	}
	memory := p.l
	memory.Memory = DefaultMemory
	plain, err := readKeys(t.Context(), memory, in, func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	for shelf := range k.shelves.parts {
		a, errA := k.shelves.read(shelf)
		b, errB := plain.shelves.read(shelf)
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Fatalf("shelf %d differs: %v %v", shelf, errA, errB)
		}
		for at := 0; at+recordBytes <= len(b); at += recordBytes {
			if bytes.Contains(raw, b[at:at+16]) {
				t.Fatal("an item is on disk in clear")
			}
		}
	}
	if _, err := k.shelves.file.WriteAt([]byte{raw[3] ^ 1}, 3); err != nil {
		t.Fatal(err)
	}
	damaged := 0
	for shelf := range k.shelves.parts {
		if _, err := k.shelves.read(shelf); fault.CodeOf(err) == fault.Corrupt && err != nil {
			damaged++
		}
	}
	if damaged != 1 {
		t.Errorf("%d shelves are damaged, want 1", damaged)
	}
}

// TestProgress: within a phase progress never falls, and ends at its total.
func TestProgress(t *testing.T) {
	var mu sync.Mutex
	var events []Event
	p := overlap(t, nil)
	p.l.Observe = func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, e)
	}
	if _, _, errL, errC := p.run(); errL != nil || errC != nil {
		t.Fatal(errL, errC)
	}
	var phases []string
	var last Event
	for _, e := range events {
		if e.Phase == last.Phase && e.Done < last.Done {
			t.Errorf("%s falls from %d to %d", e.Phase, last.Done, e.Done)
		}
		if e.Phase != last.Phase {
			if last.Total > 0 && last.Done != last.Total {
				t.Errorf("%s ends at %d of %d", last.Phase, last.Done, last.Total)
			}
			phases = append(phases, string(e.Phase))
		}
		last = e
	}
	if got := fmt.Sprint(phases); got != "[reading waiting intersecting writing done]" {
		t.Errorf("phases %s", got)
	}
}
