package direct

import (
	"net"
	"sync/atomic"
	"time"
)

// socket is the TCP connection below TLS. It counts bytes, and once settled it gives each read and each write a deadline of its
// own, so that a deadline means no progress. TLS hands it records of at most 16 KiB.
type socket struct {
	net.Conn
	sent, recvd atomic.Int64
	idle, stall atomic.Int64 // of a read and of a write, in nanoseconds; 0: the deadline that was set
}

func newSocket(c net.Conn) *socket {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetNoDelay(true) // the default; small flights must not wait for an acknowledgement
	}
	return &socket{Conn: c}
}

// settle ends the handshake: from here on deadlines follow progress.
func (s *socket) settle(idle, stall time.Duration) error {
	s.idle.Store(int64(idle))
	s.stall.Store(int64(stall))
	return s.SetDeadline(time.Time{})
}

// hurry gives the write under way and all later ones d at most.
func (s *socket) hurry(d time.Duration) {
	s.stall.Store(int64(d))
	_ = s.SetWriteDeadline(time.Now().Add(d)) // of a closed connection: nothing to hurry
}

// Read implements net.Conn.
func (s *socket) Read(p []byte) (int, error) {
	if idle := time.Duration(s.idle.Load()); idle > 0 {
		if err := s.SetReadDeadline(time.Now().Add(idle)); err != nil {
			return 0, err
		}
	}
	n, err := s.Conn.Read(p)
	s.recvd.Add(int64(n))
	return n, err
}

// Write implements net.Conn.
func (s *socket) Write(p []byte) (int, error) {
	if stall := time.Duration(s.stall.Load()); stall > 0 {
		if err := s.SetWriteDeadline(time.Now().Add(stall)); err != nil {
			return 0, err
		}
	}
	n, err := s.Conn.Write(p)
	s.sent.Add(int64(n))
	return n, err
}

// CloseWrite ends this direction of TCP.
func (s *socket) CloseWrite() error {
	if h, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return nil
}
