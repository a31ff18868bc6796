package lookup

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/protocols/oprf"
)

// TestQuery: what a client gets is the plain join, with null, malformed and repeated keys on both sides; a second query
// fetches nothing.
func TestQuery(t *testing.T) {
	dir, cache := filepath.Join(t.TempDir(), "reg"), t.TempDir()
	big := append(phones("phone", "", 1000, 500), ",null", "abc,malformed", "13000001000,again")
	r := publish(t, publishing(t, dir, big...))
	if want := (Counts{Rows: 503, Null: 1, Malformed: 1, Duplicates: 1, Keys: 500}); r.Counts != want {
		t.Errorf("published %+v, want %+v", r.Counts, want)
	}
	few := append(phones("mobile", "+86 ", 1490, 20), ",null", "abc,malformed", "0086-13000001490,again", "13000001000,first")
	s := serve(t, dir, nil)
	got, lines := ask(t, asking(t, s, cache, few...))
	if want := joined(few, big); !slices.Equal(lines, want) {
		t.Errorf("%q, want %q", lines, want)
	}
	if want := (Counts{Rows: 24, Null: 1, Malformed: 1, Duplicates: 1, Keys: 21}); got.Counts != want {
		t.Errorf("asked %+v, want %+v", got.Counts, want)
	}
	if got.Matched != 11 || got.Output != 12 || got.HolderKeys != 500 || !got.Fetched || got.Left != 1<<20-21 {
		t.Errorf("%+v", got)
	}
	p, err := oprf.NewParams(r.lit)
	if err != nil {
		t.Fatal(err)
	}
	if want := p.TransferCost(500).RecvBytes; got.Offline.ReceivedBytes < want || got.Offline.ReceivedBytes > want+1 {
		t.Errorf("%d bytes offline, want %d", got.Offline.ReceivedBytes, want)
	}
	again, lines2 := ask(t, asking(t, s, cache, few...))
	if again.Fetched || again.Offline.ReceivedBytes != 0 || !slices.Equal(lines, lines2) {
		t.Errorf("%+v", again)
	}
	if again.Online.ReceivedBytes != got.Online.ReceivedBytes || again.Online.SentBytes != got.Online.SentBytes {
		t.Errorf("online %+v, then %+v", got.Online, again.Online)
	}
	overhead := int64(len(opening{}.encode()) + len(want{}.encode()))
	if want := p.Cost(21).SentBytes + overhead; got.Online.SentBytes != want {
		t.Errorf("%d bytes sent online, want %d", got.Online.SentBytes, want)
	}
	if one, two := <-s.ended, <-s.ended; one.Used != 21 || two.Used != 42 || two.Made != 21 || !one.Fetched || two.Fetched {
		t.Errorf("%+v, %+v", one, two)
	}
}

// TestSuites: P-256 works too, and nothing matching comes with profiles.
func TestSuites(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "reg")
	c := publishing(t, dir, phones("phone", "", 0, 20)...)
	c.Suite = oprf.SuiteP256
	publish(t, c)
	s := serve(t, dir, nil)
	r, lines := ask(t, asking(t, s, t.TempDir(), phones("mobile", "", 10, 20)...))
	if r.Matched != 10 || len(lines) != 11 || r.Suite != oprf.SuiteP256 || r.Profiles != nil {
		t.Errorf("%+v", r)
	}
}

// TestNothingMatches: an empty output is a result, with a description of the keys for this party.
func TestNothingMatches(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "reg")
	publish(t, publishing(t, dir, phones("phone", "", 0, 5)...))
	s := serve(t, dir, nil)
	r, lines := ask(t, asking(t, s, t.TempDir(), phones("mobile", "", 10, 5)...))
	if r.Matched != 0 || len(lines) != 1 || len(r.Profiles) != 1 {
		t.Errorf("%+v, %q", r, lines)
	}
}

// TestDamagedCache: a cached file that is not what it was is fetched anew.
func TestDamagedCache(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "reg")
	publish(t, publishing(t, dir, phones("phone", "", 0, 50)...))
	s := serve(t, dir, nil)
	for name, damage := range map[string]func(b []byte) []byte{
		"flipped":   func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"cut":       func(b []byte) []byte { return b[:len(b)-5] },
		"empty":     func([]byte) []byte { return nil },
		"rewritten": func(b []byte) []byte { return []byte(strings.Repeat("x", len(b))) },
	} {
		cache := cacheOf(t, s)
		c := asking(t, s, cache, phones("mobile", "", 40, 20)...)
		if r, _ := ask(t, c); r.Damaged {
			t.Errorf("%s: damaged before", name)
		}
		files, err := filepath.Glob(filepath.Join(cache, "*", "*"+cachedSuffix))
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		b, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(files[0], damage(b), 0o600); err != nil {
			t.Fatal(err)
		}
		if r, lines := ask(t, c); !r.Fetched || !r.Damaged || r.Matched != 10 || len(lines) != 11 {
			t.Errorf("%s: %+v", name, r)
		}
		if r, _ := ask(t, c); r.Fetched || r.Damaged {
			t.Errorf("%s: not mended: %+v", name, r)
		}
	}
}

// cacheOf is the cache of the one client of a test: the invite is its own.
func cacheOf(t *testing.T, s *serving) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cache == "" {
		s.cache = t.TempDir()
	}
	return s.cache
}

// TestNewEpoch: a publish while serving comes into force with the next session; the client fetches the new file by itself
// and drops the old one.
func TestNewEpoch(t *testing.T) {
	dir, cache := filepath.Join(t.TempDir(), "reg"), t.TempDir()
	one := publish(t, publishing(t, dir, phones("phone", "", 0, 10)...))
	s := serve(t, dir, func(c *ServeConfig) { c.Quota = 15 })
	c := asking(t, s, cache, phones("mobile", "", 5, 10)...)
	if r, _ := ask(t, c); r.Matched != 5 {
		t.Errorf("%+v", r)
	}
	two := publish(t, publishing(t, dir, phones("phone", "", 0, 13)...))
	r, _ := ask(t, c)
	if r.Matched != 8 || !r.Fetched || r.Damaged || r.Epoch != two.Pin.Epoch || r.Left != 5 || one.Pin.Epoch == two.Pin.Epoch {
		t.Errorf("%+v", r)
	}
	for pattern, want := range map[string]int{filepath.Join(cache, "*", "*"+cachedSuffix): 1, filepath.Join(dir, epochPrefix+"*"): 1} {
		if files, _ := filepath.Glob(pattern); len(files) != want {
			t.Errorf("%q, want %d", files, want)
		}
	}
}

// hooked is a source of randomness that does something once, when it is armed.
type hooked struct {
	armed atomic.Bool
	do    func()
}

// Read implements io.Reader.
func (h *hooked) Read(p []byte) (int, error) {
	if h.armed.CompareAndSwap(true, false) {
		h.do()
	}
	return rand.Read(p)
}

// TestEpochEndsInSession: the epoch is replaced once a session has taken hold of it: the client is told, asks again by
// itself and gets the result of the new one.
func TestEpochEndsInSession(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "reg")
	publish(t, publishing(t, dir, phones("phone", "", 0, 10)...))
	next := publishing(t, dir, phones("phone", "", 0, 13)...)
	h := &hooked{do: func() { // the holder draws its nonce
		if _, err := Publish(t.Context(), next); err != nil {
			t.Error(err)
		}
	}}
	s := serve(t, dir, func(c *ServeConfig) { c.Rand = h })
	h.armed.Store(true)
	r, lines := ask(t, asking(t, s, t.TempDir(), phones("mobile", "", 5, 10)...))
	if r.Matched != 8 || len(lines) != 9 || !r.Fetched {
		t.Errorf("%+v", r)
	}
	if one, two := <-s.ended, <-s.ended; fault.CodeOf(one.Err) != fault.Expired || one.Made != 0 || two.Err != nil || two.Made != 10 {
		t.Errorf("%+v, %+v", one, two)
	}
}

func must(s string, err error) string {
	if err != nil {
		return err.Error()
	}
	return s
}

// TestQuota: a client's quota and the life of the key are refused before anything is evaluated, and both sides say so.
func TestQuota(t *testing.T) {
	dir, cache := filepath.Join(t.TempDir(), "reg"), t.TempDir()
	p := publishing(t, dir, phones("phone", "", 0, 10)...)
	p.Queries = 25
	publish(t, p)
	for _, step := range []struct {
		quota int64
		ask   int
		want  fault.Code
		left  int64
	}{
		{12, 10, 0, 2},
		{12, 3, fault.BudgetExhausted, 2},
		{12, 2, 0, 0},
		{12, 1, fault.BudgetExhausted, 0},
		{0, 10, 0, 3},
		{0, 4, fault.LimitExceeded, 3},
		{100, 4, fault.LimitExceeded, 3},
		{0, 3, 0, 0},
	} {
		s := serve(t, dir, func(c *ServeConfig) { c.Quota = step.quota }) // quotas may change, counts stay
		r, err := Query(t.Context(), asking(t, s, cache, phones("mobile", "", 0, step.ask)...))
		e := <-s.ended
		if step.want == 0 && (err != nil || r.Left != step.left || e.Err != nil) {
			t.Errorf("%+v: %+v, %v", step, r, err)
		}
		if step.want != 0 && (fault.CodeOf(err) != step.want || fault.CodeOf(e.Err) != step.want || e.Made != 0) {
			t.Errorf("%+v: %v, holder %v", step, err, e.Err)
		}
		s.stop()
	}
}

// TestOtherRules: a difference is found before anything about the data is sent.
func TestOtherRules(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "reg")
	publish(t, publishing(t, dir, phones("phone", "", 0, 10)...))
	s := serve(t, dir, nil)
	c := asking(t, s, t.TempDir(), phones("mobile", "", 0, 10)...)
	c.Rules = []Rule{feature.Digits}
	_, err := Query(t.Context(), c)
	if e := <-s.ended; fault.CodeOf(err) != fault.PlanMismatch || fault.CodeOf(e.Err) != fault.PlanMismatch || e.Queries != 0 || e.Used != 0 ||
		e.ReceivedBytes != int64(len(opening{}.encode())) {
		t.Errorf("%v; holder %+v", err, e)
	}
	if _, err := os.Stat(c.Output); err == nil {
		t.Error("an output is left")
	}
}

// TestClients: each client has its own invite, pin and count; they are served at once; another party with a used invite is
// refused; and whoever came once may come again after a restart.
func TestClients(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "reg")
	publish(t, publishing(t, dir, phones("phone", "", 0, 10)...))
	s := serve(t, dir, func(c *ServeConfig) { c.Clients = 3 })
	caches := []string{t.TempDir(), t.TempDir(), t.TempDir()}
	var g errgroup.Group
	for i := range 3 {
		c := asking(t, s, caches[i], phones("mobile", "", i, 10)...)
		c.Invite = s.invites[i]
		g.Go(func() error {
			r, err := Query(t.Context(), c)
			if err == nil && r.Matched != int64(10-i) {
				err = errors.New("wrong result")
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	stranger := asking(t, s, t.TempDir(), phones("mobile", "", 0, 1)...)
	if _, err := Query(t.Context(), stranger); fault.CodeOf(err) != fault.Unauthenticated {
		t.Error(err)
	}
	s.stop()
	if _, err := Publish(t.Context(), publishing(t, dir, "phone", "x")); fault.CodeOf(err) != fault.Invalid {
		t.Error(err)
	}
	again := serve(t, dir, func(c *ServeConfig) { c.Clients = 4 })
	if !slices.Equal(again.fresh, []bool{false, false, false, true}) {
		t.Errorf("%v", again.fresh)
	}
	c := asking(t, s, caches[0], phones("mobile", "", 0, 1)...) // with the invite of before
	if r, err := Query(t.Context(), c); err != nil || r.Fetched {
		t.Errorf("%+v, %v", r, err)
	}
	if e := <-again.ended; e.Client != 1 || e.Used != 11 || e.UsedAll != 31 {
		t.Errorf("%+v", e)
	}
}

// TestServeRefuses runs directories that cannot be served.
func TestServeRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "reg")
	none := ServeConfig{Dir: dir}
	if err := Serve(t.Context(), none); fault.CodeOf(err) != fault.Invalid {
		t.Error(err)
	}
	full := func() ServeConfig {
		var c ServeConfig
		s := serve(t, dir, func(got *ServeConfig) { c = *got })
		s.stop()
		c.Invited = nil
		return c
	}
	publish(t, publishing(t, dir, phones("phone", "", 0, 10)...))
	c := full()
	c.Invited = func(int, inviteOf, bool) error { return errors.New("nobody is to be invited") }
	s := serve(t, dir, nil)
	if err := Serve(t.Context(), c); fault.CodeOf(err) != fault.Exists {
		t.Error(err)
	}
	s.stop()
	epoch := filepath.Join(dir, must(currentEpoch(dir)))
	for _, name := range []string{keyFile, tagsFile, recordFile, ledgerFile} {
		path := filepath.Join(epoch, name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bad := slices.Clone(b)
		bad[len(bad)/2] ^= 4
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Serve(t.Context(), c); fault.CodeOf(err) != fault.Corrupt {
			t.Errorf("%s: %v", name, err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := Serve(t.Context(), c); fault.CodeOf(err) != fault.NotFound {
		t.Error(err)
	}
}

// TestPublishInterrupted: a publish that is stopped or fails leaves the epoch before it in force and nothing of its own.
func TestPublishInterrupted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "reg")
	one := publish(t, publishing(t, dir, phones("phone", "", 0, 10)...))
	// What a killed one leaves is swept by the next.
	if err := os.Mkdir(filepath.Join(dir, epochPrefix+"0011"+partialSuffix), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := publishing(t, dir, phones("phone", "", 0, 20000)...)
	c.Observe = func(e Event) {
		if e.Phase == Evaluating && e.Done > 0 {
			cancel()
		}
	}
	if _, err := Publish(ctx, c); fault.CodeOf(err) != fault.Canceled {
		t.Fatal(err)
	}
	entries, err := filepath.Glob(filepath.Join(dir, epochPrefix+"*"))
	if err != nil || len(entries) != 1 || must(currentEpoch(dir)) != epochName(one.Pin.Epoch) {
		t.Errorf("%q, %v", entries, err)
	}
	lock, err := take(dir, publishLock, "publishes in")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Publish(t.Context(), publishing(t, dir, phones("phone", "", 0, 1)...)); fault.CodeOf(err) != fault.Exists {
		t.Error(err)
	}
	_ = lock.Close()
	err = filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestPublishRefuses runs inputs and options that cannot be published.
func TestPublishRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		lines  []string
		change func(*PublishConfig)
		want   fault.Code
	}{
		"no rows":   {[]string{"phone,name"}, nil, fault.Invalid},
		"no keys":   {[]string{"phone,name", ",x", "abc,y"}, nil, fault.Invalid},
		"no column": {[]string{"mail,name", "a,x"}, nil, fault.SchemaMismatch},
		"queries":   {phones("phone", "", 0, 1), func(c *PublishConfig) { c.Queries = MaxQueries + 1 }, fault.LimitExceeded},
		"suite":     {phones("phone", "", 0, 1), func(c *PublishConfig) { c.Suite = "rot13" }, fault.Invalid},
		"no rand":   {phones("phone", "", 0, 1), func(c *PublishConfig) { c.Rand = nil }, fault.Invalid},
		"no file":   {phones("phone", "", 0, 1), func(c *PublishConfig) { c.Input = "/nonexistent.csv" }, fault.NotFound},
	} {
		dir := filepath.Join(t.TempDir(), "reg")
		p := publishing(t, dir, c.lines...)
		if c.change != nil {
			c.change(&p)
		}
		if _, err := Publish(t.Context(), p); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "[ce]*")); len(left) > 0 {
			t.Errorf("%s: %q is left", name, left)
		}
	}
}

// TestRoundUp: what is declared covers the rows and fits the bounds.
func TestRoundUp(t *testing.T) {
	for rows, want := range map[int64]int{0: 1, 1: 1, 2: 2, 3: 4, 1 << 20: 1 << 20, 10_000_000: 1 << 24, 1 << 26: 1 << 26, 1<<26 + 1: 1<<26 + 1<<20} {
		if got := roundUp(rows); got != want {
			t.Errorf("%d: %d, want %d", rows, got, want)
		}
	}
}
