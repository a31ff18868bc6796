package node

import (
	"bufio"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/sandbox/budget"
	"github.com/tacit-data/tacit/sandbox/meter"
)

// TestReopen: a node that is closed and opened again has the same jobs, grants and results, verifies, and runs jobs.
func TestReopen(t *testing.T) {
	if testing.Short() {
		t.Skip("runs two jobs")
	}
	f := newFederation(t)
	d := f.deal("reopen", bankSheet(300, 0), utilitySheet(300, 50))
	before, _ := f.succeed(d.spec(modelSpec))
	grants, err := f.bank.Grants(t.Context())
	f.ok(err)
	result, err := f.bank.Result(t.Context(), before.ID, "r-model")
	f.ok(err)
	f.ok(f.bank.Close())
	f.bank = f.start("bank")
	if _, err := f.bank.VerifyAudit(t.Context()); err != nil {
		t.Error(err)
	}
	after, err := f.bank.Job(t.Context(), before.ID)
	f.ok(err)
	for _, v := range []*JobView{&before, &after} {
		for i := range v.Steps {
			v.Steps[i].Done, v.Steps[i].Total = 0, 0 // counters for display are not kept
		}
	}
	if !reflect.DeepEqual(before, after) {
		t.Errorf("the job before and after:\n%+v\n%+v", before, after)
	}
	if list, err := f.bank.Grants(t.Context()); err != nil || !reflect.DeepEqual(list, grants) {
		t.Errorf("grants %+v, %v; before %+v", list, err, grants)
	}
	if again, err := f.bank.Result(t.Context(), before.ID, "r-model"); err != nil || !reflect.DeepEqual(again, result) {
		t.Errorf("another result after reopening: %v", err)
	}
	f.succeed(d.spec(modelSpec))
}

// TestStoppedWhileRunning: a node that is closed in the middle of training ends the job at its peer, and has ended it
// itself once it is open again.
func TestStoppedWhileRunning(t *testing.T) {
	f := newFederation(t)
	d := f.deal("stopped", bankSheet(300, 0), utilitySheet(300, 50))
	id := f.submit(d.spec(modelSpec, "max_iter: 2", endless))
	f.await(f.bank, id, moving("model"))
	f.ok(f.utility.Close())
	survivor := f.await(f.bank, id, nil)
	if survivor.Phase != "failed" || survivor.Failure == nil || survivor.Failure.Step != "model" {
		t.Errorf("the survivor: %s %+v, a failure of step model wanted", survivor.Phase, survivor.Failure)
	}
	f.utility = f.start("utility")
	checkEnded(f, d, id)
}

// nodeDirEnv makes the test binary a node in a process of its own.
const nodeDirEnv = "TACIT_TEST_NODE_DIR"

// TestNodeProcess is no test: TestKilledWhileRunning runs it in a process that it can kill.
func TestNodeProcess(t *testing.T) {
	dir := os.Getenv(nodeDirEnv)
	if dir == "" {
		t.Skip("runs only in a process of its own, for TestKilledWhileRunning")
	}
	n, err := Open(t.Context(), Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stdout.WriteString("open\n"); err != nil {
		t.Fatal(err)
	}
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // until killed, or the parent is gone
	_ = n.Close()
}

// startProcess opens a closed node's directory in a process of its own.
func (f *federation) startProcess(dir string) *exec.Cmd {
	f.t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestNodeProcess$")
	cmd.Env = append(os.Environ(), nodeDirEnv+"="+dir)
	_, err := cmd.StdinPipe() // closes with this process
	f.ok(err)
	out, err := cmd.StdoutPipe()
	f.ok(err)
	f.ok(cmd.Start())
	f.t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); strings.TrimSpace(line) != "open" {
		f.t.Fatalf("the node in its own process did not open: %q %v", line, err)
	}
	return cmd
}

// TestKilledWhileRunning: a node whose process is killed in the middle of training. The survivor's job ends at once
// with PeerAborted and its receipts; the killed node's database verifies, and it ends the job when it opens.
func TestKilledWhileRunning(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process")
	}
	f := newFederation(t)
	d := f.deal("killed", bankSheet(300, 0), utilitySheet(300, 50))
	f.ok(f.utility.Close())
	process := f.startProcess(f.home("utility"))
	id := f.submit(d.spec(modelSpec, "max_iter: 2", endless))
	f.await(f.bank, id, moving("model"))
	f.ok(process.Process.Kill())
	_ = process.Wait()
	survivor := f.await(f.bank, id, nil)
	checkFailure(t, survivor, fault.PeerAborted)
	if survivor.Failure != nil && (survivor.Failure.Step != "model" || survivor.Failure.Culprit != "utility") {
		t.Errorf("failure %+v, step model and culprit utility wanted", survivor.Failure)
	}
	if len(survivor.Receipts) == 0 {
		t.Error("no receipts at the survivor")
	}
	if _, err := VerifyAuditOffline(t.Context(), f.home("utility")); err != nil {
		t.Errorf("the killed node's database: %v", err)
	}
	f.utility = f.start("utility")
	checkEnded(f, d, id)
}

// TestSilentPeer: a node whose process stands still without closing anything. The other waits for as long as its idle
// limit says and then ends the job, naming whom it waited for.
func TestSilentPeer(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process and waits")
	}
	f := newFederation(t, func(c *Config) { c.Idle = time.Second })
	d := f.deal("silent", bankSheet(300, 0), utilitySheet(300, 50))
	f.ok(f.utility.Close())
	process := f.startProcess(f.home("utility"))
	id := f.submit(d.spec(modelSpec, "max_iter: 2", endless))
	f.await(f.bank, id, moving("model"))
	f.ok(process.Process.Signal(syscall.SIGSTOP))
	v := f.await(f.bank, id, nil)
	checkFailure(t, v, fault.Timeout, "no progress for 1s", "utility")
	if v.Failure != nil && (v.Failure.Step != "model" || v.Failure.Culprit != "utility") {
		t.Errorf("failure %+v, step model and culprit utility wanted", v.Failure)
	}
	if got, want := d.settled(f.bank), (budget.Amounts{budget.Uses: 1, budget.Rows: 300}); got != want {
		t.Errorf("the bank was charged %v, want %v", got, want)
	}
}

// checkEnded checks what both parties know of a job that one of them left: its end, receipts of both with the same
// outcome, the charges of what had moved, and that they go on working.
func checkEnded(f *federation, d deal, id string) {
	f.t.Helper()
	for _, n := range []*Node{f.bank, f.utility} {
		v := f.await(n, id, nil)
		checkFailure(f.t, v, fault.PeerAborted)
		f.eventually("both parties' receipts", func() bool {
			v, err := n.Job(f.t.Context(), id)
			f.ok(err)
			return len(v.Receipts) == 2*len(v.Steps)
		})
		v, err := n.Job(f.t.Context(), id)
		f.ok(err)
		for _, r := range v.Receipts {
			want := map[string]meter.Outcome{"joined": meter.Done, "scaled": meter.Done, "model": meter.Aborted, "r-model": meter.Unused}[r.Receipt.Step]
			if r.Receipt.Outcome != want {
				f.t.Errorf("%s: receipt of %s for %s says %s, want %s", n.file.Party, r.Receipt.Party, r.Receipt.Step, r.Receipt.Outcome, want)
			}
		}
		if got, want := d.settled(n), (budget.Amounts{budget.Uses: 1, budget.Rows: 300}); got != want {
			f.t.Errorf("%s was charged %v, one use and its rows %v wanted", n.file.Party, got, want)
		}
	}
	f.succeed(d.spec(modelSpec))
}

// TestConnectionBreaks: the connection of the two parties breaks in the middle of training. Both end the job with the
// other as culprit, and settle their receipts once they are connected again.
func TestConnectionBreaks(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for a while")
	}
	f := newFederation(t)
	d := f.deal("cut", bankSheet(300, 0), utilitySheet(300, 50))
	id := f.submit(d.spec(modelSpec, "max_iter: 2", endless))
	f.await(f.bank, id, moving("model"))
	f.utility.link.Disconnect("bank") // the bank dials again
	for _, n := range []*Node{f.bank, f.utility} {
		v := f.await(n, id, nil)
		checkFailure(t, v, fault.PeerAborted)
		if v.Failure != nil && v.Failure.Step != "model" {
			t.Errorf("%s: failure %+v, step model wanted", n.file.Party, v.Failure)
		}
	}
	f.ok(f.utility.link.Connect("bank"))
	checkEnded(f, d, id)
}

// TestAbsentPeer: a job whose participant never answers ends with its name, and costs nothing.
func TestAbsentPeer(t *testing.T) {
	f := newFederation(t, func(c *Config) { c.Silence = 2 * time.Second })
	d := f.deal("absent", bankSheet(300, 0), utilitySheet(300, 50))
	f.ok(f.utility.Close())
	id := f.submit(d.spec(modelSpec))
	v := f.await(f.bank, id, nil)
	checkFailure(t, v, fault.PeerAborted, "nothing heard from the peer")
	if v.Failure != nil && v.Failure.Culprit != "utility" {
		t.Errorf("culprit %q, utility wanted", v.Failure.Culprit)
	}
	if got := d.settled(f.bank); got != (budget.Amounts{}) {
		t.Errorf("the bank was charged %v for a job that never began", got)
	}
}
