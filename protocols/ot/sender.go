package ot

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/transcript"
)

// Sender is the holder of Δ. Every transfer gives it a random block q; the receiver with choice bit b holds q ⊕ b·Δ.
//
// It is not safe for concurrent use, is bound to one Receiver, and refuses every call after an error. It prints as its
// type name.
type Sender struct {
	params  Params
	peer    party.ID
	workers int
	delta   *aes.Block
	leaves  [][]*aes.Stream // per group, at index x ⊕ Δ's digit; entry 0 is missing
	hash    *aes.Hash
	rows    matrix
	check   *check // nil unless malicious
	next    uint64
	err     error
}

// SenderSetup is a Sender between its setup message and the peer's reply.
type SenderSetup struct {
	params  Params
	session protocols.Session
	peer    party.ID
	tr      *transcript.Transcript
	delta   *aes.Block
	base    *baseReceiver
}

// NewSender is the sender's first setup step: it draws Δ and returns the base receiver's message, whose choices are
// the complement of Δ.
//
// Errors: fault.Invalid (zero parameters); fault.Internal (randomness fails).
func NewSender(s protocols.Session, peer party.ID, p Params) (*SenderSetup, []byte, error) {
	if err := p.check("ot.NewSender"); err != nil {
		return nil, nil, err
	}
	u := &SenderSetup{params: p, session: s, peer: peer, delta: new(aes.Block), tr: start(s, s.Self, peer, p)}
	if _, err := io.ReadFull(s.Rand, u.delta[:]); err != nil {
		return nil, nil, fault.Wrap(fault.Internal, "ot.NewSender", err, "no randomness")
	}
	choice := new(aes.Block)
	for i, b := range u.delta {
		choice[i] = ^b
	}
	var msg []byte
	var err error
	u.base, msg, err = baseChoose(u.tr, s.Rand, choice)
	return u, msg, err
}

// Finish is the sender's last setup step. reply is the peer's message of Params.SetupCost().RecvBytes bytes.
//
// Errors: fault.Misbehaved (length, bad point, inconsistent trees), the peer is the culprit.
func (u *SenderSetup) Finish(reply []byte) (*Sender, error) {
	p := u.params
	if len(reply) != p.replyBytes() {
		return nil, fault.Blame(fault.New(fault.Misbehaved, "ot.Finish", "reply of %d bytes, expected %d",
			len(reply), p.replyBytes()), string(u.peer))
	}
	keys, err := u.base.keys(reply[:pointBytes])
	if err != nil {
		return nil, fault.Blame(err, string(u.peer))
	}
	s := &Sender{
		params: p, peer: u.peer, workers: u.session.Workers, delta: u.delta, leaves: make([][]*aes.Stream, p.groups()),
	}
	corr, claim := reply[pointBytes:], reply[pointBytes+p.treesBytes():]
	proof := newTreeProof(u.tr)
	for j := range s.leaves {
		n := (p.k - 1) * 2 * blockBytes
		leaves := growPunctured(keys, u.delta, j, p.k, corr[j*n:(j+1)*n])
		s.leaves[j] = leafStreams(leaves, true)
		if p.malicious {
			proof.add(recommit(leaves, u.delta, j, p.k, claim[j*commitmentBytes:]))
		}
	}
	if p.malicious && !proof.matches(claim) {
		return nil, fault.Blame(fault.New(fault.Misbehaved, "ot.Finish", "inconsistent trees"), string(u.peer))
	}
	s.hash = padHash(u.tr, reply)
	s.check = newCheck(u.tr, p)
	return s, nil
}

// Extend consumes the receiver's message for len(q) transfers, 1 ≤ len(q) ≤ MaxExtend, and writes their blocks. The
// result is the index of the first; Padded(len(q)) indices are used up.
//
// Errors: fault.Invalid, fault.LimitExceeded (len(q)); fault.Misbehaved (length or index of msg, inconsistent choices).
// After any of them the sender is dead and returns the same error.
func (s *Sender) Extend(q []aes.Block, msg []byte) (first uint64, err error) {
	if s.err == nil {
		s.err = s.extend(q, msg)
	}
	if s.err != nil {
		return 0, s.err
	}
	first = s.next
	s.next += uint64(Padded(len(q)))
	return first, nil
}

func (s *Sender) extend(q []aes.Block, msg []byte) error {
	if err := checkBatch("ot.Sender.Extend", len(q), s.next); err != nil {
		return err
	}
	if err := checkHeader(msg, s.next, s.params.ExtendBytes(len(q))); err != nil {
		return fault.Blame(err, string(s.peer))
	}
	n, k := s.params.columns(len(q)), s.params.k
	s.rows.resize(n)
	corr := msg[headerBytes:s.params.correctionBytes(len(q))]
	spread(s.workers, s.params.groups(), 1, groupsPerWorker(n, s.params), func(lo, hi int) {
		stack, rows := newStack(k, n/8), make([][]byte, k)
		for j := lo; j < hi; j++ {
			for b := range rows {
				rows[b] = s.rows.row(j*k+b, n)
			}
			foldLeaves(s.leaves[j], rows, stack)
			// w_b = v_b ⊕ Δ_b·u, and Δ_b·(u ⊕ choices) is added: q = t ⊕ choices·Δ.
			for b, row := range rows {
				addMasked(row, corr[j*n/8:(j+1)*n/8], bit(s.delta, j*k+b))
			}
		}
	})
	if s.check != nil && !s.check.verify(msg[:headerBytes+len(corr)], s.delta, &s.rows, msg[headerBytes+len(corr):]) {
		return fault.Blame(fault.New(fault.Misbehaved, "ot.Sender.Extend", "inconsistent choices"), string(s.peer))
	}
	transpose(q, &s.rows, s.workers)
	return nil
}

// Pads derives the two pads of each transfer from its block: p0 = H(q, index) and p1 = H(q ⊕ Δ, index). The receiver
// with choice bit b computes p_b. p0 may be q; the lengths must be equal.
func (s *Sender) Pads(p0, p1, q []aes.Block, first uint64) {
	spread(s.workers, len(q), 64, minPerWorker, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			p1[i] = xorBlock(q[i], *s.delta)
		}
		s.hash.Blocks(p0[lo:hi], q[lo:hi], first+uint64(lo))
		s.hash.Blocks(p1[lo:hi], p1[lo:hi], first+uint64(lo))
	})
}

// DeltaInsecure returns Δ. Who knows it and sees the receiver's blocks knows every choice bit.
func (s *Sender) DeltaInsecure() aes.Block { return *s.delta }

// Format prints the type's name only.
func (s *Sender) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "ot.Sender") }

// LogValue logs the type's name only.
func (s *Sender) LogValue() slog.Value { return slog.StringValue("ot.Sender") }

// Format prints the type's name only.
func (u *SenderSetup) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "ot.SenderSetup") }

// LogValue logs the type's name only.
func (u *SenderSetup) LogValue() slog.Value { return slog.StringValue("ot.SenderSetup") }

// addMasked adds bit·src to dst without a branch on bit; the lengths are equal multiples of 8.
func addMasked(dst, src []byte, bit byte) {
	mask := -uint64(bit)
	for i := 0; i+8 <= len(src); i += 8 {
		w := binary.LittleEndian.Uint64(dst[i:]) ^ binary.LittleEndian.Uint64(src[i:])&mask
		binary.LittleEndian.PutUint64(dst[i:], w)
	}
}
