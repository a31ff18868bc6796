package direct

import (
	"crypto/tls"
	"io"
	"net"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/protocols"
)

// BenchmarkThroughput compares one direction of a Conn with crypto/tls itself, both over loopback, in messages of 1 MiB and
// of 4 KiB.
func BenchmarkThroughput(b *testing.B) {
	for _, size := range []struct {
		name  string
		bytes int
	}{{"1MiB", protocols.MaxMessage}, {"4KiB", 4 << 10}} {
		msg := make([]byte, size.bytes)
		b.Run("conn/"+size.name, func(b *testing.B) {
			x, y := pair(b, patient("alice"), patient("bob"))
			oneWay(b, msg, func() error { return x.Send(b.Context(), msg) }, func() error { return second(y.Recv(b.Context())) })
		})
		b.Run("tls/"+size.name, func(b *testing.B) {
			x, y := rawTLSPair(b)
			got := make([]byte, len(msg))
			oneWay(b, msg, func() error { return second(x.Write(msg)) }, func() error { return second(io.ReadFull(y, got)) })
		})
	}
}

// oneWay moves b.N messages of msg's size.
func oneWay(b *testing.B, msg []byte, send, recv func() error) {
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	b.ResetTimer()
	var g errgroup.Group
	g.Go(func() error { return times(b.N, send) })
	g.Go(func() error { return times(b.N, recv) })
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
}

func times(n int, f func() error) error {
	for range n {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// rawTLSPair returns the two ends of a connection without hello and frames.
func rawTLSPair(b testing.TB) (x, y *tls.Conn) {
	b.Helper()
	id := identity(b)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var g errgroup.Group
	g.Go(func() error {
		raw, err := l.Accept()
		if err != nil {
			return err
		}
		x = tls.Server(raw, id.serverTLS())
		return x.Handshake()
	})
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	y = tls.Client(raw, id.clientTLS(id.Pin()))
	if err := y.Handshake(); err != nil {
		b.Fatal(err)
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = x.Close(); _ = y.Close() })
	return x, y
}
