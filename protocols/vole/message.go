package vole

import (
	"crypto/subtle"
	"encoding/binary"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/ot"
	"github.com/tacit-data/tacit/protocols/transcript"
)

// Every message has one length, fixed by Params:
//
//	setup   S to R   the base receiver's points (protocols/ot)
//	reply   R to S   the base sender's answer ‖ extensions of MaxExtend transfers, the last shorter (protocols/ot)
//	answer  S to R   for each tree: for each level two masked sums ‖ the correction of the missing leaf
//
// and in the malicious mode:
//
//	masked  R to S   Σχ·noise + μ
//	proof   S to R   hash of Σχ·v + Q + Δ·masked

const (
	blockBytes  = 16
	maskedBytes = blockBytes
	proofBytes  = 32
)

// setupBytes is the length of the sender's setup message.
func (p Params) setupBytes() int { return int(p.ot.SetupCost().SentBytes) }

// replyBytes is the length of the receiver's reply.
func (p Params) replyBytes() int {
	return int(p.ot.SetupCost().RecvBytes + p.ot.Cost(p.transfers()).SentBytes)
}

// treeBytes is the part of the answer that belongs to one tree.
func (p Params) treeBytes() int { return (2*p.depth + 1) * blockBytes }

// answerBytes is the length of the sender's answer.
func (p Params) answerBytes() int { return p.trees * p.treeBytes() }

// checkLength compares the length of a message of the peer.
//
// Errors: fault.Misbehaved, the peer is the culprit.
func checkLength(op string, msg []byte, want int, peer party.ID) error {
	if len(msg) == want {
		return nil
	}
	return fault.Blame(fault.New(fault.Misbehaved, op, "message of %d bytes, expected %d", len(msg), want), string(peer))
}

// batches calls f for the consecutive parts of n transfers that one extension each makes, with the bytes of each.
func (p Params) batches(n int, f func(lo, hi, size int) error) error {
	for lo := 0; lo < n; lo += ot.MaxExtend {
		hi := min(lo+ot.MaxExtend, n)
		if err := f(lo, hi, p.ot.ExtendBytes(hi-lo)); err != nil {
			return err
		}
	}
	return nil
}

// start opens the transcript of a run, the same at both parties.
func start(s protocols.Session, sender, receiver party.ID, p Params) *transcript.Transcript {
	tr := transcript.ForSession("tacit/vole/v1", s)
	tr.Append("sender", []byte(sender))
	tr.Append("receiver", []byte(receiver))
	tr.AppendInt("length", p.lit.Length)
	tr.AppendInt("trees", p.trees)
	tr.AppendInt("weight", p.weight)
	if p.lit.Malicious {
		tr.AppendInt("malicious", 1)
	}
	return tr
}

// treeKeys are the public keys of the trees' two permutations, fresh per session.
func treeKeys(tr *transcript.Transcript) (left, right aes.Block) {
	tr.Expand("tree-left", left[:])
	tr.Expand("tree-right", right[:])
	return left, right
}

// codeSeed is the public seed of the code. Both parties' randomness enters it.
func codeSeed(tr *transcript.Transcript) (seed aes.Block) {
	tr.Expand("code", seed[:])
	return seed
}

// word is a block as two 64-bit words, for arithmetic without branches. (A struct: Go keeps no arrays in registers.)
type word struct{ lo, hi uint64 }

func load(b []byte) word {
	return word{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:16])}
}

func (w word) store(b []byte) {
	binary.LittleEndian.PutUint64(b, w.lo)
	binary.LittleEndian.PutUint64(b[8:16], w.hi)
}

func (w word) add(o word) word { return word{w.lo ^ o.lo, w.hi ^ o.hi} }

// and keeps w under a mask of ones and makes it zero under a mask of zeros.
func (w word) and(m uint64) word { return word{w.lo & m, w.hi & m} }

// equal is a mask of ones when a = b and of zeros otherwise; both are below 2^63.
func equal(a, b uint64) uint64 { return -(((a ^ b) - 1) >> 63) }

// xorBlock returns a ⊕ b.
func xorBlock(a, b aes.Block) (out aes.Block) {
	subtle.XORBytes(out[:], a[:], b[:])
	return out
}
