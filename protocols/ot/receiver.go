package ot

import (
	"crypto/subtle"
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

// Receiver holds a choice bit b per transfer and obtains t = q ⊕ b·Δ.
//
// It is not safe for concurrent use, is bound to one Sender, and refuses every call after an error. It prints as its
// type name.
type Receiver struct {
	params  Params
	workers int
	leaves  [][]*aes.Stream
	hash    *aes.Hash
	rows    matrix
	choice  []byte
	rnd     io.Reader
	check   *check // nil unless malicious
	next    uint64
	err     error
}

// NewReceiver is the receiver's only setup step: it consumes the sender's base message and returns the reply, which
// holds A and the corrections of the trees.
//
// Errors: fault.Invalid (zero parameters); fault.Misbehaved (bad message), the peer is the culprit; fault.Internal
// (randomness fails).
func NewReceiver(s protocols.Session, peer party.ID, p Params, msg []byte) (*Receiver, []byte, error) {
	if err := p.check("ot.NewReceiver"); err != nil {
		return nil, nil, err
	}
	tr := start(s, peer, s.Self, p)
	reply, keys, err := baseSend(tr, s.Rand, msg)
	if err != nil {
		return nil, nil, fault.Blame(err, string(peer))
	}
	r := &Receiver{params: p, workers: s.Workers, rnd: s.Rand, leaves: make([][]*aes.Stream, p.groups())}
	proof := newTreeProof(tr)
	for j := range r.leaves {
		var leaves []aes.Block
		leaves, reply = growTree(keys, j, p.k, reply)
		r.leaves[j] = leafStreams(leaves, false)
		if p.malicious {
			proof.add(commitments(leaves))
		}
	}
	if p.malicious {
		reply = proof.append(reply)
	}
	r.hash = padHash(tr, reply)
	r.check = newCheck(tr, p)
	return r, reply, nil
}

// Extend makes len(t) transfers, 1 ≤ len(t) ≤ MaxExtend, with the choice bits of choices (bit i of word i/64; at least
// ⌈len(t)/64⌉ words, later bits are ignored), writes their blocks and returns the message for the sender, of
// Params.ExtendBytes(len(t)) bytes, and the index of the first. Padded(len(t)) indices are used up.
//
// Errors: fault.Invalid, fault.LimitExceeded (lengths); fault.Internal (randomness fails). After any of them the receiver
// is dead and returns the same error.
func (r *Receiver) Extend(t []aes.Block, choices []uint64) (msg []byte, first uint64, err error) {
	if r.err == nil {
		r.err = r.admit(len(t), choices)
	}
	if r.err != nil {
		return nil, 0, r.err
	}
	first = r.next
	if msg, r.err = r.extend(t, choices); r.err != nil {
		return nil, 0, r.err
	}
	r.next += uint64(Padded(len(t)))
	return msg, first, nil
}

func (r *Receiver) admit(n int, choices []uint64) error {
	if err := checkBatch("ot.Receiver.Extend", n, r.next); err != nil {
		return err
	}
	if len(choices) < (n+63)/64 {
		return fault.New(fault.Invalid, "ot.Receiver.Extend", "%d words of choices for %d transfers", len(choices), n)
	}
	return nil
}

func (r *Receiver) extend(t []aes.Block, choices []uint64) ([]byte, error) {
	n, k := r.params.columns(len(t)), r.params.k
	r.rows.resize(n)
	choice := r.choiceBytes(choices, len(t))
	if _, err := io.ReadFull(r.rnd, choice[Padded(len(t))/8:]); err != nil { // the mask columns, if any
		return nil, fault.Wrap(fault.Internal, "ot.Receiver.Extend", err, "no randomness")
	}
	msg := make([]byte, r.params.ExtendBytes(len(t)))
	binary.LittleEndian.PutUint64(msg, r.next)
	corr := msg[headerBytes:r.params.correctionBytes(len(t))]
	spread(r.workers, r.params.groups(), 1, groupsPerWorker(n, r.params), func(lo, hi int) {
		stack, rows := newStack(k, n/8), make([][]byte, k)
		for j := lo; j < hi; j++ {
			for b := range rows {
				rows[b] = r.rows.row(j*k+b, n)
			}
			u := foldLeaves(r.leaves[j], rows, stack)
			subtle.XORBytes(corr[j*n/8:(j+1)*n/8], u, choice) // c_j = u_j ⊕ choices
		}
	})
	if r.check != nil {
		r.check.prove(msg[:headerBytes+len(corr)], choice, &r.rows, msg[headerBytes+len(corr):])
	}
	transpose(t, &r.rows, r.workers)
	return msg, nil
}

// choiceBytes packs the n choice bits, zero-padded to the number of columns.
func (r *Receiver) choiceBytes(choices []uint64, n int) []byte {
	size := r.params.columns(n) / 8
	if cap(r.choice) < size {
		r.choice = make([]byte, size)
	}
	out := r.choice[:size]
	clear(out)
	for i := range (n + 63) / 64 {
		w := choices[i]
		if rest := n - 64*i; rest < 64 {
			w &= 1<<rest - 1
		}
		binary.LittleEndian.PutUint64(out[8*i:], w)
	}
	return out
}

// Pads derives the chosen pad of each transfer from its block: p = H(t, index), which is the sender's p0 or p1. p may
// be t; the lengths must be equal.
func (r *Receiver) Pads(p, t []aes.Block, first uint64) {
	spread(r.workers, len(t), 64, minPerWorker, func(lo, hi int) {
		r.hash.Blocks(p[lo:hi], t[lo:hi], first+uint64(lo))
	})
}

// Format prints the type's name only.
func (r *Receiver) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "ot.Receiver") }

// LogValue logs the type's name only.
func (r *Receiver) LogValue() slog.Value { return slog.StringValue("ot.Receiver") }

// checkBatch bounds one Extend.
func checkBatch(op string, n int, next uint64) error {
	switch {
	case n < 1:
		return fault.New(fault.Invalid, op, "no transfers asked for")
	case n > MaxExtend:
		return fault.New(fault.LimitExceeded, op, "%d transfers in one batch, at most %d (MaxExtend)", n, MaxExtend)
	case next+uint64(Padded(n)) > MaxTransfers:
		return fault.New(fault.LimitExceeded, op, "more than 2^48 transfers of one setup (MaxTransfers)")
	}
	return nil
}

// groupsPerWorker is the number of groups whose work pays for a goroutine.
func groupsPerWorker(n int, p Params) int { return max(1, p.groups()*minPerWorker/n) }

// start opens the transcript of one direction.
func start(s protocols.Session, sender, receiver party.ID, p Params) *transcript.Transcript {
	tr := transcript.ForSession("tacit/ot/v1", s)
	tr.Append("sender", []byte(sender))
	tr.Append("receiver", []byte(receiver))
	tr.AppendInt("k", p.k)
	if p.malicious {
		tr.AppendInt("malicious", 1)
	}
	return tr
}

// padHash keys the pads' hash from everything both sides have sent.
func padHash(tr *transcript.Transcript, reply []byte) *aes.Hash {
	tr.Append("reply", reply)
	var key aes.Block
	tr.Expand("pad-hash", key[:])
	return aes.NewHash(key)
}
