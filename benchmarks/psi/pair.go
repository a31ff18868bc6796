package psibench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/faultproxy"
)

// Self is the command line of a party's process: this program, and the words that make it call Party.
type Self []string

// child is a party's process.
type child struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
	err   bytes.Buffer
}

// spawn starts a party's process and gives it its task.
func (s Self) spawn(ctx context.Context, t task) (*child, error) {
	const op = "psibench.spawn"
	c := &child{cmd: exec.CommandContext(ctx, s[0], s[1:]...)}
	c.cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(t.Spec.Threads))
	c.cmd.Stderr = &c.err
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err, "no pipe to a party's process")
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err, "no pipe from a party's process")
	}
	c.lines = bufio.NewScanner(out)
	c.lines.Buffer(make([]byte, 0, maxLineBytes), maxLineBytes)
	if err := c.cmd.Start(); err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err, "a party's process does not start")
	}
	return c, json.NewEncoder(c.in).Encode(t)
}

// hear reads a line of the child into v.
func (c *child) hear(v any) error {
	if err := next(c.lines, v); err != nil {
		_ = c.in.Close()
		_ = c.cmd.Wait() // what it wrote to stderr says more
		return fault.Wrap(fault.Internal, "psibench.hear", err, "a party's process ended: %s", lastWords(c.err.String()))
	}
	return nil
}

func lastWords(s string) string {
	const most = 400
	s = strings.TrimSpace(s)
	return s[max(0, len(s)-most):]
}

// stop ends the child and waits for it.
func (c *child) stop() {
	_ = c.in.Close()
	_ = c.cmd.Process.Kill() // after its report it has nothing to do
	_ = c.cmd.Wait()
}

// files are those of one Spec, made once for all repeats.
type files struct{ dir string }

func (f files) keys(receiver bool) string { return filepath.Join(f.dir, name(receiver)+".csv") }
func (f files) rows(receiver bool) string { return filepath.Join(f.dir, name(receiver)+".rows") }

func name(receiver bool) string {
	if receiver {
		return string(receiverID)
	}
	return string(senderID)
}

// WriteKeys writes receiver.csv and sender.csv, the files of a run, into a directory that exists.
//
// Errors: fault.Invalid (fewer than 2 keys), fault.LimitExceeded (MaxItems), fault.Unavailable (disk).
func (s Spec) WriteKeys(dir string) error {
	if err := s.checkSizes(); err != nil {
		return err
	}
	f := files{dir}
	r, d := s.sides()
	if err := r.write(f.keys(true)); err != nil {
		return err
	}
	return d.write(f.keys(false))
}

// once is one repeat.
func (s Self) once(ctx context.Context, spec Spec, f files) (Run, error) {
	t := task{Spec: spec, Keys: f.keys(false), Rows: f.rows(false)}
	if _, err := rand.Read(t.Binding[:]); err != nil {
		return Run{}, fault.Wrap(fault.Unavailable, "psibench.once", err, "no randomness")
	}
	if spec.Core {
		return s.onceCore(ctx, t)
	}
	sender, err := s.spawn(ctx, t)
	if err != nil {
		return Run{}, err
	}
	defer sender.stop()
	t.Receiver, t.Keys, t.Rows = true, f.keys(true), f.rows(true)
	receiver, err := s.spawn(ctx, t)
	if err != nil {
		return Run{}, err
	}
	defer receiver.stop()
	return between(receiver, sender, spec, f)
}

// between runs two processes that are ready through the network of spec.
func between(receiver, sender *child, spec Spec, f files) (Run, error) {
	const op = "psibench.between"
	var h, none hail
	if err := sender.hear(&none); err != nil {
		return Run{}, err
	}
	if err := receiver.hear(&h); err != nil {
		return Run{}, err
	}
	profile, err := faultproxy.Named(spec.Net)
	if err != nil {
		return Run{}, err
	}
	if profile.BitsPerSecond > 0 {
		x, err := faultproxy.Listen(h.Address, profile)
		if err != nil {
			return Run{}, err
		}
		defer x.Close()
		h.Address = x.Addr()
	}
	began := time.Now()
	var r, d report
	var g errgroup.Group
	for _, side := range []struct {
		c   *child
		out *report
	}{{receiver, &r}, {sender, &d}} {
		g.Go(func() error {
			if err := json.NewEncoder(side.c.in).Encode(h); err != nil {
				return fault.Wrap(fault.Internal, op, err, "a party's process is gone")
			}
			return side.c.hear(side.out)
		})
	}
	if err := g.Wait(); err != nil {
		return Run{}, err
	}
	if r.Failed != "" || d.Failed != "" {
		return Run{}, fault.New(fault.Internal, op, "the run failed; receiver: %q, sender: %q", r.Failed, d.Failed)
	}
	out := Run{
		WallSeconds: time.Since(began).Seconds(), CPUSeconds: r.CPUSeconds + d.CPUSeconds,
		BytesSent: r.Sent + d.Sent, WireBytes: r.WireSent + d.WireSent, Rounds: max(r.Rounds, d.Rounds),
		PeakRSS: max(r.PeakRSS, d.PeakRSS), ReadSeconds: max(r.ReadSeconds, d.ReadSeconds),
	}
	return out, check(spec, f, r, d, &out)
}

// check fills in what was found, and fails unless it is right.
func check(spec Spec, f files, r, d report, out *Run) error {
	most := min(spec.N, spec.M)
	recv, err := readRows(f.rows(true), most)
	if err != nil {
		return err
	}
	send, err := readRows(f.rows(false), most)
	if err != nil {
		return err
	}
	if err := spec.verify(recv, send); err != nil {
		return err
	}
	if err := spec.verifyCost(r.Sent, r.Recvd, r.Rounds); err != nil {
		return err
	}
	out.Matches, out.Correct = len(recv), r.Sent == d.Recvd && d.Sent == r.Recvd
	return nil
}

// verifyCost compares what the receiver counted with what the protocol declares.
func (s Spec) verifyCost(sent, recvd int64, rounds int) error {
	p, err := protocolNamed(s.Protocol)
	if err != nil || p.cost == nil {
		return err
	}
	want, err := p.cost(s)
	if err != nil {
		return err
	}
	if sent != want.SentBytes || recvd != want.RecvBytes || rounds != want.Rounds {
		return fault.New(fault.Internal, "psibench.verifyCost", "the receiver sent %d and received %d bytes in %d rounds, Cost says %+v",
			sent, recvd, rounds, want)
	}
	return nil
}

// onceCore is one repeat of a core run.
func (s Self) onceCore(ctx context.Context, t task) (Run, error) {
	c, err := s.spawn(ctx, t)
	if err != nil {
		return Run{}, err
	}
	defer c.stop()
	var r report
	if err := c.hear(&r); err != nil {
		return Run{}, err
	}
	if r.Failed != "" || r.Core == nil {
		return Run{}, fault.New(fault.Internal, "psibench.core", "the run failed: %q", r.Failed)
	}
	return *r.Core, nil
}
