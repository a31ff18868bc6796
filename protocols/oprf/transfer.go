package oprf

import (
	"context"
	"io"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

// SendTags sends the tag file to a client, which keeps it for the epoch. Every client gets the same file.
//
// Bytes: Params.TransferCost(Records()).Flip(). Memory: one chunk.
// Errors: fault.Invalid (nil TagFile), fault.Corrupt, fault.Unavailable (the file's source), and those of the Conn.
func SendTags(ctx context.Context, s protocols.Session, c protocols.Conn, f *TagFile) error {
	const op = "oprf.SendTags"
	if f == nil || f.p.check() != nil {
		return fault.New(fault.Invalid, op, "no tag file; use OpenTags")
	}
	err := protocols.Exchange(ctx, c, func(ctx context.Context) error {
		o := offer{version: wireVersion, binding: s.Binding, params: f.p.Digest(), records: f.h.records}
		if err := c.Send(ctx, o.encode()); err != nil {
			return err
		}
		for chunks := f.p.chunks(f.h.records); !chunks.finished(); {
			lo, _ := chunks.span()
			msg, data, _ := chunks.seal()
			if err := readAt(f.r, data, int64(lo)); err != nil {
				return err
			}
			if err := c.Send(ctx, msg); err != nil {
				return err
			}
		}
		return nil
	}, nil)
	if err != nil {
		return settle(op, err)
	}
	return nil
}

// ReceiveTags writes the server's tag file to w and returns what identifies it. Without an error the file is whole and
// OpenTags accepts it; with one the caller throws away what w holds.
//
// Bytes: Params.TransferCost(n). Memory: one chunk and the index. Reveals: Params.Leaks.
// Errors: fault.Invalid (zero Params), fault.PlanMismatch (another session, parameters or format), fault.LimitExceeded
// (more records than ServerItems), fault.Misbehaved (anything else of the peer), fault.Unavailable (w failed), and those
// of the Conn.
func ReceiveTags(ctx context.Context, s protocols.Session, c protocols.Conn, w io.Writer, p Params) (pin Pin, err error) {
	const op = "oprf.ReceiveTags"
	if err := p.check(); err != nil {
		return Pin{}, err
	}
	err = protocols.Exchange(ctx, c, nil, func(ctx context.Context) (err error) {
		pin, err = receiveTags(ctx, s, c, w, p)
		return err
	})
	if err != nil {
		return Pin{}, settle(op, err)
	}
	return pin, nil
}

func receiveTags(ctx context.Context, s protocols.Session, c protocols.Conn, w io.Writer, p Params) (Pin, error) {
	msg, err := receive(ctx, c)
	if err != nil {
		return Pin{}, err
	}
	o, err := decodeOffer(msg, p.lit.ServerItems)
	if err == nil {
		err = checkOffer(s, o, p)
	}
	if err != nil {
		return Pin{}, blame(c, err)
	}
	scan := newFileScan(p)
	for chunks := p.chunks(o.records); !chunks.finished(); {
		msg, err := receive(ctx, c)
		if err != nil {
			return Pin{}, err
		}
		data, _, err := chunks.open(msg)
		if err == nil {
			err = scan.write(data)
		}
		if err != nil {
			return Pin{}, blame(c, foreign(err))
		}
		if _, err := w.Write(data); err != nil {
			return Pin{}, fault.Wrap(fault.Unavailable, "oprf.ReceiveTags", err, "the tag file cannot be written")
		}
	}
	pin, err := scan.finish()
	return pin, blame(c, err)
}

func checkOffer(s protocols.Session, o offer, p Params) error {
	const op = "oprf.checkOffer"
	switch {
	case o.version != wireVersion:
		return fault.New(fault.PlanMismatch, op, "the peer speaks version %d, this is %d", o.version, wireVersion)
	case o.binding != s.Binding:
		return fault.New(fault.PlanMismatch, op, "the peer runs another session, plan or attempt")
	case o.params != p.Digest():
		return fault.New(fault.PlanMismatch, op, "the peer has other parameters or key rules")
	}
	return nil
}

// foreign re-codes a file of another format version: from a peer it is a disagreement.
func foreign(err error) error {
	if fault.CodeOf(err) == fault.Unsupported {
		return fault.Wrap(fault.PlanMismatch, "oprf.ReceiveTags", err, "the peer's tag file has another format version")
	}
	return err
}

// chunks returns the frames of a tag file of n records.
func (p Params) chunks(n int) stream {
	return stream{kind: kindChunk, unit: 1, total: int(p.FileBytes(n)), per: chunkBytes}
}
