package vole

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/internal/kernel/gf128"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/ot"
	"github.com/tacit-data/tacit/protocols/transcript"
)

// Sender is the sender's result: B and Δ with A = B + Δ·C, where the receiver holds A and C. It prints as its type name.
type Sender struct {
	B     []aes.Block
	delta *aes.Block
}

// DeltaInsecure returns Δ. Who knows it and sees A and B knows C.
func (s Sender) DeltaInsecure() aes.Block { return *s.delta }

// Wipe overwrites the result with zeros.
func (s Sender) Wipe() {
	clear(s.B)
	clear(s.delta[:])
}

// Format prints the type's name only.
func (s Sender) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "vole.Sender") }

// LogValue logs the type's name only.
func (s Sender) LogValue() slog.Value { return slog.StringValue("vole.Sender") }

// SenderSetup is the sender between its first message and its result. Its steps are Grow (optional, while the peer
// works), Answer, in the malicious mode Prove, and Compress. It is not safe for concurrent use and prints as its type name.
type SenderSetup struct {
	params  Params
	session protocols.Session
	peer    party.ID
	tr      *transcript.Transcript
	ot      *ot.SenderSetup
	tree    *aes.Tree
	seeds   []aes.Block // one per tree; nil once they have grown
	sums    []aes.Block // two per level and tree
	totals  []aes.Block // of each tree
	v       leaves
	code    aes.Block  // public seed
	delta   *aes.Block // nil before Answer
	checked *aes.Block // Σχ·v + Q; nil unless Prove is the next step
}

// NewSender is the sender's first step and returns its setup message.
//
// Errors: fault.Invalid (zero parameters); fault.Internal (randomness fails).
func NewSender(s protocols.Session, peer party.ID, p Params) (*SenderSetup, []byte, error) {
	const op = "vole.NewSender"
	if err := p.check(op); err != nil {
		return nil, nil, err
	}
	setup, msg, err := ot.NewSender(s, peer, p.ot)
	if err != nil {
		return nil, nil, err
	}
	u := &SenderSetup{
		params: p, session: s, peer: peer, ot: setup, tr: start(s, s.Self, peer, p), seeds: make([]aes.Block, p.trees),
	}
	for i := range u.seeds {
		if _, err := io.ReadFull(s.Rand, u.seeds[i][:]); err != nil {
			return nil, nil, fault.Wrap(fault.Internal, op, err, "no randomness")
		}
	}
	u.tree = aes.NewTree(treeKeys(u.tr))
	u.tr.Append("setup", msg)
	return u, msg, nil
}

// Grow expands the trees. It needs nothing from the peer; Answer calls it if nobody did before.
func (u *SenderSetup) Grow() {
	if u.seeds == nil {
		return
	}
	p := u.params
	u.sums, u.totals = make([]aes.Block, 2*p.depth*p.trees), make([]aes.Block, p.trees)
	u.v = p.newLeaves()
	spread(u.session.Workers, p.trees, minTreesPerWorker, func(lo, hi int) {
		level := make([]aes.Block, p.levelBlocks())
		for i := lo; i < hi; i++ {
			total := p.grow(u.tree, u.seeds[i], level, u.sums[2*p.depth*i:2*p.depth*(i+1)])
			u.v.put(level[:p.leaves], i*p.leaves)
			total.store(u.totals[i][:])
		}
		clear(level)
	})
	clear(u.seeds)
	u.seeds = nil
}

// Answer is the sender's step after the receiver's reply and returns its answer.
//
// Errors: fault.Misbehaved (length, bad point, bad extension; malicious mode: inconsistent trees or choices), the peer is
// the culprit; fault.Invalid (called twice).
func (u *SenderSetup) Answer(reply []byte) ([]byte, error) {
	const op = "vole.Answer"
	p := u.params
	if u.delta != nil {
		return nil, fault.New(fault.Invalid, op, "the answer was given before")
	}
	if err := checkLength(op, reply, p.replyBytes(), u.peer); err != nil {
		return nil, err
	}
	u.tr.Append("reply", reply)
	u.code = codeSeed(u.tr)
	u.Grow()
	setupBytes := p.ot.SetupCost().RecvBytes
	transfers, err := u.ot.Finish(reply[:setupBytes])
	if err != nil {
		return nil, err
	}
	q := make([]aes.Block, p.transfers())
	if err := u.extend(transfers, q, reply[setupBytes:]); err != nil {
		return nil, err
	}
	delta := transfers.DeltaInsecure()
	u.delta = &delta
	msg := u.answer(transfers, q)
	if p.lit.Malicious {
		u.tr.Append("answer", msg)
		sum := xorBlock(u.v.checksum(newWeights(u.tr)), combine(q[ot.Kappa*p.trees:p.baseTransfers()]))
		u.checked = &sum
	}
	clear(q)
	return msg, nil
}

// Prove is the sender's step after the receiver's masked sum, in the malicious mode, and returns the proof.
//
// Errors: fault.Misbehaved (length), the peer is the culprit; fault.Invalid (before Answer, called twice, or not the
// malicious mode).
func (u *SenderSetup) Prove(masked []byte) ([]byte, error) {
	const op = "vole.Prove"
	if u.checked == nil {
		return nil, fault.New(fault.Invalid, op, "not after Answer in the malicious mode, or called twice")
	}
	if err := checkLength(op, masked, maskedBytes, u.peer); err != nil {
		return nil, err
	}
	u.tr.Append("masked", masked)
	value := xorBlock(*u.checked, gf128.Mul(*u.delta, aes.Block(masked)))
	clear(u.checked[:])
	u.checked = nil
	return proofOf(u.tr, value), nil
}

// extend makes all transfers.
func (u *SenderSetup) extend(transfers *ot.Sender, q []aes.Block, msg []byte) error {
	return u.params.batches(len(q), func(lo, hi, size int) error {
		_, err := transfers.Extend(q[lo:hi], msg[:size])
		msg = msg[size:]
		return err
	})
}

// answer masks the sums of the levels with the transfers' pads and adds the correction of each missing leaf: the tree's
// total and the sender's share of the base VOLE, Q_i, where the receiver holds Q_i + Δ·β_i.
//
// Boyle et al., ia.cr/2019/1159, §5.1 and Fig. 7: the distributed set-up of a punctured PRF.
func (u *SenderSetup) answer(transfers *ot.Sender, q []aes.Block) []byte {
	p := u.params
	path := q[p.baseTransfers():]
	p0, p1 := make([]aes.Block, len(path)), make([]aes.Block, len(path))
	transfers.Pads(p0, p1, path, uint64(p.baseTransfers()))
	msg := make([]byte, 0, p.answerBytes())
	for i := range p.trees {
		for d := range p.depth {
			k := i*p.depth + d
			left, right := xorBlock(u.sums[2*k], p0[k]), xorBlock(u.sums[2*k+1], p1[k])
			msg = append(append(msg, left[:]...), right[:]...)
		}
		fix := xorBlock(u.totals[i], combine(q[ot.Kappa*i:ot.Kappa*(i+1)]))
		msg = append(msg, fix[:]...)
	}
	clear(p0)
	clear(p1)
	clear(u.sums)
	clear(u.totals)
	return msg
}

// Compress is the sender's last step.
//
// Errors: fault.Invalid (before Answer or Prove, or called twice).
func (u *SenderSetup) Compress() (Sender, error) {
	p := u.params
	if u.delta == nil || u.checked != nil || u.v.rows == nil {
		return Sender{}, fault.New(fault.Invalid, "vole.Compress", "not after the steps before it, or called twice")
	}
	rows, parity := u.v.rows[:p.lit.Length:p.lit.Length], u.v.parity
	u.v = leaves{}
	code := p.code(u.code)
	code.Accumulate(parity, 1)
	spread(u.session.Workers, len(rows), minRowsPerWorker, func(lo, hi int) {
		code.Expand(rows[lo:hi], parity, lo)
	})
	clear(parity)
	return Sender{B: rows, delta: u.delta}, nil
}

// Format prints the type's name only.
func (u *SenderSetup) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "vole.SenderSetup") }

// LogValue logs the type's name only.
func (u *SenderSetup) LogValue() slog.Value { return slog.StringValue("vole.SenderSetup") }

// combine is Σ x^j·t_j: transfers of the bits of an element become one of the element.
func combine(t []aes.Block) (sum aes.Block) {
	for j := len(t) - 1; j >= 0; j-- {
		sum = xorBlock(gf128.MulX(sum), t[j])
	}
	return sum
}
