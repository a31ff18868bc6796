package intersect

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
)

// TestLyingPeerSize: a peer that claims more unmatched rows than the limit is blamed, and nothing is written.
func TestLyingPeerSize(t *testing.T) {
	p := newPair(t, numbers(0, 30, ""), numbers(15, 45, "+86"), func(c *Config) { c.Join = Full })
	p.b.alter = func(_, _ int, side Side, msg []byte) []byte {
		if side == Connector && len(msg) == len(final{}.encode()) && msg[0] == kindFinal {
			m, err := decodeFinal(msg)
			if err == nil {
				m.kept = 1 << 25
				return m.encode()
			}
		}
		return msg
	}
	_, _, errL, errC := p.run()
	if fault.CodeOf(errL) != fault.LimitExceeded || !blames(errL, "connector") {
		t.Errorf("%v; %v", errL, errC)
	}
	if _, err := os.Stat(p.l.Output); err == nil {
		t.Error("an output was written")
	}
}

func blames(err error, culprit string) bool {
	e, ok := errors.AsType[*fault.Error](err)
	return ok && e.Culprit == culprit
}

// TestTooManyPairs: the pairs of rows of all buckets together are within MaxRows, before they are built.
func TestTooManyPairs(t *testing.T) {
	many := "phone,name\n" + strings.Repeat("13000000001,a\n", 40) + strings.Repeat("13000000002,a\n", 40)
	for limit, want := range map[int64]fault.Code{3199: fault.LimitExceeded, 3200: 0} {
		p := newPair(t, many, many, func(c *Config) { c.Duplicates, c.MaxRows, c.bits = Expand, limit, 3 })
		l, _, errL, errC := p.run()
		if want == 0 && (errL != nil || errC != nil || l.Output != 3200) {
			t.Errorf("%d: %d rows, %v, %v", limit, l.Output, errL, errC)
		}
		if want != 0 && fault.CodeOf(errL) != want && fault.CodeOf(errC) != want {
			t.Errorf("%d: %v, %v", limit, errL, errC)
		}
	}
}

// TestTries: a bucket that was begun MaxTries times is not begun again, whatever became of the plan meanwhile.
func TestTries(t *testing.T) {
	p := overlap(t, nil)
	var breaks []int
	for range MaxTries + 3 {
		breaks = append(breaks, 12) // within the first bucket
	}
	p.b.cut = breaks
	_, _, errL, errC := p.run()
	if fault.CodeOf(errL) != fault.LimitExceeded && fault.CodeOf(errC) != fault.LimitExceeded {
		t.Fatalf("%v; %v", errL, errC)
	}
	if got := p.b.made; got > MaxTries+2 {
		t.Errorf("%d connections", got)
	}
	p.b.cut = nil
	for _, dir := range []string{p.l.State, p.c.State} {
		s := &state{dir: dir}
		n, err := s.loadTries()
		if err != nil || n[1] < MaxTries-1 {
			t.Errorf("%s: %d tries, %v", filepath.Base(dir), n[1], err)
		}
	}
	if err := os.Remove(filepath.Join(p.c.State, recordFile)); err != nil { // the peer says that it lost its plan
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(p.c.State, triesFile)); err != nil {
		t.Fatal(err)
	}
	_, _, errL, _ = p.run()
	if fault.CodeOf(errL) != fault.LimitExceeded && fault.CodeOf(errL) != fault.PeerAborted {
		t.Errorf("anew: %v", errL)
	}
}

// TestOutputIsNoInput: an output that would destroy the input, or has no place, is refused before anything is made.
func TestOutputIsNoInput(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, c *Config){
		"same path": func(_ *testing.T, c *Config) { c.Output = c.Input },
		"dotted":    func(_ *testing.T, c *Config) { c.Output = filepath.Dir(c.Input) + "/./" + filepath.Base(c.Input) },
		"symlink":   func(t *testing.T, c *Config) { link(t, os.Symlink, c) },
		"hard link": func(t *testing.T, c *Config) { link(t, os.Link, c) },
		"directory": func(t *testing.T, c *Config) {
			if err := os.Mkdir(c.Output, 0o700); err != nil {
				t.Fatal(err)
			}
		},
		"no parent": func(_ *testing.T, c *Config) { c.Output = filepath.Join(filepath.Dir(c.Output), "gone", "out.csv") },
	} {
		p := overlap(t, nil)
		before, _ := os.ReadFile(p.l.Input)
		spoil(t, &p.l)
		if _, err := Run(t.Context(), p.l); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
		after, _ := os.ReadFile(p.l.Input)
		if string(after) != string(before) || len(before) == 0 {
			t.Errorf("%s: the input has changed", name)
		}
		if _, err := os.Stat(p.l.State); err == nil {
			t.Errorf("%s: a state was made", name)
		}
	}
}

func link(t *testing.T, make func(string, string) error, c *Config) {
	t.Helper()
	if err := make(c.Input, c.Output); err != nil {
		t.Fatal(err)
	}
}

// TestSilentPeerIsNotLost: a peer that is connected and silent ends the run, while a connection that fell silent is made anew.
func TestSilentPeerIsNotLost(t *testing.T) {
	var c metered
	c.note(fault.Blame(fault.New(fault.Timeout, "test", "no message"), "peer"))
	if c.lost.Load() {
		t.Error("a new connection would be asked for")
	}
	c.note(fault.New(fault.Timeout, "test", "nothing arrives"))
	if !c.lost.Load() {
		t.Error("no new connection")
	}
}

// TestHold: the directory has one user until its lock is released or removed, and a lock that was removed is no lock.
func TestHold(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	a, err := Take(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Take(dir); fault.CodeOf(err) != fault.Exists {
		t.Errorf("a second user: %v", err)
	}
	(&state{dir: dir, lock: a}).clear() // the lock is not the run's
	if _, err := Take(dir); fault.CodeOf(err) != fault.Exists {
		t.Errorf("after clear: %v", err)
	}
	a.Remove()
	b, err := Take(dir)
	if err != nil {
		t.Fatal(err)
	}
	a.Remove() // of the past: it removes nothing
	if _, err := Take(dir); fault.CodeOf(err) != fault.Exists {
		t.Errorf("after a late Remove: %v", err)
	}
	b.Release()
}

// TestNoExpandAgainstMalice: multiplicities are not proven.
func TestNoExpandAgainstMalice(t *testing.T) {
	p := overlap(t, func(c *Config) { c.Duplicates, c.Malicious, c.Method = Expand, true, MethodAuto })
	if _, err := Run(t.Context(), p.l); fault.CodeOf(err) != fault.Unsupported {
		t.Errorf("%v", err)
	}
	q := overlap(t, func(c *Config) { c.Method, c.Suite = MethodAuto, "foo" })
	if err := q.l.Check(); err == nil {
		t.Error("a suite that does not exist")
	}
}
