package node

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/hex"
	"log/slog"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/coordinator"
	"github.com/tacit-data/tacit/node/exec"
	"github.com/tacit-data/tacit/node/identity"
	"github.com/tacit-data/tacit/node/link"
	"github.com/tacit-data/tacit/node/store"
)

// Node is a running node. Close stops it; all other methods are safe for concurrent use.
type Node struct {
	cfg     Config
	file    File
	keys    *identity.Keys
	pins    *identity.Pins
	inviter *identity.Inviter
	db      *store.DB
	link    *link.Link
	jobs    *coordinator.Service
	engine  *exec.Engine
	token   [sha256.Size]byte // digest of the API token

	stop context.CancelFunc // ends maintenance
	wg   sync.WaitGroup
}

// Open starts the node in cfg.Dir: it verifies its log, listens, and connects to its peers.
//
// Errors: fault.NotFound (no node there), fault.Corrupt (database or log), fault.Unauthenticated (loose key files),
// fault.Unavailable (a port is taken).
func Open(ctx context.Context, cfg Config) (*Node, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Silence == 0 {
		cfg.Silence = defaultSilence
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	file, err := ReadFile(cfg.Dir)
	if err != nil {
		return nil, err
	}
	if cfg.Listen == "" {
		cfg.Listen = file.Listen
	}
	if cfg.API == "" {
		cfg.API = file.API
	}
	n := &Node{cfg: cfg, file: file}
	if err := n.open(ctx); err != nil {
		_ = n.Close() // the first error is the one to report
		return nil, err
	}
	return n, nil
}

func (n *Node) open(ctx context.Context) error {
	token, err := APIToken(n.cfg.Dir)
	if err != nil {
		return err
	}
	n.token = sha256.Sum256([]byte(token))
	if n.keys, err = identity.Load(n.cfg.Dir); err != nil {
		return err
	}
	if n.keys.Party() != n.file.Party {
		return fault.New(fault.Invalid, "node.Open", "tacit.yaml is %s's, the keys are %s's", n.file.Party, n.keys.Party())
	}
	n.inviter = identity.NewInviter(n.keys)
	if n.db, err = store.Open(ctx, store.Config{
		Dir: n.cfg.Dir, Party: n.file.Party, Clock: n.cfg.Clock, Rand: n.cfg.Rand, Logger: n.cfg.Logger,
	}); err != nil {
		return err
	}
	if n.pins, err = n.loadPins(ctx); err != nil {
		return err
	}
	if err := n.startLink(); err != nil {
		return err
	}
	n.jobs = coordinator.New(coordinator.Config{
		Self: n.file.Party, DB: n.db, Keys: n.keys, Pins: n.pins, Kick: n.link.Kick, Clock: n.cfg.Clock, Rand: n.cfg.Rand,
		Logger: n.cfg.Logger,
	})
	n.engine = exec.New(exec.Config{
		Self: n.file.Party, Dir: n.cfg.Dir, Link: n.link, Ledger: n.jobs, Rand: n.cfg.Rand, Workers: n.cfg.Workers,
		Clock: n.cfg.Clock, Logger: n.cfg.Logger, Idle: n.cfg.Idle,
	})
	n.jobs.SetEngine(n.engine)
	if err := n.link.Start(); err != nil {
		return err
	}
	if err := n.jobs.Resume(ctx); err != nil {
		return err
	}
	for _, p := range n.pins.List() {
		if err := n.link.Connect(p.Party); err != nil {
			return err
		}
	}
	upkeep, stop := context.WithCancel(context.WithoutCancel(ctx))
	n.stop = stop
	n.wg.Go(func() { n.maintain(upkeep) })
	n.wg.Go(func() { n.watchSilence(upkeep) })
	return nil
}

func (n *Node) startLink() (err error) {
	n.link, err = link.New(link.Config{
		Keys: n.keys, Pins: n.pins, Listen: []string{n.cfg.Listen}, Mailbox: mailbox{n}, Now: n.cfg.Clock, Rand: n.cfg.Rand,
		Logger:   n.cfg.Logger,
		JoinOpen: func() bool { return len(n.inviter.Outstanding(n.cfg.Clock())) > 0 },
		OnJoin:   n.onJoin,
	})
	return err
}

// Close stops the node: runners first, then connections, then the database.
func (n *Node) Close() error {
	if n.stop != nil {
		n.stop()
		n.wg.Wait()
	}
	if n.engine != nil {
		n.engine.Close()
	}
	if n.jobs != nil {
		n.jobs.Close()
	}
	if n.link != nil {
		n.link.Close()
	}
	if n.db != nil {
		return n.db.Close()
	}
	return nil
}

// Info describes the node. Leaves is 0 when the log cannot be read now.
func (n *Node) Info() Info {
	pin := n.keys.Pin()
	out := Info{
		Party: n.file.Party, Version: Version, LinkAddress: n.linkAddress(), APIAddress: n.cfg.API,
		RootFingerprint: hex.EncodeToString(pin[:]), CPU: exec.ProcessCPU(), PeakRSS: peakRSS(),
	}
	err := n.db.View(context.Background(), func(tx *store.Tx) (err error) {
		out.Leaves, err = tx.TreeSize()
		return err
	})
	if err != nil {
		n.cfg.Logger.Error("the log cannot be read", "err", err)
	}
	return out
}

// linkAddress is where peers reach this node.
func (n *Node) linkAddress() string {
	if addrs := n.link.Addrs(); len(addrs) > 0 {
		return addrs[0].String()
	}
	return ""
}

// peakRSS is the largest resident size this process has had, in bytes.
func peakRSS() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Maxrss << 10 // Linux reports kibibytes
}

// CheckToken reports whether token is the API token, in constant time.
func (n *Node) CheckToken(token string) bool {
	got := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(got[:], n.token[:]) == 1
}

// APITLS is the server TLS of the user API.
func (n *Node) APITLS() *tls.Config { return n.keys.APIConfig(n.cfg.Clock) }

// APIAddress is where the user API is to listen.
func (n *Node) APIAddress() string { return n.cfg.API }

// APIClientTLS is the client TLS of the user API of the node in dir: its root is pinned from its own key files.
func APIClientTLS(dir string) (*tls.Config, error) {
	keys, err := identity.Load(dir)
	if err != nil {
		return nil, err
	}
	return identity.APIClientConfig(keys.Party(), keys.Pin(), time.Now), nil
}

// mailbox is link.Mailbox over the node's store.
type mailbox struct{ n *Node }

// Pending implements link.Mailbox.
func (m mailbox) Pending(ctx context.Context, peer party.ID, after uint64, limit int) ([]link.Envelope, error) {
	var out []link.Envelope
	err := m.n.db.View(ctx, func(tx *store.Tx) error {
		list, err := tx.Pending(peer, after, limit)
		for _, msg := range list {
			out = append(out, link.Envelope{Seq: msg.Seq, Body: msg.Body})
		}
		return err
	})
	return out, err
}

// Deliver implements link.Mailbox.
func (m mailbox) Deliver(ctx context.Context, peer party.ID, env link.Envelope) (uint64, error) {
	return m.n.jobs.Deliver(ctx, peer, env.Seq, env.Body, m.n.onAgreement)
}

// Acked implements link.Mailbox.
func (m mailbox) Acked(ctx context.Context, peer party.ID, seq uint64) error {
	return m.n.db.Update(ctx, func(tx *store.Tx) error { return tx.Acked(peer, seq) })
}

func sortedParties(list []party.ID) []party.ID { return slices.Sorted(slices.Values(list)) }
