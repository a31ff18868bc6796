package psibench

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"time"

	apiparty "github.com/tacit-data/tacit/api/party"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

// The parties of a run.
const (
	receiverID apiparty.ID = "receiver"
	senderID   apiparty.ID = "sender"
)

// task is what a party's process is told, in its first line.
type task struct {
	Spec     Spec     `json:"spec"`
	Receiver bool     `json:"receiver"` // the one who listens
	Binding  [32]byte `json:"binding"`
	Keys     string   `json:"keys"` // the file to read
	Rows     string   `json:"rows"` // the file to write
	Setup    bool     `json:"setup"`
	// The parties' directories for what the set-up leaves; empty: there is none.
	KeptReceiver string `json:"kept_receiver,omitempty"`
	KeptSender   string `json:"kept_sender,omitempty"`
}

// hail is what a listener says once it listens, and what the dialer is told in its second line, which is the start signal too.
type hail struct {
	Address string `json:"address"`
	Invite  string `json:"invite"` // empty without TLS
}

// report is what a party's process says in the end.
type report struct {
	Failed      string  `json:"failed,omitempty"`
	ReadSeconds float64 `json:"read_seconds"`
	CPUSeconds  float64 `json:"cpu_seconds"`
	Sent        int64   `json:"sent"`
	Recvd       int64   `json:"recvd"`
	WireSent    int64   `json:"wire_sent"`
	WireRecvd   int64   `json:"wire_recvd"`
	Rounds      int     `json:"rounds"`
	PeakRSS     int64   `json:"peak_rss_bytes"`
	Core        *Run    `json:"core,omitempty"` // of a process that is both parties
}

// maxLineBytes bounds a line between the parent and a party.
const maxLineBytes = 64 << 10

// Party is one party's process: it reads its task from in, says a hail when it is ready, waits for the parent's and says a
// report. A failure is part of the report.
func Party(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, maxLineBytes), maxLineBytes)
	var t task
	if err := next(lines, &t); err != nil {
		return err
	}
	limitMemory(t.Spec.Memory)
	var r report
	var err error
	if t.Spec.Core {
		r, err = runCore(ctx, t, out)
	} else {
		r, err = t.run(ctx, lines, out)
	}
	if err != nil {
		r.Failed = fault.CodeOf(err).String() + ": " + fault.ReasonOf(err)
	}
	return say(out, r)
}

func next(lines *bufio.Scanner, v any) error {
	const op = "psibench.Party"
	if !lines.Scan() {
		return fault.New(fault.Unavailable, op, "the other process says nothing more")
	}
	return fault.Wrap(fault.Invalid, op, json.Unmarshal(lines.Bytes(), v), "a line that is no JSON")
}

func say(w io.Writer, v any) error {
	return fault.Wrap(fault.Unavailable, "psibench.Party", json.NewEncoder(w).Encode(v), "the parent is gone")
}

// run is a party from its start signal on.
func (t task) run(ctx context.Context, lines *bufio.Scanner, out io.Writer) (r report, err error) {
	connect, own, err := t.prepare()
	if err != nil {
		return r, err
	}
	if err := say(out, own); err != nil {
		return r, err
	}
	var theirs hail
	if err := next(lines, &theirs); err != nil {
		return r, err
	}
	began, used := time.Now(), cpuTime()
	pl, err := t.ready(ctx, out)
	if err != nil {
		return r, err
	}
	r.ReadSeconds = time.Since(began).Seconds()
	conn, err := connect(ctx, theirs)
	if err != nil {
		return r, err
	}
	pl.conn = conn
	rows, err := t.play(ctx, pl)
	if err != nil {
		conn.Abort(fault.CodeOf(err))
		return r, err
	}
	if err := conn.Close(); err != nil {
		return r, err
	}
	if err := writeRows(t.Rows, rows); err != nil {
		return r, err
	}
	c := conn.Cost()
	r.Sent, r.Recvd, r.Rounds = c.SentBytes, c.RecvBytes, c.Rounds
	r.WireSent, r.WireRecvd = conn.WireBytes()
	r.CPUSeconds, r.PeakRSS = (cpuTime() - used).Seconds(), peakRSS()
	return r, nil
}

// ready is what a party does before it connects: it reads its keys, and in a set-up the sender works on them.
func (t task) ready(ctx context.Context, out io.Writer) (party, error) {
	p, err := protocolNamed(t.Spec.Protocol)
	if err != nil {
		return party{}, err
	}
	pl := t.party(t.Receiver)
	if t.Setup != t.Receiver { // of a set-up the sender's work is shown, of a run the receiver's
		pl.progress = steps(out)
	}
	if p.needsKeys(t) {
		size := t.Spec.M
		if t.Receiver {
			size = t.Spec.N
		}
		if pl.items, err = readKeys(ctx, t.Keys, size, p.itemOf(t.Binding)); err != nil {
			return party{}, err
		}
	}
	if t.Setup && !t.Receiver {
		err = p.setup.build(ctx, pl)
		pl.items = nil
	}
	return pl, err
}

// party is one side of the task, without items and connection.
func (t task) party(receiver bool) party {
	kept := t.KeptSender
	if receiver {
		kept = t.KeptReceiver
	}
	return party{spec: t.Spec, receiver: receiver, session: session(receiver, t.Binding, t.Spec.Threads), kept: kept}
}

// play runs the protocol.
func (t task) play(ctx context.Context, pl party) ([]int32, error) {
	p, err := protocolNamed(t.Spec.Protocol)
	if err != nil {
		return nil, err
	}
	if t.Setup {
		return nil, p.setup.hand(ctx, pl)
	}
	return p.run(ctx, pl)
}

func session(receiver bool, binding [32]byte, workers int) protocols.Session {
	self, peer := senderID, receiverID
	if receiver {
		self, peer = peer, self
	}
	return protocols.Session{Binding: binding, Self: self, Peers: []apiparty.ID{peer}, Rand: rand.Reader, Workers: workers}
}
