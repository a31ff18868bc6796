package psi

import (
	"context"
	"encoding/binary"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/protocols"
)

// MaxMultiplicity bounds how often one key may occur: above, a key is a constant and a join on it is a mistake.
const MaxMultiplicity = 1 << 28

// The kinds of messages of the exchange of multiplicities.
const (
	kindCounts       = 32
	kindMultiplicity = 33
)

// countsBytes is the encoded size of counts.
const countsBytes = 1 + 32 + 4

// varintsPerFrame is the number of multiplicities in a full frame: at most 5 bytes each.
const varintsPerFrame = protocols.MaxMessage / 8

// ExchangeMultiplicities tells each party how often the other holds each matched key, and nothing about keys that did
// not match. It runs after a run with OutputBoth, under the same Session.
//
// Shape: own[i] ≥ 1 is how often this party holds the i-th matched key in aligned order; so is peer[i] for the peer.
// Bytes: 37 and, per frame of 131072, 9 bytes and a varint each (1 byte below 128).
// Reveals: the multiplicity of matched keys to all.
// Errors: fault.Invalid (a multiplicity of 0), fault.LimitExceeded (MaxMultiplicity, MaxItems), fault.PlanMismatch
// (another session), fault.Misbehaved (another number of matches, anything else of the peer), and those of the Conn.
func ExchangeMultiplicities(ctx context.Context, s protocols.Session, c protocols.Conn, own []uint32) (peer []uint32, err error) {
	const op = "psi.ExchangeMultiplicities"
	if len(own) > MaxItems {
		return nil, fault.New(fault.LimitExceeded, op, "%d matched keys, MaxItems is %d", len(own), MaxItems)
	}
	for _, m := range own {
		if m == 0 || m > MaxMultiplicity {
			return nil, fault.New(fault.Invalid, op, "a multiplicity is 1 to %d", MaxMultiplicity)
		}
	}
	err = protocols.Exchange(ctx, c,
		func(ctx context.Context) error { return putMultiplicities(ctx, s, c, own) },
		func(ctx context.Context) (err error) {
			peer, err = getMultiplicities(ctx, s, c, len(own))
			return err
		})
	if err != nil {
		switch fault.CodeOf(err) {
		case fault.Misbehaved, fault.LimitExceeded, fault.PlanMismatch:
			err = fault.Blame(err, string(c.Peer()))
		}
		return nil, settle(op, err)
	}
	return peer, nil
}

func putMultiplicities(ctx context.Context, s protocols.Session, c protocols.Conn, own []uint32) error {
	e := wire.Encoder{B: make([]byte, 0, countsBytes)}
	e.U8(kindCounts)
	e.Fixed(s.Binding[:])
	e.U32(uint32(len(own)))
	if err := c.Send(ctx, e.B); err != nil {
		return err
	}
	for seq := 0; len(own) > 0; seq++ {
		n := min(len(own), varintsPerFrame)
		if err := c.Send(ctx, encodeMultiplicities(seq, own[:n])); err != nil {
			return err
		}
		own = own[n:]
	}
	return nil
}

func getMultiplicities(ctx context.Context, s protocols.Session, c protocols.Conn, n int) ([]uint32, error) {
	msg, err := c.Recv(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkCounts(msg, s.Binding, n); err != nil {
		return nil, err
	}
	peer := make([]uint32, 0, n)
	for seq := 0; len(peer) < n; seq++ {
		msg, err := c.Recv(ctx)
		if err != nil {
			return nil, err
		}
		if peer, err = decodeMultiplicities(peer, msg, seq, min(n-len(peer), varintsPerFrame)); err != nil {
			return nil, err
		}
	}
	return peer, nil
}

func checkCounts(msg []byte, binding [32]byte, n int) error {
	d := wire.NewDecoder(msg, "psi.checkCounts")
	expectKind(d, kindCounts)
	theirs, count := d.Hash(), d.U32()
	if err := d.Done(); err != nil {
		return err
	}
	switch {
	case theirs != binding:
		return fault.New(fault.PlanMismatch, "psi.checkCounts", "the peer runs another session, plan or attempt")
	case uint64(count) != uint64(n):
		return fault.New(fault.Misbehaved, "psi.checkCounts", "the peer's number of matches differs from ours")
	}
	return nil
}

func encodeMultiplicities(seq int, counts []uint32) []byte {
	e := wire.Encoder{B: make([]byte, 0, headerBytes+2*len(counts))}
	e.U8(kindMultiplicity)
	e.U32(uint32(seq))
	e.U32(uint32(len(counts)))
	for _, m := range counts {
		e.B = binary.AppendUvarint(e.B, uint64(m))
	}
	return e.B
}

// decodeMultiplicities appends the n multiplicities of frame seq to dst. A varint has one encoding.
func decodeMultiplicities(dst []uint32, msg []byte, seq, n int) ([]uint32, error) {
	const op = "psi.decodeMultiplicities"
	d := wire.NewDecoder(msg, op)
	expectKind(d, kindMultiplicity)
	if d.U32() != uint32(seq) || d.U32() != uint32(n) {
		d.Fail(fault.Misbehaved, "frame out of sequence, or of another length than due")
	}
	data := d.Fixed(d.Left())
	if err := d.Err(); err != nil {
		return nil, err
	}
	for range n {
		m, width := binary.Uvarint(data)
		switch {
		case width <= 0 || m == 0 || (width > 1 && data[width-1] == 0):
			return nil, fault.New(fault.Misbehaved, op, "not a canonical multiplicity")
		case m > MaxMultiplicity:
			return nil, fault.New(fault.LimitExceeded, op, "MaxMultiplicity: a key occurs more than %d times", MaxMultiplicity)
		}
		dst = append(dst, uint32(m))
		data = data[width:]
	}
	if len(data) > 0 {
		return nil, fault.New(fault.Misbehaved, op, "bytes after the multiplicities")
	}
	return dst, nil
}
