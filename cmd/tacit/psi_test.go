package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node/direct"
)

// psiSide is one party of a test: its command line and what came of it.
type psiSide struct {
	args        []string
	out, err    strings.Builder
	code        int
	file, saved string // input, output
}

// psiPair is two parties in one directory, listener first.
type psiPair struct {
	t          *testing.T
	dir        string
	l, c       psiSide
	inviteFile string
}

const (
	psiLeft  = "phone,name\n13000000001,a\n13000000002,b\n13000000003,c\n"
	psiRight = "mobile,name\n+86 130 0000 0003,C\n0086-13000000001,A\n13000000009,Z\n"
)

func newPsiPair(t *testing.T, left, right string) *psiPair {
	t.Helper()
	dir := t.TempDir()
	p := &psiPair{t: t, dir: dir, inviteFile: filepath.Join(dir, "invite")}
	p.l.file, p.c.file = filepath.Join(dir, "left.csv"), filepath.Join(dir, "right.csv")
	p.l.saved, p.c.saved = filepath.Join(dir, "left-out.csv"), filepath.Join(dir, "right-out.csv")
	for path, text := range map[string]string{p.l.file: left, p.c.file: right} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.l.args = []string{"psi", "--listen", "127.0.0.1:0", "--invite-file", p.inviteFile, "--input", p.l.file, "--output", p.l.saved, "--key", "phone:phone-cn"}
	p.c.args = []string{"psi", "--connect", "@" + p.inviteFile, "--input", p.c.file, "--output", p.c.saved, "--key", "mobile:phone-cn", "--wait", "10s"}
	return p
}

// both adds options to both command lines.
func (p *psiPair) both(args ...string) *psiPair {
	p.l.args, p.c.args = append(p.l.args, args...), append(p.c.args, args...)
	return p
}

func (s *psiSide) run(ctx context.Context, in io.Reader) {
	a := &app{in: in, out: &s.out, err: &s.err, now: time.Now}
	s.code = run(ctx, a, s.args)
}

// invite waits for the invite of the listener.
func (p *psiPair) invite() string {
	for range 500 {
		if b, err := os.ReadFile(p.inviteFile); err == nil {
			return strings.TrimSpace(string(b))
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.t.Fatal("no invite: ", p.l.err.String())
	return ""
}

// run runs both sides.
func (p *psiPair) run() *psiPair {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 30*time.Second)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.l.run(ctx, strings.NewReader(""))
	}()
	p.invite()
	p.c.run(ctx, strings.NewReader(""))
	<-done
	return p
}

func psiLines(t *testing.T, path string) []string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

// TestPsi: two parties, two files, one invite; line k of one output belongs to line k of the other.
func TestPsi(t *testing.T) {
	p := newPsiPair(t, psiLeft, psiRight).run()
	if p.l.code != 0 || p.c.code != 0 {
		t.Fatalf("%d: %s\n%d: %s", p.l.code, &p.l.err, p.c.code, &p.c.err)
	}
	var got []string
	for i, line := range psiLines(t, p.l.saved) {
		got = append(got, line+"|"+psiLines(t, p.c.saved)[i])
	}
	slices.Sort(got[1:])
	want := []string{"phone,name|mobile,name", "13000000001,a|0086-13000000001,A", "13000000003,c|+86 130 0000 0003,C"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	for _, part := range []string{"rows      3\n", "keys      3, the other party 3\n", "matched   2 keys\n", "protocol  ", "B sent, "} {
		if !strings.Contains(p.l.out.String(), part) {
			t.Errorf("stdout lacks %q:\n%s", part, &p.l.out)
		}
	}
	for _, part := range []string{"reading", "waiting", "intersecting 100 %", "writing", "it is a secret"} {
		if !strings.Contains(p.l.err.String(), part) {
			t.Errorf("stderr lacks %q:\n%s", part, &p.l.err)
		}
	}
	for _, dir := range []string{p.l.saved + ".psi", p.c.saved + ".psi"} {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is left", dir)
		}
	}
	if info, err := os.Stat(p.l.saved); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestPsiJSON(t *testing.T) {
	p := newPsiPair(t, psiLeft, psiRight).both("--format", "json", "--method", "ecdh", "--join", "full").run()
	var got struct {
		Kind                                                string
		Version                                             int
		Rows, Keys, Matched, Output_rows, Unmatched_rows    int64
		Padding_rows, Sent_bytes, Received_bytes, Peer_keys int64
		Protocol                                            string
		Why                                                 []string
	}
	if err := json.Unmarshal([]byte(p.l.out.String()), &got); err != nil || p.l.code != 0 {
		t.Fatalf("%v: %s %s", err, &p.l.out, &p.l.err)
	}
	if got.Kind != "psi" || got.Version != 1 || got.Rows != 3 || got.Matched != 2 || got.Output_rows != 4 || got.Unmatched_rows != 1 || got.Padding_rows != 1 {
		t.Errorf("%+v", got)
	}
	for line := range strings.Lines(p.c.err.String()) {
		var e struct {
			Kind, Phase string
			Done, Total int64
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Kind != "psi-progress" || e.Phase == "" || (e.Total > 0 && e.Done > e.Total) {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// TestPsiRefuses runs command lines and inputs that cannot succeed on their own.
func TestPsiRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		left string
		args []string
		want int
		say  string
	}{
		"missing column":  {psiLeft, []string{"--key", "mail"}, fault.SchemaMismatch.ExitCode(), `"mail"`},
		"repeated keys":   {psiLeft + "+8613000000001,x\n", nil, fault.Invalid.ExitCode(), "1 of 4 rows repeat"},
		"null keys only":  {"phone,name\n,a\n,b\n", nil, fault.Invalid.ExitCode(), "2 null"},
		"gbk":             {"phone,name\n13000000001,\xd5\xc5\n", nil, fault.Invalid.ExitCode(), "row 1, column \"name\": not UTF-8"},
		"malformed csv":   {"phone,name\n13000000001,\"a\n", nil, fault.Invalid.ExitCode(), "quote"},
		"ragged csv":      {"phone,name\n13000000001,a,b\n", nil, fault.Invalid.ExitCode(), "cells of the header"},
		"bad join":        {psiLeft, []string{"--join", "cross"}, fault.Invalid.ExitCode(), "a join is"},
		"useless output":  {psiLeft, []string{"--output-to", "connector"}, fault.Invalid.ExitCode(), "name no file here"},
		"bad rule":        {psiLeft, []string{"--key", "phone:phonecn"}, exitUsage, "rules are raw"},
		"bad memory":      {psiLeft, []string{"--memory", "lots"}, exitUsage, "--memory"},
		"bad net":         {psiLeft, []string{"--net", "moon"}, exitUsage, "--net is one of lan"},
		"bad listen":      {psiLeft, []string{"--listen", "nowhere"}, exitUsage, "--listen is host:port"},
		"every interface": {psiLeft, []string{"--listen", ":0"}, exitUsage, "--address"},
		"both ways":       {psiLeft, []string{"--connect", "x"}, exitUsage, "one of --listen and --connect"},
		"bad name":        {psiLeft, []string{"--name", "A B"}, exitUsage, "--name"},
		"unknown method":  {psiLeft, []string{"--method", "magic"}, fault.Invalid.ExitCode(), "method"},
		"ecdh, malicious": {psiLeft, []string{"--method", "ecdh", "--malicious"}, fault.Unsupported.ExitCode(), "malicious"},
		"port in use":     {psiLeft, []string{"--listen", "192.0.2.1:1"}, fault.Unavailable.ExitCode(), "cannot listen"},
		"no such input":   {psiLeft, []string{"--input", "/nonexistent.csv"}, fault.NotFound.ExitCode(), "does not exist"},
		"no format":       {psiLeft, []string{"--input", "/nonexistent.doc"}, fault.Unsupported.ExitCode(), ".parquet"},
	} {
		p := newPsiPair(t, c.left, psiRight)
		p.l.args = append(p.l.args, c.args...)
		if c.args != nil && c.args[0] == "--key" {
			p.l.args = slices.Concat(p.l.args[:len(p.l.args)-4], c.args) // in place of the first key
		}
		p.l.run(t.Context(), strings.NewReader(""))
		if p.l.code != c.want || !strings.Contains(p.l.err.String(), c.say) || p.l.out.Len() > 0 {
			t.Errorf("%s: code %d, want %d with %q: %s", name, p.l.code, c.want, c.say, &p.l.err)
		}
		if strings.Contains(p.l.err.String(), "13000000001") {
			t.Errorf("%s: a cell is quoted: %s", name, &p.l.err)
		}
		for _, path := range []string{p.inviteFile, p.l.saved, p.l.saved + ".psi"} {
			if _, err := os.Stat(path); err == nil {
				t.Errorf("%s: %s is left", name, path)
			}
		}
	}
}

// TestPsiInvites: an invite that is none, of another listener, or used before lets nobody in.
func TestPsiInvites(t *testing.T) {
	p := newPsiPair(t, psiLeft, psiRight)
	for _, bad := range []string{"hello", "tacit-psi1:AAAA", "tacit-psi9:AAAA", "@/nonexistent"} {
		c := psiSide{args: slices.Clone(p.c.args)}
		c.args[2] = bad
		c.run(t.Context(), strings.NewReader(""))
		if c.code != fault.Invalid.ExitCode() && c.code != fault.Unsupported.ExitCode() && c.code != fault.NotFound.ExitCode() {
			t.Errorf("%q: code %d: %s", bad, c.code, &c.err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.l.run(ctx, strings.NewReader(""))
	}()
	invite, err := direct.ParseInvite(p.invite())
	if err != nil {
		t.Fatal(err)
	}
	// Another listener's invite with this address.
	id, err := direct.NewIdentity(zero{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	other, err := direct.Listen("127.0.0.1:0", id, direct.Config{Self: "x"}, direct.ListenOptions{Rand: zero{}})
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := other.Invite(invite.Address)
	if err != nil {
		t.Fatal(err)
	}
	_ = other.Close()
	c := psiSide{args: slices.Clone(p.c.args)}
	c.args[2] = wrong.TextInsecure()
	c.run(ctx, strings.NewReader(""))
	if c.code != fault.Unauthenticated.ExitCode() || !strings.Contains(c.err.String(), "new invite") {
		t.Errorf("wrong invite: code %d: %s", c.code, &c.err)
	}
	// Somebody uses the invite, and hangs up; it is used then.
	first, err := direct.NewIdentity(randReader(t), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := direct.Dial(ctx, invite, first, direct.Config{Self: "guest"})
	if err != nil {
		t.Fatal(err)
	}
	c = psiSide{args: slices.Clone(p.c.args)}
	c.args[2] = "-"
	c.args = append(c.args, "--wait", "1s")
	go func() {
		time.Sleep(200 * time.Millisecond)
		conn.Abort(fault.Canceled)
	}()
	c.run(ctx, strings.NewReader(invite.TextInsecure()+"\n"))
	<-done
	if p.l.code != fault.PeerAborted.ExitCode() || !strings.Contains(p.l.err.String(), "gave up") {
		t.Errorf("early close: code %d: %s", p.l.code, &p.l.err)
	}
	if c.code == 0 || len(psiLines(t, p.c.saved)) > 0 {
		t.Errorf("replayed invite: code %d: %s", c.code, &c.err)
	}
}

// zero is a source that nobody should use.
type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func randReader(t *testing.T) io.Reader {
	t.Helper()
	f, err := os.Open("/dev/urandom")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// TestPsiDiffers: other terms are refused at both, with the difference and advice.
func TestPsiDiffers(t *testing.T) {
	p := newPsiPair(t, psiLeft, psiRight)
	p.c.args = append(p.c.args, "--join", "left")
	p.run()
	for _, s := range []*psiSide{&p.l, &p.c} {
		if s.code != fault.PlanMismatch.ExitCode() || !strings.Contains(s.err.String(), "other join") || !strings.Contains(s.err.String(), "agree with the other party") {
			t.Errorf("code %d: %s", s.code, &s.err)
		}
	}
}

// TestPsiWarns: malformed keys and an empty intersection succeed, with a warning that shows no key.
func TestPsiWarns(t *testing.T) {
	p := newPsiPair(t, "phone,name\n13000000005,a\nabc,b\n", psiRight).run()
	if p.l.code != 0 || p.c.code != 0 {
		t.Fatalf("%s%s", &p.l.err, &p.c.err)
	}
	for _, part := range []string{"1 of 2 rows have a key that is not of its rule's form", "nothing matched", "1 × 11 characters", "1 × digits", "1 × letters"} {
		if !strings.Contains(p.l.err.String(), part) {
			t.Errorf("stderr lacks %q: %s", part, &p.l.err)
		}
	}
	if strings.Contains(p.l.err.String(), "13000000005") || strings.Contains(p.c.err.String(), "13000000005") {
		t.Error("a key is printed")
	}
}

func TestPsiExplain(t *testing.T) {
	a, out, errOut := start(t, &fake{})
	if code := run(t.Context(), a, strings.Fields("psi explain --n 2^16 --m 100k --net slow")); code != 0 {
		t.Fatalf("code %d: %s", code, errOut)
	}
	for _, part := range []string{"PROTOCOL", "ecdh/ristretto255", "rr22", "measured", "about", "on slow"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("lacks %q:\n%s", part, out)
		}
	}
	for _, line := range []string{"psi explain --n x", "psi explain --n -1", "psi explain --n 2^99", "psi explain --net x", "psi explain extra"} {
		a, _, errOut := start(t, &fake{})
		if code := run(t.Context(), a, strings.Fields(line)); code != exitUsage {
			t.Errorf("%s: code %d: %s", line, code, errOut)
		}
	}
}

// TestPsiProcess is not a test: it is the command in a process of its own, for TestPsiKilled.
func TestPsiProcess(t *testing.T) {
	args := os.Getenv("TACIT_PSI_ARGS")
	if args == "" {
		t.Skip("run by TestPsiKilled")
	}
	os.Exit(run(context.Background(), newApp(os.Stdin, os.Stdout, os.Stderr), strings.Split(args, "\n")))
}

// TestPsiKilled kills each party's process without warning, several times in the middle of the run, and starts it again
// with the same command; the other waits. The result is that of a run without interruption.
func TestPsiKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("processes")
	}
	const n = 1 << 18
	table := func(column, prefix string, from int) string {
		var b strings.Builder
		b.WriteString(column + ",name\n")
		for i := range n {
			v := from + (i*7919)%n
			fmt.Fprintf(&b, "%s13%09d,n%d\n", prefix, v, v)
		}
		return b.String()
	}
	p := newPsiPair(t, table("phone", "", 0), table("mobile", "+86", n/2)).both("--memory", "33M", "--wait", "60s")
	begin := func(s *psiSide) *exec.Cmd {
		c := exec.Command(os.Args[0], "-test.run=^TestPsiProcess$")
		c.Env = append(os.Environ(), "TACIT_PSI_ARGS="+strings.Join(s.args, "\n"))
		c.Stderr, c.Stdout = &s.err, &s.out
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		return c
	}
	l := begin(&p.l)
	p.invite()
	c := begin(&p.c)
	finished := func() int {
		files, _ := filepath.Glob(filepath.Join(p.l.saved+".psi", "bucket-*"))
		return len(files)
	}
	kills := 0
	for want := 1; kills < 2 && want < 4; want++ { // 4 buckets
		for deadline := time.Now().Add(30 * time.Second); finished() < want && time.Now().Before(deadline); {
			time.Sleep(2 * time.Millisecond)
		}
		victim, s := &l, &p.l
		if want%2 == 0 {
			victim, s = &c, &p.c
		}
		if (*victim).Process.Kill() != nil {
			break
		}
		_ = (*victim).Wait()
		kills++
		*victim = begin(s)
	}
	if errL, errC := l.Wait(), c.Wait(); errL != nil || errC != nil {
		t.Fatalf("%v %s\n%v %s", errL, &p.l.err, errC, &p.c.err)
	}
	left, right := psiLines(t, p.l.saved), psiLines(t, p.c.saved)
	if len(left) != n/2+1 || len(right) != len(left) || kills == 0 {
		t.Fatalf("%d and %d lines after %d kills", len(left), len(right), kills)
	}
	seen := map[string]bool{}
	for i := 1; i < len(left); i++ {
		if "+86"+left[i] != right[i] || seen[left[i]] {
			t.Fatalf("line %d: %q and %q", i, left[i], right[i])
		}
		seen[left[i]] = true
	}
	if !strings.Contains(p.l.err.String()+p.c.err.String(), "resuming") {
		t.Error("nothing was resumed")
	}
}
