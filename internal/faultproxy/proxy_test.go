package faultproxy

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
)

// echo answers every connection with what it sends, until the test ends.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var g errgroup.Group
	g.Go(func() error {
		for {
			c, err := l.Accept()
			if err != nil {
				return nil
			}
			g.Go(func() error {
				_, _ = io.Copy(c, c)
				return c.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		_ = g.Wait()
	})
	return l.Addr().String()
}

func through(t *testing.T, p Profile) (*Proxy, *net.TCPConn) {
	t.Helper()
	target := echo(t)
	x, err := Listen(target, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	c, err := net.Dial("tcp", x.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return x, c.(*net.TCPConn)
}

func TestEverythingArrives(t *testing.T) {
	for _, p := range []Profile{{}, {"fast", 1e9, 2 * time.Millisecond}} {
		t.Run(p.Name, func(t *testing.T) {
			x, c := through(t, p)
			want := make([]byte, 3<<20+1)
			_, _ = rand.Read(want)
			var g errgroup.Group
			g.Go(func() error {
				if _, err := c.Write(want); err != nil {
					return err
				}
				return c.CloseWrite()
			})
			got, err := io.ReadAll(c)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes of %d, %v", len(got), len(want), err)
			}
			if err := g.Wait(); err != nil {
				t.Error(err)
			}
			if up, down := x.Carried(ToTarget), x.Carried(FromTarget); up != int64(len(want)) || down != up {
				t.Errorf("carried %d and %d bytes", up, down)
			}
		})
	}
}

// TestArithmetic: a line delivers at its rate, its delay later, and idle time is not saved up.
func TestArithmetic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := line{profile: Profile{"", 8_000_000, 20 * time.Millisecond}} // 1 byte per µs
		began := time.Now()
		for _, c := range []struct {
			pause time.Duration
			bytes int
			want  time.Duration // after began
		}{
			{0, 1000, 11 * time.Millisecond},
			{0, 1000, 12 * time.Millisecond},
			{time.Second, 500, time.Second + 10500*time.Microsecond},
			{100 * time.Microsecond, 500, time.Second + 11*time.Millisecond},
		} {
			time.Sleep(c.pause)
			if got := l.carry(c.bytes, time.Now()).Sub(began); got != c.want {
				t.Errorf("%d bytes after %s arrive at %s, want %s", c.bytes, c.pause, got, c.want)
			}
		}
	})
}

// TestDelayAndRate: never faster than the profile says. Slower is the machine's load, so there is no upper bound.
func TestDelayAndRate(t *testing.T) {
	const size = 1 << 20
	p := Profile{"", 8 * 8 << 20, 20 * time.Millisecond} // 8 MiB/s: 125 ms for the bytes, and a round trip
	_, c := through(t, p)
	began := time.Now()
	var g errgroup.Group
	g.Go(func() error {
		_, err := c.Write(make([]byte, size))
		return err
	})
	if _, err := io.ReadFull(c, make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < p.transmit(size)+p.RoundTrip {
		t.Errorf("took %s, the profile allows %s", took, p.transmit(size)+p.RoundTrip)
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

func TestDrop(t *testing.T) {
	x, c := through(t, Profile{})
	ping(t, c)
	x.Drop()
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("the connection ended with %v, not with a reset", err)
	}
	again, err := net.Dial("tcp", x.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	ping(t, again)
}

func ping(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := c.Write([]byte{7}); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 1)
	if _, err := io.ReadFull(c, got); err != nil || got[0] != 7 {
		t.Fatalf("echo %v, %v", got, err)
	}
}

func TestBlackhole(t *testing.T) {
	x, c := through(t, Profile{})
	ping(t, c)
	x.Blackhole(true)
	if _, err := c.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a silent connection: %v", err)
	}
	x.Blackhole(false)
	_ = c.SetReadDeadline(time.Time{})
	ping(t, c)
}

func TestCorrupt(t *testing.T) {
	x, c := through(t, Profile{})
	x.Corrupt(ToTarget, 5)
	sent := make([]byte, 10)
	if _, err := c.Write(sent); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 10)
	if _, err := io.ReadFull(c, got); err != nil {
		t.Fatal(err)
	}
	if want := []byte{0, 0, 0, 0, 0, 1, 0, 0, 0, 0}; !bytes.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestNobodyBehind(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target := l.Addr().String()
	_ = l.Close()
	x, err := Listen(target, Profile{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	c, err := net.Dial("tcp", x.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("a connection to nobody answers")
	}
}

func TestNamed(t *testing.T) {
	for _, p := range Profiles() {
		if got, err := Named(p.Name); err != nil || got != p {
			t.Errorf("%s: %+v, %v", p.Name, got, err)
		}
	}
	if _, err := Named("moon"); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("an unknown network: %v", err)
	}
}
