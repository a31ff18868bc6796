package vole

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/ot"
	"github.com/tacit-data/tacit/protocols/transcript"
)

// Receiver is the receiver's result: A and C with A = B + Δ·C, where the sender holds B and Δ. C is pseudorandom to the
// sender. It prints as its type name.
type Receiver struct{ A, C []aes.Block }

// Wipe overwrites the result with zeros.
func (r Receiver) Wipe() {
	clear(r.A)
	clear(r.C)
}

// Format prints the type's name only.
func (r Receiver) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "vole.Receiver") }

// LogValue logs the type's name only.
func (r Receiver) LogValue() slog.Value { return slog.StringValue("vole.Receiver") }

// ReceiverSetup is the receiver between its reply and its result. Its steps are Open, in the malicious mode Verify, and
// Compress. It is not safe for concurrent use and prints as its type name.
type ReceiverSetup struct {
	params  Params
	workers int
	peer    party.ID
	tr      *transcript.Transcript
	code    aes.Block // public seed
	tree    *aes.Tree
	noise   *noise
	t       []aes.Block // the base transfers' blocks, then the pads of the paths; nil after Open
	w       noisyLeaves
	proof   []byte // what the sender must prove; nil unless Verify is the next step
}

// NewReceiver is the receiver's step after the sender's setup message and returns its reply.
//
// Errors: fault.Invalid (zero parameters); fault.Misbehaved (bad message), the peer is the culprit; fault.Internal
// (randomness fails).
func NewReceiver(s protocols.Session, peer party.ID, p Params, msg []byte) (*ReceiverSetup, []byte, error) {
	const op = "vole.NewReceiver"
	if err := p.check(op); err != nil {
		return nil, nil, err
	}
	transfers, reply, err := ot.NewReceiver(s, peer, p.ot, msg)
	if err != nil {
		return nil, nil, err
	}
	r := &ReceiverSetup{params: p, workers: s.Workers, peer: peer}
	if r.noise, err = p.drawNoise(s.Rand); err != nil {
		return nil, nil, err
	}
	if reply, err = r.extend(transfers, reply); err != nil {
		return nil, nil, err
	}
	r.tr = start(s, peer, s.Self, p)
	r.tree = aes.NewTree(treeKeys(r.tr))
	r.tr.Append("setup", msg)
	r.tr.Append("reply", reply)
	r.code = codeSeed(r.tr)
	return r, reply, nil
}

// extend makes all transfers and appends their messages to reply.
func (r *ReceiverSetup) extend(transfers *ot.Receiver, reply []byte) ([]byte, error) {
	p := r.params
	choices := r.noise.choices(p)
	r.t = make([]aes.Block, p.transfers())
	err := p.batches(len(r.t), func(lo, hi, _ int) error {
		msg, _, err := transfers.Extend(r.t[lo:hi], choices[lo/64:])
		reply = append(reply, msg...)
		return err
	})
	clear(choices)
	path := r.t[p.baseTransfers():]
	transfers.Pads(path, path, uint64(p.baseTransfers()))
	return reply, err
}

// Open is the receiver's step after the sender's answer: it grows every tree but its missing leaf, which it sets to the
// sender's leaf plus Δ times the noise value. In the malicious mode it returns the masked sum for the sender, else nil.
//
// Errors: fault.Misbehaved (length), the peer is the culprit; fault.Invalid (called twice).
func (r *ReceiverSetup) Open(answer []byte) (masked []byte, err error) {
	const op = "vole.Open"
	p := r.params
	if r.t == nil {
		return nil, fault.New(fault.Invalid, op, "the answer was opened before")
	}
	if err := checkLength(op, answer, p.answerBytes(), r.peer); err != nil {
		return nil, err
	}
	r.open(answer)
	if p.lit.Malicious {
		r.tr.Append("answer", answer)
		masked = r.mask()
	}
	clear(r.t)
	r.t = nil
	clear(r.noise.at)
	clear(r.noise.value)
	return masked, nil
}

// open grows the trees.
func (r *ReceiverSetup) open(answer []byte) {
	p := r.params
	r.w = p.newNoisyLeaves()
	o := orphansOf(r.tree)
	spread(r.workers, p.trees, minTreesPerWorker, func(lo, hi int) {
		level, opened := make([]aes.Block, p.levelBlocks()), make([]aes.Block, p.depth)
		for i := lo; i < hi; i++ {
			msg := answer[i*p.treeBytes() : (i+1)*p.treeBytes()]
			at := r.noise.at[i]
			r.unmask(opened, msg, i)
			total := p.puncture(r.tree, o, at, opened, level)
			share := combine(r.t[ot.Kappa*i : ot.Kappa*(i+1)])
			leaf := total.add(load(msg[len(msg)-blockBytes:])).add(load(share[:]))
			r.w.put(level[:p.leaves], i*p.leaves, at, leaf, load(r.noise.value[i][:]))
		}
		clear(level)
		clear(opened)
	})
}

// mask returns X + μ and keeps the proof that the sender has to give.
func (r *ReceiverSetup) mask() []byte {
	p := r.params
	leaf, x := r.w.checksums(newWeights(r.tr))
	masked := xorBlock(x, r.noise.value[p.trees])
	r.tr.Append("masked", masked[:])
	r.proof = proofOf(r.tr, xorBlock(leaf, combine(r.t[ot.Kappa*p.trees:p.baseTransfers()])))
	return masked[:]
}

// Verify is the receiver's step after the sender's proof, in the malicious mode. After a failure the run must end: the
// receiver refuses to compress.
//
// Errors: fault.Misbehaved (length, wrong proof), the peer is the culprit; fault.Invalid (before Open, called twice, or
// not the malicious mode).
func (r *ReceiverSetup) Verify(proof []byte) error {
	const op = "vole.Verify"
	if r.proof == nil {
		return fault.New(fault.Invalid, op, "not after Open in the malicious mode, or called twice")
	}
	if err := checkLength(op, proof, proofBytes, r.peer); err != nil {
		return err
	}
	if !sameProof(proof, r.proof) {
		return fault.Blame(fault.New(fault.Misbehaved, op, "inconsistent correlation"), string(r.peer))
	}
	r.proof = nil
	return nil
}

// unmask opens the sum that tree i's path needs at each level, without a branch on the path.
func (r *ReceiverSetup) unmask(dst []aes.Block, msg []byte, i int) {
	p := r.params
	pads := r.t[p.baseTransfers()+i*p.depth:]
	for d := range dst {
		goesRight := -(r.noise.at[i] >> (p.depth - 1 - d) & 1)
		left, right := load(msg[2*d*blockBytes:]), load(msg[(2*d+1)*blockBytes:])
		left.and(goesRight).add(right.and(^goesRight)).add(load(pads[d][:])).store(dst[d][:])
	}
}

// Compress is the receiver's last step.
//
// Errors: fault.Invalid (before Open or Verify, or called twice).
func (r *ReceiverSetup) Compress() (Receiver, error) {
	p := r.params
	if r.w.a == nil || r.proof != nil {
		return Receiver{}, fault.New(fault.Invalid, "vole.Compress", "not after the steps before it, or called twice")
	}
	n := p.lit.Length
	a, c, parity := r.w.a[:n:n], r.w.c[:n:n], r.w.parity
	r.w = noisyLeaves{}
	code := p.code(r.code)
	code.Accumulate(parity, 2)
	spread(r.workers, n, minRowsPerWorker, func(lo, hi int) {
		code.ExpandTwo(a[lo:hi], c[lo:hi], parity, lo)
	})
	clear(parity)
	return Receiver{A: a, C: c}, nil
}

// Format prints the type's name only.
func (r *ReceiverSetup) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "vole.ReceiverSetup") }

// LogValue logs the type's name only.
func (r *ReceiverSetup) LogValue() slog.Value { return slog.StringValue("vole.ReceiverSetup") }
