package link

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node/identity"
)

// An enrolment is one request and one response, each a u32 length and that many bytes, then the connection ends.

// enrol answers one join request. Whatever is wrong, the stranger learns nothing but the end of the connection.
func (l *Link) enrol(conn *tls.Conn) {
	defer func() { _ = conn.Close() }()
	err := l.answerJoin(conn)
	l.cfg.Logger.Info("enrolment", slog.String("from", conn.RemoteAddr().String()), slog.String("code", outcome(err)))
}

// outcome is the code of err as the log says it; the zero code of a success would read as Internal.
func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	return fault.CodeOf(err).String()
}

func (l *Link) answerJoin(conn *tls.Conn) error {
	ctx, cancel := context.WithTimeout(l.ctx, handshakeTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	exporter, err := exporterOf(conn)
	if err != nil {
		return err
	}
	request, err := readBlock(conn)
	if err != nil {
		return err
	}
	response, err := l.cfg.OnJoin(ctx, exporter, request)
	if err != nil {
		return err
	}
	return writeBlock(conn, response)
}

// Join redeems an invite: it dials the inviter's addresses in turn, proves the secret, and returns the inviter's card, which
// is the one the invite names and may be pinned at once. own is the joiner's card. dial is nil for TCP.
//
// Errors: fault.Expired (the invite's term is over by now), fault.Unauthenticated (the invite is used, unknown or withdrawn there, or
// somebody else answers), fault.Unavailable (no address answers), fault.Canceled and fault.Timeout.
func Join(ctx context.Context, invite identity.Invite, own identity.Card, dial func(context.Context, string) (net.Conn, error), now func() time.Time) (identity.Card, error) {
	if !now().Before(invite.Expires) {
		return identity.Card{}, fault.New(fault.Expired, "link.Join", "the invite's term is over; ask %s for another", invite.Inviter)
	}
	if dial == nil {
		dial = func(ctx context.Context, address string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		}
	}
	err := error(fault.New(fault.Invalid, "link.Join", "the invite names no address"))
	for _, address := range invite.Addresses {
		var raw net.Conn
		if raw, err = dial(ctx, address); err != nil {
			err = fault.Wrap(fault.Unavailable, "link.Join", err, "%s does not answer at %s", invite.Inviter, address)
			continue
		}
		return join(ctx, invite, own, raw, now)
	}
	return identity.Card{}, err
}

func join(ctx context.Context, invite identity.Invite, own identity.Card, raw net.Conn, now func() time.Time) (identity.Card, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	defer func() { _ = raw.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	refused := func(err error) error {
		if ctx.Err() != nil {
			return canceled(ctx, "link.Join")
		}
		return fault.Wrap(fault.Unauthenticated, "link.Join", err,
			"%s did not accept the invite: used, expired or withdrawn, or another node answers at this address", invite.Inviter)
	}
	conn := tls.Client(raw, identity.JoinClientConfig(invite.Inviter, invite.RootPin, now))
	if err := conn.HandshakeContext(ctx); err != nil {
		return identity.Card{}, refused(err)
	}
	exporter, err := exporterOf(conn)
	if err != nil {
		return identity.Card{}, err
	}
	if err := writeBlock(conn, invite.JoinRequest(exporter, own)); err != nil {
		return identity.Card{}, refused(err)
	}
	response, err := readBlock(conn)
	if err != nil {
		return identity.Card{}, refused(err)
	}
	return invite.AcceptResponse(exporter, own, response)
}

func exporterOf(conn *tls.Conn) ([]byte, error) {
	state := conn.ConnectionState()
	b, err := state.ExportKeyingMaterial(identity.ExporterLabel, nil, identity.ExporterBytes)
	return b, fault.Wrap(fault.Internal, "link.Join", err, "TLS exports no key material")
}

func writeBlock(w io.Writer, b []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...))
	return fault.Wrap(fault.Unavailable, "link.Join", err, "the connection broke")
}

func readBlock(r io.Reader) ([]byte, error) {
	var n [4]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "link.Join", err, "the connection broke")
	}
	size := binary.BigEndian.Uint32(n[:])
	if size > identity.MaxJoinBytes {
		return nil, fault.New(fault.LimitExceeded, "link.Join", "a message of %d bytes, at most %d", size, identity.MaxJoinBytes)
	}
	b := make([]byte, size) // at most 4 KiB
	_, err := io.ReadFull(r, b)
	return b, fault.Wrap(fault.Unavailable, "link.Join", err, "the connection broke")
}
