package lookup

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/node/direct"
	"github.com/tacit-data/tacit/node/intersect"
)

// MaxClients bounds the clients of one holder: each has a port, a goroutine and a line in the ledger.
const MaxClients = 256

const (
	clientTag   = "tacit/lookup/client/v1"
	identityTag = "tacit/lookup/identity/v1"
)

// client is one invite of a holder and who used it. It is durable: whoever came once may come again, with the same invite.
type client struct {
	number uint32 // from 1
	path   string
	invite direct.Invite
	pin    direct.Pin // zero: nobody has used the invite
}

// loadIdentity reads an identity, or makes one.
func loadIdentity(path string, rand io.Reader, now time.Time) (*direct.Identity, error) {
	b, err := intersect.ReadSealed(path, maxFileBytes)
	if err != nil {
		return nil, err
	}
	if b != nil {
		defer clear(b)
		d := wire.NewDecoder(b, "lookup.loadIdentity")
		if d.String(len(identityTag)) != identityTag {
			d.Fail(fault.Corrupt, "%s was made by another program or version", path)
		}
		pem := d.Bytes(maxFileBytes)
		if err := d.Done(); err != nil {
			return nil, wire.Stored("lookup.loadIdentity", err)
		}
		return direct.ParseIdentity(pem)
	}
	id, err := direct.NewIdentity(rand, now)
	if err != nil {
		return nil, err
	}
	pem, err := id.PEMInsecure()
	if err != nil {
		return nil, err
	}
	defer clear(pem)
	var e wire.Encoder
	e.String(identityTag)
	e.Bytes(pem)
	defer clear(e.B)
	return id, intersect.WriteSealed(path, e.B)
}

// loadClient reads a client; its invite is zero where it is new.
func loadClient(dir string, number uint32) (*client, error) {
	const op = "lookup.loadClient"
	c := &client{number: number, path: filepath.Join(dir, fmt.Sprintf("client-%03d", number))}
	b, err := intersect.ReadSealed(c.path, maxFileBytes)
	if err != nil || b == nil {
		return c, err
	}
	d := wire.NewDecoder(b, op)
	if d.String(len(clientTag)) != clientTag {
		d.Fail(fault.Corrupt, "%s was made by another program or version", c.path)
	}
	text := d.String(maxFileBytes)
	c.pin = direct.Pin(d.Hash())
	if err := d.Done(); err != nil {
		return nil, wire.Stored(op, err)
	}
	if c.invite, err = direct.ParseInvite(text); err != nil {
		return nil, fault.Wrap(fault.Corrupt, op, err, "%s is damaged: remove it to invite that client anew", c.path)
	}
	return c, nil
}

func (c *client) save() error {
	var e wire.Encoder
	e.String(clientTag)
	e.String(c.invite.TextInsecure())
	e.Fixed(c.pin[:])
	return intersect.WriteSealed(c.path, e.B)
}

// listen opens the client's port: that of its invite, else the next one after the holder's, else any.
func (c *client) listen(s ServeConfig, id *direct.Identity) (*direct.Listener, error) {
	const op = "lookup.listen"
	host, port, err := net.SplitHostPort(s.Listen)
	n, perr := strconv.ParseUint(port, 10, 16)
	if err != nil || perr != nil {
		return nil, fault.New(fault.Invalid, op, "an address to listen on is host:port")
	}
	outside := host
	if s.Address != "" {
		outside = s.Address
	}
	if outside == "" || net.ParseIP(outside).IsUnspecified() {
		return nil, fault.New(fault.Invalid, op, "listening on every interface needs the host that clients dial (--address)")
	}
	if n > 0 {
		n += uint64(c.number) - 1
	} else if c.invite.Address != "" {
		_, port, _ := net.SplitHostPort(c.invite.Address)
		n, _ = strconv.ParseUint(port, 10, 16) // checked by direct
	}
	o := direct.ListenOptions{Rand: s.Rand, Resume: c.invite, Guest: c.pin, Refused: func(err error) { s.Refused(int(c.number), err) }}
	l, err := direct.Listen(net.JoinHostPort(host, strconv.FormatUint(n, 10)), id, direct.Config{Self: holderName, Peer: clientName}, o)
	if err != nil {
		return nil, err
	}
	_, port, _ = net.SplitHostPort(l.Addr())
	invite, err := l.Invite(net.JoinHostPort(outside, port))
	if err == nil && invite.TextInsecure() != c.invite.TextInsecure() {
		c.invite = invite
		err = c.save()
	}
	if err != nil {
		_ = l.Close() // the error that counts is err
		return nil, err
	}
	return l, nil
}

// used remembers who used the invite, before it is served.
func (c *client) used(pin direct.Pin) error {
	if c.pin == pin {
		return nil
	}
	c.pin = pin
	return c.save()
}

// loadClients reads as many clients as are asked for.
func loadClients(dir string, n int) ([]*client, error) {
	dir = filepath.Join(dir, clientsDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, diskFault("lookup.loadClients", err)
	}
	out := make([]*client, n)
	for i := range out {
		var err error
		if out[i], err = loadClient(dir, uint32(i)+1); err != nil {
			return nil, err
		}
	}
	return out, nil
}
