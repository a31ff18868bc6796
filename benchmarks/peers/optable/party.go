package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/optable/match/pkg/psi"
)

// header is the first line of a file.
const header = "id"

// run is one repeat.
type run struct {
	wall, cpu float64
	bytes     int64
	rss       int64
	matches   []string
}

// report is what a process says in the end, after a line that says that it is ready, with its address.
type report struct {
	Bytes   int64    `json:"bytes"` // received
	CPU     float64  `json:"cpu"`
	RSS     int64    `json:"rss"`
	Matches []string `json:"matches"`
}

// once runs both processes. The clock starts when both are ready, as in tacit bench.
func once(o options) (run, error) {
	self, err := os.Executable()
	if err != nil {
		return run{}, err
	}
	out, err := os.CreateTemp("", "optable-")
	if err != nil {
		return run{}, err
	}
	defer func() { _ = os.Remove(out.Name()) }()
	start := func(role string) (*exec.Cmd, *bufio.Reader, *bufio.Writer, error) {
		cmd := exec.Command(self, "-role", role, "-proto", o.Proto, "-receiver", o.Receiver, "-sender", o.Sender,
			"-nodelay="+strconv.FormatBool(o.NoDelay))
		cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(o.Threads))
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			return nil, nil, nil, err
		}
		said, err := cmd.StdoutPipe()
		if err != nil {
			return nil, nil, nil, err
		}
		return cmd, bufio.NewReader(said), bufio.NewWriter(in), cmd.Start()
	}
	receiver, fromReceiver, toReceiver, err := start("receiver")
	if err != nil {
		return run{}, err
	}
	defer stop(receiver)
	sender, fromSender, toSender, err := start("sender")
	if err != nil {
		return run{}, err
	}
	defer stop(sender)
	address, err := fromReceiver.ReadString('\n')
	if err != nil {
		return run{}, err
	}
	if _, err := fromSender.ReadString('\n'); err != nil {
		return run{}, err
	}
	began := time.Now()
	for _, w := range []*bufio.Writer{toReceiver, toSender} {
		_, _ = w.WriteString(address) // Flush has the error
		if err := w.Flush(); err != nil {
			return run{}, err
		}
	}
	var r, s report
	if err := json.NewDecoder(fromSender).Decode(&s); err != nil {
		return run{}, fmt.Errorf("the sender: %w", err)
	}
	if err := json.NewDecoder(fromReceiver).Decode(&r); err != nil {
		return run{}, fmt.Errorf("the receiver: %w", err)
	}
	return run{time.Since(began).Seconds(), r.CPU + s.CPU, r.Bytes + s.Bytes, max(r.RSS, s.RSS), r.Matches}, nil
}

func stop(cmd *exec.Cmd) {
	_ = cmd.Process.Kill() // after its report it has nothing to do
	_ = cmd.Wait()
}

// play is one process of a run.
func play(o options, role string) error {
	kind := map[string]psi.Protocol{"dhpsi": psi.ProtocolDHPSI, "kkrt": psi.ProtocolKKRTPSI}[o.Proto]
	in := bufio.NewReader(os.Stdin)
	var c net.Conn
	var l net.Listener
	var err error
	if role == "receiver" {
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
		fmt.Println(l.Addr())
	} else {
		fmt.Println("ready")
	}
	address, err := in.ReadString('\n')
	if err != nil {
		return err
	}
	used := cpu()
	path := o.Sender
	if l != nil {
		path = o.Receiver
	}
	n, err := count(path)
	if err != nil {
		return err
	}
	if l != nil {
		c, err = l.Accept()
	} else {
		c, err = net.Dial("tcp", strings.TrimSpace(address))
	}
	if err != nil {
		return err
	}
	if t, ok := c.(*net.TCPConn); !ok || t.SetNoDelay(o.NoDelay) != nil {
		return errors.New("no TCP connection")
	}
	counted := &counting{Conn: c}
	ids, failed := stream(path)
	var matches [][]byte
	if l != nil {
		r, err := psi.NewReceiver(kind, counted)
		if err != nil {
			return err
		}
		if matches, err = r.Intersect(context.Background(), n, ids); err != nil {
			return err
		}
	} else {
		s, err := psi.NewSender(kind, counted)
		if err != nil {
			return err
		}
		if err := s.Send(context.Background(), n, ids); err != nil {
			return err
		}
	}
	if err := <-failed; err != nil {
		return err
	}
	r := report{Bytes: counted.bytes, CPU: cpu() - used, RSS: peak()}
	for _, m := range matches {
		r.Matches = append(r.Matches, string(m))
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// counting counts what is received.
type counting struct {
	net.Conn
	bytes int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.bytes += int64(n)
	return n, err
}

// count returns the number of keys of a file.
func count(path string) (int64, error) {
	n := int64(-1) // the header
	err := lines(path, func([]byte) { n++ })
	return n, err
}

// stream sends the keys of a file.
func stream(path string) (<-chan []byte, <-chan error) {
	ids, failed := make(chan []byte), make(chan error, 1)
	go func() {
		defer close(ids)
		first := true
		failed <- lines(path, func(line []byte) {
			if !first {
				ids <- append([]byte(nil), line...)
			}
			first = false
		})
	}()
	return ids, failed
}

func lines(path string, each func([]byte)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // reading: nothing to lose
	s := bufio.NewScanner(f)
	for s.Scan() {
		each(s.Bytes())
	}
	return s.Err()
}

func cpu() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0 // unreachable: the arguments are right
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// peak is VmHWM: what getrusage says includes the parent's memory at the fork.
func peak() int64 {
	b, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(b), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			return kb << 10
		}
	}
	return 0
}
