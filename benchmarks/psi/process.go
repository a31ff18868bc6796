package psibench

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net"
	"time"

	apiparty "github.com/tacit-data/tacit/api/party"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node/direct"
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
	var r report
	var err error
	if t.Spec.Core {
		r, err = runCore(ctx, t)
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
	keys, err := readKeys(ctx, t.Keys)
	if err != nil {
		return r, err
	}
	r.ReadSeconds = time.Since(began).Seconds()
	conn, err := connect(ctx, theirs)
	if err != nil {
		return r, err
	}
	rows, err := t.play(ctx, conn, keys)
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

// play runs the protocol.
func (t task) play(ctx context.Context, conn protocols.Conn, keys [][32]byte) ([]int32, error) {
	p, err := protocolNamed(t.Spec.Protocol)
	if err != nil {
		return nil, err
	}
	return p.run(ctx, party{
		spec: t.Spec, receiver: t.Receiver, conn: conn, keys: keys,
		session: session(t.Receiver, t.Binding, t.Spec.Threads),
	})
}

func session(receiver bool, binding [32]byte, workers int) protocols.Session {
	self, peer := senderID, receiverID
	if receiver {
		self, peer = peer, self
	}
	return protocols.Session{Binding: binding, Self: self, Peers: []apiparty.ID{peer}, Rand: rand.Reader, Workers: workers}
}

// connector makes a party's connection out of the other's hail.
type connector func(ctx context.Context, theirs hail) (*direct.Conn, error)

// prepare listens, or gets ready to dial.
func (t task) prepare() (connector, hail, error) {
	cfg := direct.Config{Self: senderID, Peer: receiverID}
	if t.Receiver {
		cfg.Self, cfg.Peer = cfg.Peer, cfg.Self
	}
	switch {
	case t.Receiver && t.Spec.TLS == TLS:
		return listenTLS(cfg)
	case t.Receiver:
		return listenPlain(cfg)
	case t.Spec.TLS == TLS:
		return dialTLS(cfg)
	}
	return dialPlain(cfg), hail{}, nil
}

func listenTLS(cfg direct.Config) (connector, hail, error) {
	id, err := direct.NewIdentity(rand.Reader, time.Now())
	if err != nil {
		return nil, hail{}, err
	}
	l, err := direct.Listen("127.0.0.1:0", id, cfg, direct.ListenOptions{Rand: rand.Reader})
	if err != nil {
		return nil, hail{}, err
	}
	v, err := l.Invite(l.Addr())
	if err != nil {
		return nil, hail{}, err
	}
	accept := func(ctx context.Context, _ hail) (*direct.Conn, error) {
		defer func() { _ = l.Close() }() // one connection is all
		return l.Accept(ctx)
	}
	return accept, hail{Address: l.Addr(), Invite: v.TextInsecure()}, nil
}

func dialTLS(cfg direct.Config) (connector, hail, error) {
	id, err := direct.NewIdentity(rand.Reader, time.Now())
	if err != nil {
		return nil, hail{}, err
	}
	return func(ctx context.Context, theirs hail) (*direct.Conn, error) {
		v, err := direct.ParseInvite(theirs.Invite)
		if err == nil {
			v, err = v.At(theirs.Address)
		}
		if err != nil {
			return nil, err
		}
		cfg.Handshake = dialLimit // the other party may still be reading
		return direct.Dial(ctx, v, id, cfg)
	}, hail{}, nil
}

// dialLimit is how long a party waits for one that reads its file.
const dialLimit = 10 * time.Minute

func listenPlain(cfg direct.Config) (connector, hail, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, hail{}, fault.Wrap(fault.Unavailable, "psibench.Party", err, "no port on loopback")
	}
	return func(context.Context, hail) (*direct.Conn, error) {
		defer func() { _ = l.Close() }() // one connection is all
		raw, err := l.Accept()
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, "psibench.Party", err, "nobody connects")
		}
		return direct.PlainInsecure(raw, senderID, cfg)
	}, hail{Address: l.Addr().String()}, nil
}

func dialPlain(cfg direct.Config) connector {
	return func(ctx context.Context, theirs hail) (*direct.Conn, error) {
		var d net.Dialer
		raw, err := d.DialContext(ctx, "tcp", theirs.Address)
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, "psibench.Party", err, "nobody listens")
		}
		return direct.PlainInsecure(raw, receiverID, cfg)
	}
}
