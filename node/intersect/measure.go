package intersect

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"math/bits"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/psi"
)

// sampleTime is about how long the larger of the two runs of a measurement takes on a typical machine.
const sampleTime = 25 * time.Millisecond

// samples returns the sizes of the two runs that a rate is fitted to.
func samples(typical rate) (small, large int) {
	if typical.run > 0 {
		return 1 << 12, 1 << 16 // the cost of an item must stand out from that of the run
	}
	n := max(sampleTime/(4*typical.item), 128)
	large = 1 << (bits.Len64(uint64(n)) - 1)
	return large / 8, large
}

// measure runs a method on this machine, both parties in this process, and fits its rate.
func measure(ctx context.Context, m psi.Method, s psi.Suite, malicious bool) (rate, error) {
	n, large := samples(typicalRate(m, s))
	var small, whole time.Duration
	for _, run := range []struct {
		n    int
		took *time.Duration
	}{{n, &small}, {n, &small}, {large, &whole}} { // the first warms up
		var err error
		if *run.took, err = sample(ctx, m, s, malicious, run.n); err != nil {
			return rate{}, err
		}
	}
	// Each party spends half, on the items of both.
	item := max(whole-small, 0) / time.Duration(large-n) / 4
	return rate{run: max(small/2-time.Duration(2*n)*item, 0), item: max(item, 1)}, nil
}

// sample is the CPU time of one run of n against n items.
func sample(ctx context.Context, m psi.Method, s psi.Suite, malicious bool, n int) (time.Duration, error) {
	p, err := psi.NewParams(psi.ParamsLiteral{
		Method: m, Suite: s, Output: psi.OutputBoth, Malicious: malicious, SSP: psi.MinSSP, ReceiverItems: n, SenderItems: n, Exact: true,
	})
	if err != nil {
		return 0, err
	}
	items := make([]psi.Item, n)
	for i := range items {
		items[i] = psi.ItemOf([32]byte{}, [32]byte(binary.BigEndian.AppendUint64(make([]byte, 24), uint64(i))))
	}
	const recv, send party.ID = "receiver", "sender"
	there, back := make(chan []byte, 32), make(chan []byte, 32)
	session := func(self, peer party.ID) protocols.Session {
		return protocols.Session{Self: self, Peers: []party.ID{peer}, Rand: rand.Reader, Workers: 1}
	}
	before := cpuTime()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		_, err := psi.Receive(gctx, session(recv, send), memoryConn{send, there, back}, items, p)
		return err
	})
	g.Go(func() error {
		_, err := psi.Send(gctx, session(send, recv), memoryConn{recv, back, there}, items, p)
		return err
	})
	err = g.Wait()
	return cpuTime() - before, err
}

// cpuTime is what this process has used.
func cpuTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// memoryConn is one end of a connection within this process.
type memoryConn struct {
	peer party.ID
	out  chan<- []byte
	in   <-chan []byte
}

// Peer implements protocols.Conn.
func (c memoryConn) Peer() party.ID { return c.peer }

// Send implements protocols.Conn.
func (c memoryConn) Send(ctx context.Context, msg []byte) error {
	select {
	case <-ctx.Done():
		return fault.Wrap(fault.CodeOf(ctx.Err()), "intersect.Send", ctx.Err(), "stopped")
	case c.out <- append([]byte(nil), msg...):
		return nil
	}
}

// Recv implements protocols.Conn.
func (c memoryConn) Recv(ctx context.Context) ([]byte, error) {
	select {
	case <-ctx.Done():
		return nil, fault.Wrap(fault.CodeOf(ctx.Err()), "intersect.Recv", ctx.Err(), "stopped")
	case msg := <-c.in:
		return msg, nil
	}
}
