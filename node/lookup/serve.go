package lookup

import (
	"context"
	"io"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/direct"
)

// What the two sides call themselves towards each other.
const (
	holderName party.ID = "holder"
	clientName party.ID = "client"
)

// ServeConfig is what Serve works on.
type ServeConfig struct {
	Dir     string // as Publish left it
	Listen  string // host:port of the first client; the others' ports follow; port 0 takes free ones
	Address string // the host that clients dial, where it is not that of Listen
	Clients int    // how many clients, each with an invite of its own, 1 … MaxClients
	// Quota bounds the queries of each client over the epoch; 0: only the key's life does.
	Quota int64
	// Sessions ends Serve after so many answered sessions; 0: ctx does.
	Sessions int
	Workers  int
	Rand     io.Reader
	Now      func() time.Time
	// Invited is told each client's invite once it is listened for, before anybody is let in. fresh: nobody has used it.
	Invited func(client int, invite direct.Invite, fresh bool) error
	Refused func(client int, err error) // a connection that was not the client's; called concurrently
	Ended   func(Session)               // each session; called concurrently
}

// Session is what became of one connection of a client.
type Session struct {
	Client        int
	Queries       int // asked for
	Made          int // evaluations
	Fetched       bool
	Used, UsedAll int64 // of the client and of the key, in the epoch
	SentBytes     int64
	ReceivedBytes int64
	Took          time.Duration
	Err           error
}

// Serve lets clients in, each on a port of its own, until ctx ends. A session that fails is reported and ends nothing else.
//
// Errors: fault.NotFound (nothing published), fault.Exists (another process serves the directory), fault.Corrupt,
// fault.Unavailable (disk, port), fault.Canceled.
func Serve(ctx context.Context, c ServeConfig) error {
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Rand == nil || c.Now == nil || c.Invited == nil || c.Refused == nil || c.Ended == nil || c.Clients < 1 || c.Clients > MaxClients || c.Quota < 0 {
		return fault.New(fault.Invalid, "lookup.Serve", "1 to %d clients, no negative quota, and all of Rand, Now and the callbacks", MaxClients)
	}
	if _, err := currentEpoch(c.Dir); err != nil {
		return err
	}
	lock, err := take(c.Dir, serveLock, "serves")
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }() // the lock goes with it
	h := &holder{dir: c.Dir}
	defer h.close()
	e, err := h.acquire(ctx) // damage shows before anybody is invited
	if err != nil {
		return err
	}
	h.release(e)
	return (&server{ServeConfig: c, holder: h}).run(ctx)
}

type server struct {
	ServeConfig
	holder *holder
	done   atomic.Int64 // answered sessions
}

func (s *server) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	id, err := loadIdentity(filepath.Join(s.Dir, identityFile), s.Rand, s.Now())
	if err != nil {
		return err
	}
	clients, err := loadClients(s.Dir, s.Clients)
	if err != nil {
		return err
	}
	listeners := make([]*direct.Listener, len(clients))
	defer func() {
		for _, l := range listeners {
			if l != nil {
				_ = l.Close() // nobody is let in any more
			}
		}
	}()
	for i, c := range clients {
		if listeners[i], err = c.listen(s.ServeConfig, id); err != nil {
			return err
		}
		if err := s.Invited(int(c.number), c.invite, c.pin == direct.Pin{}); err != nil {
			return err
		}
	}
	g, gctx := errgroup.WithContext(ctx)
	for i, c := range clients {
		g.Go(func() error { return s.attend(gctx, stop, c, listeners[i]) })
	}
	err = g.Wait()
	if s.Sessions > 0 && s.done.Load() >= int64(s.Sessions) {
		return nil
	}
	return err
}

// attend serves one client, one connection after the other.
func (s *server) attend(ctx context.Context, stop func(), c *client, l *direct.Listener) error {
	for {
		conn, err := l.Accept(ctx)
		if err != nil {
			return err
		}
		started := s.Now()
		v := session{s: s, c: c, conn: conn, out: Session{Client: int(c.number)}}
		err = c.used(conn.PeerPin())
		if err == nil {
			err = v.run(ctx)
		}
		v.end(err)
		cost := conn.Cost()
		v.out.SentBytes, v.out.ReceivedBytes, v.out.Took, v.out.Err = cost.SentBytes, cost.RecvBytes, s.Now().Sub(started), err
		s.Ended(v.out)
		if err == nil && s.Sessions > 0 && s.done.Add(1) >= int64(s.Sessions) {
			stop()
			return nil
		}
	}
}

// end closes a connection so that the client learns what it can.
func (v *session) end(err error) {
	if err == nil || v.told || fault.CodeOf(err) == fault.PlanMismatch {
		_ = v.conn.Close() // in order: the client gets what was sent
		return
	}
	v.conn.Abort(fault.CodeOf(err))
}
