package psi

import (
	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/okvs"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/vole"
)

// MaxItemsRR22 bounds the items of one side of one run of method rr22: a bucket of 2²⁰ with its padding. The compression
// of the VOLE gathers from a table of 22 bytes per item, which above this size no longer fits a processor's cache.
const MaxItemsRR22 = 1<<20 + 1<<14

// minEncoded is the least number of items that a code is made for. Below it the shape of the code is not monotone in the
// number, and a plan's cost at the declared sizes must bound every run's; the bytes are few beside those of the VOLE. Not
// so in the malicious mode, where the size of the code is how many items a cheating receiver can ask for.
const minEncoded = 1 << 12

// maliciousTagBytes is L of the malicious mode, where a tag must also be unpredictable.
const maliciousTagBytes = 16

// blockFrames is how many field elements a frame holds for each item of a full frame: 512 KiB of 16-byte elements.
const blockFrames = 2

// checkRR22 refuses what method rr22 does not offer.
//
// Errors: fault.Invalid (a suite), those of okvs and vole.
func checkRR22(l ParamsLiteral) error {
	const op = "psi.checkRR22"
	if l.Suite != "" {
		return fault.New(fault.Invalid, op, "method %s has no suite", MethodRR22)
	}
	if l.ReceiverItems < 0 || l.SenderItems < 0 || l.SSP < MinSSP || max(l.ReceiverItems, l.SenderItems) > MaxItemsRR22 {
		return nil // NewParams says what is wrong, or cuts
	}
	_, err := Params{lit: l, frame: frameItems}.shape(l.ReceiverItems, l.SenderItems)
	return err
}

// shape is what both parties of a run of method rr22 derive from the sizes. It is empty when a set is: then nothing can
// match and nothing is computed.
type shape struct {
	empty  bool
	code   okvs.Params
	vole   vole.Params
	vector stream // P ⊕ C, from R
	tags   stream // F(y), from S
	width  int    // bytes of a tag
}

// shape returns the sizes of a run over nRecv and nSend items.
//
// Errors: those of okvs.NewParams and vole.NewParams.
func (p Params) shape(nRecv, nSend int) (shape, error) {
	s := shape{empty: nRecv == 0 || nSend == 0, width: p.widthRR22(nRecv, nSend)}
	s.tags = stream{kind: kindTags, unit: 8 * s.width, per: p.frame}
	if s.empty {
		return s, nil
	}
	var err error
	encoded := nRecv
	if !p.lit.Malicious {
		encoded = max(nRecv, minEncoded)
	}
	if s.code, err = okvs.NewParams(encoded, p.lit.SSP); err != nil {
		return shape{}, err
	}
	s.vole, err = vole.NewParams(vole.Literal{Length: s.code.Slots(), Malicious: p.lit.Malicious})
	if err != nil {
		return shape{}, err
	}
	s.vector = stream{kind: kindVector, unit: 8 * blockBytes, total: s.code.Slots(), per: blockFrames * p.frame}
	s.tags.total = nSend
	return s, nil
}

// widthRR22 is L: what the sizes ask for, and a whole block in the malicious mode.
func (p Params) widthRR22(nRecv, nSend int) int {
	if p.lit.Malicious {
		return maliciousTagBytes
	}
	return tagBytes(p.lit.SSP, nRecv, nSend)
}

// costRR22 is Cost of method rr22.
func (p Params) costRR22(nRecv, nSend int) protocols.Cost {
	s, err := p.shape(nRecv, nSend)
	if err != nil {
		return protocols.Cost{} // unreachable: NewParams derived the shape of the declared sizes, which are the largest
	}
	// hello; the tags with S's done; the matches with R's done.
	c := protocols.Cost{Rounds: 3, SentBytes: helloBytes + doneBytes, RecvBytes: helloBytes + s.tags.bytes() + doneBytes}
	if p.lit.Output == OutputBoth {
		m := p.matches(nSend)
		c.SentBytes += m.bytes()
	}
	if s.empty {
		return c
	}
	c = c.Add(s.vole.Cost()).Add(protocols.Cost{Rounds: 1, SentBytes: seedBytes + s.vector.bytes()})
	if p.lit.Malicious {
		c = c.Add(protocols.Cost{Rounds: 1, RecvBytes: commitmentBytes + openingBytes})
		if p.lit.Output == OutputBoth {
			c.SentBytes += proofBytes
		}
	}
	return c
}

// leaksRR22 is Leaks of method rr22.
func (p Params) leaksRR22() []protocols.Leak {
	leaks := []protocols.Leak{leakSizes(), leakMatches(p.lit.Output)}
	if p.lit.Malicious {
		leaks = append(leaks, protocols.Leak{
			To: Receiver, About: Sender, Kind: protocols.LeakIntersectionMembers,
			Detail: "the same for about as many items as the vector has slots, if it cheats",
		})
	}
	return leaks
}
