package psibench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
)

// Self is the command line of a party's process: this program, and the words that make it call Party.
type Self []string

// child is a party's process.
type child struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
	steps func(step) // what to do with the steps it says
	err   bytes.Buffer
}

// spawn starts a party's process and gives it its task.
func (s Self) spawn(ctx context.Context, t task, told func(step)) (*child, error) {
	const op = "psibench.spawn"
	c := &child{cmd: exec.CommandContext(ctx, s[0], s[1:]...), steps: told}
	threads := t.Spec.Threads
	if t.Spec.Core {
		threads *= 2 // each party has its own
	}
	c.cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(threads))
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

// hear reads a line of the child into v, and the steps that come before it.
func (c *child) hear(v any) error {
	for {
		var line json.RawMessage
		var s said
		err := next(c.lines, &line)
		if err == nil {
			err = json.Unmarshal(line, &s)
		}
		if err == nil && s.Step != nil {
			c.steps(*s.Step)
			continue
		}
		if err == nil {
			err = json.Unmarshal(line, v)
		}
		if err != nil {
			_ = c.in.Close()
			_ = c.cmd.Wait() // what it wrote to stderr says more
			return fault.Wrap(fault.Internal, "psibench.hear", err, "a party's process ended: %s", lastWords(c.err.String()))
		}
		return nil
	}
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
