package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/node/rpc"
)

const (
	firstPort    = 7600
	startTimeout = 30 * time.Second
	stopTimeout  = 5 * time.Second
	maxReadyLine = 4096
)

// child is one node as a process of its own.
type child struct {
	party  party.ID
	dir    string
	cmd    *exec.Cmd
	done   chan struct{} // closed when the process has ended
	ready  ready
	client *rpc.Client
}

// ready is the line that `tacit serve` prints once it listens.
type ready struct {
	Kind  string `json:"kind"`
	Party string `json:"party"`
	Link  string `json:"link"`
	API   string `json:"api"`
}

// addresses chooses the ports of the i-th node: two from the demo's range where they are free, else the system's choice.
// A port that the user insists on is not checked here; the node that cannot have it says so.
func addresses(i, port int) node.InitOptions {
	base, insist := firstPort, port != 0
	if insist {
		base = port
	}
	pick := func(n int) string {
		a := net.JoinHostPort("127.0.0.1", strconv.Itoa(n))
		if insist {
			return a
		}
		l, err := net.Listen("tcp", a)
		if err != nil {
			return "127.0.0.1:0"
		}
		_ = l.Close()
		return a
	}
	return node.InitOptions{API: pick(base + 2*i), Listen: pick(base + 2*i + 1)}
}

// start makes a node's directory and runs it until stop.
func start(ctx context.Context, binary, dir string, id party.ID, o node.InitOptions) (*child, error) {
	if err := node.Init(dir, id, o); err != nil {
		return nil, err
	}
	logFile, err := os.OpenFile(filepath.Join(dir, "node.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "demo.start", err, "the log of %s cannot be written", id)
	}
	defer func() { _ = logFile.Close() }() // the child has its own descriptor
	c := &child{party: id, dir: dir, done: make(chan struct{}), cmd: exec.Command(binary, "serve", "--dir", dir)}
	c.cmd.Stderr = logFile
	c.cmd.SysProcAttr = childAttributes()
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "demo.start", err, "%s cannot be started", id)
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "demo.start", err, "%s cannot be started", id)
	}
	if err := c.await(ctx, out); err != nil {
		c.stop()
		return nil, err
	}
	if c.client, err = rpc.Dial(dir); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

// await reads the ready line; a node that ends instead has put its reason in its exit code and log.
func (c *child) await(ctx context.Context, out io.Reader) error {
	lines := make(chan []byte, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		b, err := bufio.NewReader(io.LimitReader(out, maxReadyLine)).ReadBytes('\n')
		if err == nil {
			lines <- b
		}
		_, _ = io.Copy(io.Discard, out) // the child must never block on its output
	})
	go func() {
		wg.Wait()
		_ = c.cmd.Wait()
		close(c.done)
	}()
	timer := time.NewTimer(startTimeout)
	defer timer.Stop()
	select {
	case b := <-lines:
		if err := json.Unmarshal(b, &c.ready); err != nil || c.ready.Kind != "ready" {
			return fault.New(fault.Internal, "demo.start", "%s printed no ready line", c.party)
		}
		return nil
	case <-c.done:
		return c.ended()
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fault.New(fault.Timeout, "demo.start", "%s is not ready after %s", c.party, startTimeout)
	}
}

// ended turns the exit of a node that should run into its error.
func (c *child) ended() error {
	code := fault.Internal
	if n := c.cmd.ProcessState.ExitCode(); n > 0 && n < 256 && fault.Code(n).Known() {
		code = fault.Code(n)
	}
	return fault.New(code, "demo.start", "%s did not start: %s", c.party, c.lastLog())
}

// lastLog is what the node said last: the cause of its error as the command line prints it.
func (c *child) lastLog() string {
	b, err := os.ReadFile(filepath.Join(c.dir, "node.log"))
	if err != nil {
		return "no log"
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	for _, l := range slices.Backward(lines) {
		if cause, ok := strings.CutPrefix(strings.TrimSpace(l), "cause "); ok {
			return strings.TrimSpace(cause)
		}
	}
	return lines[len(lines)-1]
}

// stop ends the node: politely, then not.
func (c *child) stop() {
	if c.client != nil {
		c.client.Close()
	}
	if c.cmd.Process == nil {
		return
	}
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(stopTimeout):
		_ = c.cmd.Process.Kill()
		<-c.done
	}
}

// fleet is the three nodes of the demo.
type fleet struct{ bank, utility, coordinator *child }

func (f *fleet) all() []*child { return []*child{f.bank, f.utility, f.coordinator} }

// launch starts the three nodes side by side.
func launch(ctx context.Context, o Options, dir string) (*fleet, error) {
	ids := []party.ID{"bank", "utility", "coordinator"}
	children, errs := make([]*child, len(ids)), make([]error, len(ids))
	var wg sync.WaitGroup
	for i, id := range ids {
		at := addresses(i, o.Port)
		wg.Go(func() { children[i], errs[i] = start(ctx, o.Binary, filepath.Join(dir, string(id)), id, at) })
	}
	wg.Wait()
	f := &fleet{bank: children[0], utility: children[1], coordinator: children[2]}
	if err := errors.Join(errs...); err != nil {
		f.stop()
		for _, e := range errs { // one cause, with its code, reads better than three
			if e != nil {
				return nil, e
			}
		}
	}
	return f, nil
}

func (f *fleet) stop() {
	var wg sync.WaitGroup
	for _, c := range f.all() {
		if c != nil {
			wg.Go(c.stop)
		}
	}
	wg.Wait()
}
