package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node/direct"
	"github.com/tacit-data/tacit/node/intersect"
)

// The files of a state directory that hold who is connected with whom.
const (
	identityFile = "identity.pem"
	inviteFile   = "invite"
	guestFile    = "guest"
)

// maxInviteFile bounds a file with an invite.
const maxInviteFile = 4 << 10

// door is how one party reaches the other. It survives the process: a party that comes back is the same party.
type door struct {
	a       *app
	f       psiFlags
	state   string
	hold    *intersect.Hold
	id      *direct.Identity
	cfg     direct.Config
	job     [32]byte
	invite  direct.Invite
	resumed bool
	fresh   bool // the identity was made by this process: nobody has been promised anything in its name

	mu       sync.Mutex
	listener *direct.Listener // of the listening party
	shown    bool
}

// openDoor makes or restores identity and invite, in a directory that c.Hold holds. A listener listens from here on.
func (a *app) openDoor(_ context.Context, f psiFlags, c intersect.Config) (*door, error) {
	d := &door{a: a, f: f, state: c.State, hold: c.Hold, cfg: direct.Config{Self: c.Self}, resumed: intersect.Resumable(c.State)}
	err := d.identify()
	if err == nil {
		if c.Side == intersect.Listener {
			err = d.listen()
		} else {
			err = d.read()
		}
	}
	if err != nil {
		d.afterFailure(err)
		return nil, err
	}
	d.job = sha256.Sum256([]byte("tacit/psi/job/v1" + d.invite.TextInsecure()))
	return d, nil
}

// identify restores this party's identity or makes one.
func (d *door) identify() error {
	path := filepath.Join(d.state, identityFile)
	b, err := os.ReadFile(path)
	if err == nil {
		if d.id, err = direct.ParseIdentity(b); err != nil {
			return fault.Wrap(fault.CodeOf(err), "tacit.Psi", err, "%s is damaged: remove the directory %s, at both parties, to start anew", identityFile, d.state)
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(fault.Unavailable, "tacit.Psi", err, "the state directory cannot be read")
	}
	if d.resumed {
		return fault.New(fault.Corrupt, "tacit.Psi", "%s is missing from %s, which holds an unfinished run: remove the directory, at both parties, to start anew", identityFile, d.state)
	}
	if d.id, err = direct.NewIdentity(rand.Reader, time.Now()); err != nil {
		return err
	}
	d.fresh = true
	pem, err := d.id.PEMInsecure()
	if err != nil {
		return err
	}
	return d.keep(identityFile, pem)
}

// keep writes a file of the state: whole or not at all.
func (d *door) keep(name string, b []byte) error {
	path := filepath.Join(d.state, name)
	err := os.WriteFile(path+".partial", b, 0o600)
	if err == nil {
		err = os.Rename(path+".partial", path)
	}
	return fault.Wrap(fault.Unavailable, "tacit.Psi", err, "the state directory %s cannot be written", d.state)
}

// recall reads a file of the state; empty where it is not there.
func (d *door) recall(name string) string {
	b, err := os.ReadFile(filepath.Join(d.state, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// listen opens the port, with the invite and the guest of before if there were any.
func (d *door) listen() error {
	host, port, err := net.SplitHostPort(d.f.listen)
	if err != nil {
		return usagef("--listen is host:port, such as 127.0.0.1:7700")
	}
	var o direct.ListenOptions
	o.Rand = rand.Reader
	o.Refused = func(err error) { _ = d.a.note("refused a connection: %s\n", fault.ReasonOf(err)) }
	if text := d.recall(inviteFile); text != "" {
		if o.Resume, err = direct.ParseInvite(text); err != nil {
			return fault.Wrap(fault.Corrupt, "tacit.Psi", err, "the invite in %s is damaged: remove the directory, at both parties, to start anew", d.state)
		}
		if pin, err := hex.DecodeString(d.recall(guestFile)); err == nil && len(pin) == len(o.Guest) {
			o.Guest = direct.Pin(pin)
		}
		if port == "0" && d.f.address == "" {
			_, port, _ = net.SplitHostPort(o.Resume.Address)
		}
	}
	if d.f.address == "" && (host == "" || net.ParseIP(host).IsUnspecified()) {
		return usagef("--listen on every interface needs --address: the host:port that the other party dials")
	}
	if d.listener, err = direct.Listen(net.JoinHostPort(host, port), d.id, d.cfg, o); err != nil {
		return err
	}
	if o.Resume.TextInsecure() != "" {
		d.invite = o.Resume
		return nil
	}
	address := d.f.address
	if address == "" {
		_, port, _ := net.SplitHostPort(d.listener.Addr())
		address = net.JoinHostPort(host, port)
	}
	if d.invite, err = d.listener.Invite(address); err != nil {
		return usagef("--address is the host:port that the other party dials")
	}
	return d.keep(inviteFile, []byte(d.invite.TextInsecure()+"\n"))
}

// read takes the invite of the other party.
func (d *door) read() error {
	text := d.f.connect
	switch {
	case text == "-":
		b, err := io.ReadAll(io.LimitReader(d.a.in, maxInviteFile))
		if err != nil {
			return fault.Wrap(fault.Unavailable, "tacit.Psi", err, "standard input cannot be read")
		}
		text = string(b)
	case strings.HasPrefix(text, "@"):
		b, err := readFile(text[1:], maxInviteFile)
		if err != nil {
			return err
		}
		text = string(b)
	}
	var err error
	d.invite, err = direct.ParseInvite(text)
	return err
}

// connect makes one connection.
func (d *door) connect(ctx context.Context) (intersect.Link, error) {
	if d.listener == nil {
		c, err := direct.Dial(ctx, d.invite, d.id, d.cfg)
		if err != nil {
			return nil, err // not c: a nil pointer is no nil interface
		}
		return c, nil
	}
	if err := d.show(); err != nil {
		return nil, err
	}
	c, err := d.listener.Accept(ctx)
	if err != nil {
		return nil, err
	}
	pin := c.PeerPin()
	if err := d.keep(guestFile, []byte(hex.EncodeToString(pin[:])+"\n")); err != nil {
		c.Abort(fault.CodeOf(err))
		return nil, err
	}
	return c, nil
}

// show prints the invite once: after the input was read, so that none is handed over for a file that is of no use.
func (d *door) show() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shown {
		return nil
	}
	d.shown = true
	text := d.invite.TextInsecure()
	if d.f.inviteFile != "" {
		if err := writeWhole(d.f.inviteFile, []byte(text+"\n")); err != nil {
			return err
		}
		return d.a.note("The invite is in %s: hand it to the other party over a channel you trust; it is a secret.\n", d.f.inviteFile)
	}
	if d.a.format == "json" {
		return d.a.psiLine(struct {
			head
			Invite string `json:"invite"`
		}{kind("psi-invite"), text})
	}
	return d.a.note("Hand this invite to the other party over a channel you trust; it is a secret:\n%s\n", text)
}

// writeWhole writes a file of mode 0600 whole or not at all: whoever waits for it sees it complete.
func writeWhole(path string, b []byte) error {
	err := os.WriteFile(path+".partial", b, 0o600)
	if err == nil {
		err = os.Rename(path+".partial", path)
	}
	return fault.Wrap(fault.Unavailable, "tacit.Psi", err, "%s cannot be written", path)
}

func (d *door) close() {
	if d.listener != nil {
		_ = d.listener.Close() // nobody is accepted any more
		d.listener = nil
	}
}

// forget removes what the door kept, the lock last, and the directory where nothing else is in it.
func (d *door) forget() {
	for _, name := range []string{identityFile, inviteFile, guestFile} {
		_ = os.Remove(filepath.Join(d.state, name)) // it may never have been there
	}
	d.hold.Remove()
}

// afterFailure keeps what a next try needs and says so. What is damaged is for a person to remove.
func (d *door) afterFailure(err error) {
	code := fault.CodeOf(err)
	switch {
	case code == fault.Corrupt:
	case intersect.Resumable(d.state):
		_ = d.a.note("the run can go on: give the same command again (state in %s)\n", d.state)
	case (code == fault.Canceled || code == fault.Timeout) && d.id != nil:
		_ = d.a.note("the invite stays good: give the same command again, or remove %s to give it up\n", d.state)
	case code == fault.Unavailable && !d.fresh: // such as a port that the process before has not given back yet
	default:
		d.close()
		d.forget()
	}
}
