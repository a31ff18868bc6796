package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/fault"
)

// register is a published set of a test and what is needed to ask it.
type register struct {
	t                        *testing.T
	dir, invite, cache, work string
}

// tacitCommand runs a command line in this process.
func tacitCommand(t *testing.T, words ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e strings.Builder
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	code = run(ctx, &app{in: strings.NewReader(""), out: &o, err: &e, now: time.Now}, words)
	return code, o.String(), e.String()
}

func newRegister(t *testing.T, rows string) *register {
	t.Helper()
	work := t.TempDir()
	r := &register{t: t, work: work, dir: filepath.Join(work, "reg"), invite: filepath.Join(work, "invite"), cache: filepath.Join(work, "cache")}
	code, out, errOut := tacitCommand(t, "psi", "publish", "--input", r.put("big.csv", rows), "--key", "phone:phone-cn", "--dir", r.dir)
	if code != 0 || !strings.Contains(out, "that a client fetches once") || !strings.Contains(errOut, "evaluating") {
		t.Fatalf("code %d: %s%s", code, out, errOut)
	}
	return r
}

func (r *register) put(name, text string) string {
	path := filepath.Join(r.work, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return path
}

func (r *register) queryArgs(rows string, more ...string) []string {
	return append([]string{
		"psi", "query", "--connect", "@" + r.invite, "--input", r.put("few.csv", rows), "--key", "mobile:phone-cn",
		"--output", filepath.Join(r.work, "found.csv"), "--cache", r.cache, "--wait", "10s",
	}, more...)
}

// serve starts serving in a process of its own and returns it with the lines it prints.
func (r *register) serve(more ...string) (*exec.Cmd, *bufio.Scanner) {
	r.t.Helper()
	_ = os.Remove(r.invite) // of the process before
	args := append([]string{"psi", "serve", "--dir", r.dir, "--listen", "127.0.0.1:0", "--invite-file", r.invite, "--format", "json"}, more...)
	c := exec.Command(os.Args[0], "-test.run=^TestPsiProcess$")
	c.Env = append(os.Environ(), "TACIT_PSI_ARGS="+strings.Join(args, "\n"))
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		_ = c.Process.Kill() // it may have ended
		_ = c.Wait()
	})
	for range 1000 {
		if _, err := os.Stat(r.invite); err == nil {
			return c, bufio.NewScanner(out)
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Fatal("no invite")
	return nil, nil
}

// session reads the next line of a serving process.
func (r *register) session(lines *bufio.Scanner) lookupSessionJSON {
	r.t.Helper()
	var s lookupSessionJSON
	if !lines.Scan() {
		r.t.Fatal("the serving process ended: ", lines.Err())
	}
	if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
		r.t.Fatalf("%s: %v", lines.Bytes(), err)
	}
	return s
}

func lookupRows(column, prefix string, from, n int) string {
	var b strings.Builder
	b.WriteString(column + ",name\n")
	for i := range n {
		fmt.Fprintf(&b, "%s13%09d,n%d\n", prefix, from+i, from+i)
	}
	return b.String()
}

// TestLookup: publish, serve in another process, query twice, a rotated epoch, a quota, other rules.
func TestLookup(t *testing.T) {
	r := newRegister(t, lookupRows("phone", "", 0, 300)+",null\n")
	_, lines := r.serve("--max-queries", "30")
	few := lookupRows("mobile", "+86", 295, 10) + "13000000295,again\n,null\n"
	code, out, errOut := tacitCommand(t, r.queryArgs(few)...)
	for _, part := range []string{
		"rows      12, of them 1 without a key, 1 repeating a key\n", "keys      10, the holder 300\n", "matched   5 keys\n", "found.csv  6 rows\n",
		"of tags fetched in", "online    ", "left      20 queries in this epoch\n",
	} {
		if !strings.Contains(out, part) {
			t.Errorf("stdout lacks %q: code %d: %s%s", part, code, out, errOut)
		}
	}
	for _, part := range []string{"reading", "waiting", "fetching", "asking       100 %", "writing"} {
		if !strings.Contains(errOut, part) {
			t.Errorf("stderr lacks %q: %s", part, errOut)
		}
	}
	want := []string{"mobile,name", "+8613000000295,n295", "+8613000000296,n296", "+8613000000297,n297", "+8613000000298,n298", "+8613000000299,n299", "13000000295,again"}
	if got := psiLines(t, filepath.Join(r.work, "found.csv")); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	code, out, errOut = tacitCommand(t, r.queryArgs(few, "--format", "json", "--quiet")...)
	var q queryJSON
	if err := json.Unmarshal([]byte(out), &q); err != nil || code != 0 || q.Fetched || q.Offline.Recv != 0 || q.Matched != 5 || q.Left != 10 || q.Kind != "psi-query" {
		t.Errorf("%v: %s%s", err, out, errOut)
	}
	if one, two := r.session(lines), r.session(lines); !one.Fetched || two.Fetched || one.Used != 10 || two.Used != 20 || two.Made != 10 {
		t.Errorf("%+v, %+v", one, two)
	}
	for name, c := range map[string]struct {
		args []string
		want fault.Code
		say  string
	}{
		"quota":    {r.queryArgs(lookupRows("mobile", "", 0, 11)), fault.BudgetExhausted, "larger quota"},
		"rules":    {r.queryArgs(few, "--key", "name:text"), fault.PlanMismatch, "key rules of the publish"},
		"stranger": {r.queryArgs(few, "--cache", t.TempDir()), fault.Unauthenticated, "cache directory"},
		"column":   {append(r.queryArgs(few), "--key", "mail"), fault.SchemaMismatch, `"mail"`},
	} {
		if name == "quota" {
			c.args = r.queryArgs(lookupRows("mobile", "", 0, 11))
		} else {
			r.put("few.csv", few)
		}
		if code, out, errOut := tacitCommand(t, c.args...); code != c.want.ExitCode() || !strings.Contains(errOut, c.say) || out != "" || strings.Contains(errOut, "1300000") {
			t.Errorf("%s: code %d: %s%s", name, code, out, errOut)
		}
	}
	code, _, errOut = tacitCommand(t, "psi", "publish", "--input", filepath.Join(r.work, "big.csv"), "--key", "phone:phone-cn", "--dir", r.dir, "--quiet")
	if code != 0 || errOut != "" {
		t.Fatalf("code %d: %s", code, errOut)
	}
	if code, out, errOut = tacitCommand(t, r.queryArgs(few)...); code != 0 || !strings.Contains(out, "of tags fetched") || !strings.Contains(out, "left      20 ") {
		t.Errorf("new epoch: code %d: %s%s", code, out, errOut)
	}
}

// TestLookupKilled kills the serving process in the middle of a session: everything it had granted counts as used, and the
// client of before may come again with its invite.
func TestLookupKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("processes")
	}
	const n = 30_000 // seconds of work for two processors
	r := newRegister(t, lookupRows("phone", "", 0, 50))
	server, _ := r.serve()
	ledgers, err := filepath.Glob(filepath.Join(r.dir, "epoch-*", "ledger"))
	if err != nil || len(ledgers) != 1 {
		t.Fatal(ledgers, err)
	}
	before, err := os.ReadFile(ledgers[0])
	if err != nil {
		t.Fatal(err)
	}
	args := r.queryArgs(lookupRows("mobile", "", 0, n))
	var out, errOut strings.Builder
	done := make(chan int)
	go func() {
		done <- run(t.Context(), &app{in: strings.NewReader(""), out: &out, err: &errOut, now: time.Now}, args)
	}()
	for range 3000 {
		if now, err := os.ReadFile(ledgers[0]); err == nil && string(now) != string(before) {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = server.Wait()
	if code := <-done; code != fault.PeerAborted.ExitCode() || out.String() != "" {
		t.Fatalf("code %d: %s%s", code, &out, &errOut)
	}
	_, lines := r.serve()
	if code, out, errOut := tacitCommand(t, r.queryArgs(lookupRows("mobile", "", 0, 7))...); code != 0 {
		t.Fatalf("%s%s", out, errOut)
	}
	if s := r.session(lines); s.Used != n+7 || s.Made != 7 || s.UsedAll != n+7 {
		t.Errorf("%+v", s)
	}
}

// TestLookupUsage runs command lines that cannot be meant.
func TestLookupUsage(t *testing.T) {
	for _, line := range []string{
		"psi publish", "psi publish --input a.csv --key a --dir d --queries x", "psi publish --input a.csv --key a --dir d --queries 2^33",
		"psi publish --input a.csv --key a --dir d --suite x", "psi publish --input a.csv --key a:b --dir d", "psi serve --dir d",
		"psi serve --dir d --listen x", "psi serve --dir d --listen :7700", "psi serve --dir d --listen h:1 --clients 0",
		"psi serve --dir d --listen h:1 --max-queries x", "psi query --connect x", "psi query --connect x --input a --output b.csv --key a:b",
	} {
		if code, _, errOut := tacitCommand(t, strings.Fields(line)...); code != exitUsage {
			t.Errorf("%s: code %d: %s", line, code, errOut)
		}
	}
	for line, want := range map[string]fault.Code{
		"psi serve --listen 127.0.0.1:0 --dir " + t.TempDir():                                fault.NotFound,
		"psi query --connect x --input a.csv --output b.csv --key a --cache " + t.TempDir():  fault.Invalid,
		"psi query --connect @/nonexistent --input a.csv --output b.csv --key a --cache /no": fault.NotFound,
	} {
		if code, _, errOut := tacitCommand(t, strings.Fields(line)...); code != want.ExitCode() {
			t.Errorf("%s: code %d: %s", line, code, errOut)
		}
	}
}

// TestExplainPublished: the planner names the published way where one side is much larger.
func TestExplainPublished(t *testing.T) {
	for line, want := range map[string]bool{
		"psi explain --n 2^17 --m 2k --memory 1G": true, "psi explain --n 2^12 --m 2k": false, "psi explain --n 2^17 --m 2k --malicious": false,
	} {
		code, out, errOut := tacitCommand(t, strings.Fields(line)...)
		if code != 0 || strings.Contains(out, "oprf (published)") != want || strings.Contains(out, "first run") != want || strings.Contains(out, "tacit psi publish") != want {
			t.Errorf("%s: code %d: %s%s", line, code, out, errOut)
		}
	}
}
