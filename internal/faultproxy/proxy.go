// Package faultproxy is a TCP proxy in user space that makes loopback slow and unreliable: a rate and a delay, for
// measurements without root, and connections that break, fall silent or change a byte, for tests.
//
// The rate is that of a pair of parties: all connections of a proxy share it. TCP runs over loopback on either side, so that
// loss, slow start and congestion are not emulated; figures measured through a proxy are for a line of its own whose windows
// are open.
package faultproxy

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
)

// packetBytes is the most that is read at once: the grain of pacing, 0.5 ms at 1 Gbit/s.
const packetBytes = 64 << 10

// Direction is that of a stream of bytes through the proxy.
type Direction int

// The directions.
const (
	ToTarget Direction = iota
	FromTarget
)

// Proxy forwards connections to one target. It is safe for concurrent use.
type Proxy struct {
	target   string
	profile  Profile
	listener net.Listener
	ctx      context.Context
	stop     context.CancelFunc
	work     errgroup.Group
	lines    [2]*line
	carried  [2]atomic.Int64
	corrupt  [2]atomic.Int64 // the offset of the byte to change; negative: none
	silent   atomic.Bool

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// Listen forwards what connects to a free port of loopback to target, host:port, over a network of that profile.
//
// Errors: fault.Unavailable.
func Listen(target string, p Profile) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "faultproxy.Listen", err, "no port on loopback")
	}
	x := &Proxy{
		target: target, profile: p, listener: l, conns: map[net.Conn]bool{},
		lines: [2]*line{{profile: p}, {profile: p}},
	}
	x.corrupt[ToTarget].Store(-1)
	x.corrupt[FromTarget].Store(-1)
	x.ctx, x.stop = context.WithCancel(context.Background())
	x.work.Go(x.accept)
	return x, nil
}

// Addr returns the host:port to connect to.
func (x *Proxy) Addr() string { return x.listener.Addr().String() }

// Carried returns the bytes that have arrived in a direction, of all connections.
func (x *Proxy) Carried(d Direction) int64 { return x.carried[d].Load() }

// Drop resets all connections; new ones are let through.
func (x *Proxy) Drop() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for c := range x.conns {
		if t, ok := c.(*net.TCPConn); ok {
			_ = t.SetLinger(0) // a reset instead of an orderly end
		}
		_ = c.Close()
	}
}

// Blackhole makes the proxy swallow all bytes, of new connections too, without closing any, or ends that.
func (x *Proxy) Blackhole(on bool) { x.silent.Store(on) }

// Corrupt flips one bit of the byte at an offset of a direction, counted from the first byte that the proxy has carried in it.
func (x *Proxy) Corrupt(d Direction, offset int64) { x.corrupt[d].Store(offset) }

// Close ends everything and waits for it.
func (x *Proxy) Close() {
	x.stop()
	_ = x.listener.Close()
	x.Drop()
	_ = x.work.Wait() // the ends of connections are what it is for
}

func (x *Proxy) accept() error {
	for {
		c, err := x.listener.Accept()
		if err != nil {
			return err
		}
		x.work.Go(func() error { return x.serve(c) })
	}
}

// serve forwards one connection until both directions have ended.
func (x *Proxy) serve(from net.Conn) error {
	defer x.forget(from)
	if !x.keep(from) {
		return net.ErrClosed
	}
	var d net.Dialer
	to, err := d.DialContext(x.ctx, "tcp", x.target)
	if err != nil {
		return err
	}
	defer x.forget(to)
	if !x.keep(to) {
		return net.ErrClosed
	}
	var g errgroup.Group
	g.Go(func() error { return x.pump(from, to, ToTarget) })
	g.Go(func() error { return x.pump(to, from, FromTarget) })
	return g.Wait()
}

// keep remembers c for Drop, unless the proxy is closing.
func (x *Proxy) keep(c net.Conn) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.conns[c] = true
	return x.ctx.Err() == nil
}

func (x *Proxy) forget(c net.Conn) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.conns, c)
	_ = c.Close()
}

// pump carries one direction: its reader puts packets on the line, its writer delivers them when they are due. An end of one
// direction is passed on as such; an error ends the whole connection.
func (x *Proxy) pump(from, to net.Conn, d Direction) error {
	q := newQueue(x.profile.queueBytes())
	var g errgroup.Group
	g.Go(func() error {
		defer q.end()
		return x.read(from, q, d)
	})
	g.Go(func() error {
		defer q.drop()
		return x.write(to, q, d)
	})
	err := g.Wait()
	if err != nil {
		_ = from.Close()
		_ = to.Close()
	}
	return err
}

func (x *Proxy) read(from net.Conn, q *queue, d Direction) error {
	for {
		buf := make([]byte, packetBytes)
		n, err := from.Read(buf)
		if n > 0 && !x.silent.Load() {
			if !q.put(packet{buf[:n], x.lines[d].carry(n, time.Now())}) {
				return net.ErrClosed
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (x *Proxy) write(to net.Conn, q *queue, d Direction) error {
	for {
		p, ok := q.get()
		if !ok {
			break
		}
		if err := x.wait(p.due); err != nil {
			return err
		}
		if x.silent.Load() {
			continue
		}
		x.alter(p.data, d)
		if _, err := to.Write(p.data); err != nil {
			return err
		}
	}
	if h, ok := to.(*net.TCPConn); ok && !x.silent.Load() {
		return h.CloseWrite()
	}
	return nil
}

// alter counts data and changes the byte that Corrupt named, if it is among them.
func (x *Proxy) alter(data []byte, d Direction) {
	end := x.carried[d].Add(int64(len(data)))
	start := end - int64(len(data))
	if at := x.corrupt[d].Load(); at >= start && at < end {
		data[at-start] ^= 1
	}
}

func (x *Proxy) wait(due time.Time) error {
	d := time.Until(due)
	if d <= 0 {
		return x.ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-x.ctx.Done():
		return x.ctx.Err()
	}
}
