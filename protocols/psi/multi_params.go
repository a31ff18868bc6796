package psi

import (
	"cmp"
	"crypto/sha256"
	"math/bits"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/kernel/okvs"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/protocols"
)

// MaxParties bounds the parties of one intersection: every pair of them keeps a connection and a key.
const MaxParties = 32

// The roles of an intersection of three and more parties.
const (
	Leader protocols.Role = "leader" // P₀, who learns the intersection
	Member protocols.Role = "member" // P₁ … P_{k−1}
)

// Declared is what the plan says about one party.
type Declared struct {
	Party party.ID
	Items int // most distinct items, at most MaxItemsRR22
}

// MultiLiteral is what a plan writes down, unchecked. Equal literals at all parties are a condition of the run.
type MultiLiteral struct {
	Leader  Declared
	Members []Declared // at least two
	// Everyone says that the leader tells the members the result.
	Everyone bool
	SSP      int      // statistical security in bits, at least MinSSP
	Ruleset  [32]byte // digest of the key canonicalisation rules
}

// MultiParams are checked parameters, immutable and safe for concurrent use. The zero value is refused.
type MultiParams struct {
	lit   MultiLiteral // members sorted
	frame int
}

// NewMultiParams checks l.
//
// Errors: fault.Invalid (fewer than two members, a party twice or without a name, a negative size, SSP below MinSSP),
// fault.LimitExceeded (more than MaxParties, a size above MaxItemsRR22), those of okvs.NewParams.
func NewMultiParams(l MultiLiteral) (MultiParams, error) {
	const op = "psi.NewMultiParams"
	if len(l.Members) < 2 {
		return MultiParams{}, fault.New(fault.Invalid, op, "%d members beside the leader, at least 2; two parties use NewParams", len(l.Members))
	}
	if len(l.Members)+1 > MaxParties {
		return MultiParams{}, fault.New(fault.LimitExceeded, op, "%d parties, MaxParties is %d", len(l.Members)+1, MaxParties)
	}
	if l.SSP < MinSSP {
		return MultiParams{}, fault.New(fault.Invalid, op, "ssp of %d bits, at least %d", l.SSP, MinSSP)
	}
	l.Members = slices.Clone(l.Members)
	slices.SortFunc(l.Members, func(a, b Declared) int { return cmp.Compare(a.Party, b.Party) })
	seen := map[party.ID]bool{}
	for _, d := range append([]Declared{l.Leader}, l.Members...) {
		switch {
		case d.Party == "" || seen[d.Party]:
			return MultiParams{}, fault.New(fault.Invalid, op, "a party is named twice, or not at all")
		case d.Items < 0:
			return MultiParams{}, fault.New(fault.Invalid, op, "negative declared size")
		case d.Items > MaxItemsRR22:
			return MultiParams{}, fault.New(fault.LimitExceeded, op, "%d declared items, MaxItemsRR22 is %d; cut the sets into buckets", d.Items, MaxItemsRR22)
		}
		seen[d.Party] = true
	}
	p := MultiParams{lit: l, frame: frameItems}
	for _, d := range l.Members {
		if _, err := p.multiShape(l.Leader.Items, d.Items); err != nil {
			return MultiParams{}, err
		}
	}
	return p, nil
}

// Digest identifies the parameters; the greeting compares it.
func (p MultiParams) Digest() [32]byte {
	var e wire.Encoder
	e.String("tacit/psi/multi/params/v1")
	e.U32(uint32(p.lit.SSP))
	e.Fixed(p.lit.Ruleset[:])
	e.Bool(p.lit.Everyone)
	e.U32(uint32(len(p.lit.Members)))
	for _, d := range append([]Declared{p.lit.Leader}, p.lit.Members...) {
		e.String(string(d.Party))
		e.U32(uint32(d.Items))
	}
	e.U32(uint32(p.frame))
	return sha256.Sum256(e.B)
}

// declared returns what the plan says about a party.
func (p MultiParams) declared(id party.ID) (Declared, bool) {
	if id == p.lit.Leader.Party {
		return p.lit.Leader, true
	}
	k := slices.IndexFunc(p.lit.Members, func(d Declared) bool { return d.Party == id })
	if k < 0 {
		return Declared{}, false
	}
	return p.lit.Members[k], true
}

// pair returns the parameters of the leader's run of method rr22 with a member.
func (p MultiParams) pair(member party.ID) Params {
	d, _ := p.declared(member)
	return Params{lit: ParamsLiteral{
		Method: MethodRR22, Output: OutputReceiver, SSP: p.ssp(), Ruleset: p.lit.Ruleset,
		ReceiverItems: p.lit.Leader.Items, SenderItems: d.Items,
	}, frame: p.frame}
}

// ssp is the statistical security of one member's part, in bits: each has two codes and the tags of the result.
func (p MultiParams) ssp() int { return p.lit.SSP + bits.Len(uint(4*len(p.lit.Members)-1)) }

// multiShape is what the leader and a member derive from their sizes.
type multiShape struct {
	shape
	hints okvs.Params // of the member's items
	hint  stream      // the member's vector
	width int         // bytes of a tag of the result
}

func (p MultiParams) multiShape(nLeader, nMember int) (m multiShape, err error) {
	pair := Params{lit: ParamsLiteral{SSP: p.ssp()}, frame: p.frame}
	if m.shape, err = pair.shape(nLeader, nMember); err != nil {
		return multiShape{}, err
	}
	m.width = tagBytes(p.ssp(), nLeader, nMember)
	if m.empty {
		return m, nil
	}
	if m.hints, err = okvs.NewParams(max(nMember, minEncoded), p.ssp()); err != nil {
		return multiShape{}, err
	}
	m.hint = stream{kind: kindVector, unit: 8 * blockBytes, total: m.hints.Slots(), per: blockFrames * p.frame}
	return m, nil
}

// result is the stream of the leader's tags of what matched.
func (p MultiParams) result(width, matched int) stream {
	return stream{kind: kindTags, unit: 8 * width, total: matched, per: p.frame}
}

// Cost returns the exact cost of the leader's connection with a member, as the leader; the member's is its Flip. Two
// members exchange greetings: one flight of GreetingBytes both ways. With Everyone the result has the given number of
// items; without it, matched is 0.
//
// Errors: those of okvs.NewParams and vole.NewParams.
func (p MultiParams) Cost(nLeader, nMember, matched int) (protocols.Cost, error) {
	m, err := p.multiShape(nLeader, nMember)
	if err != nil {
		return protocols.Cost{}, err
	}
	c := protocols.Cost{Rounds: 3, SentBytes: GreetingBytes + doneBytes, RecvBytes: GreetingBytes + doneBytes}
	if p.lit.Everyone {
		r := p.result(m.width, matched)
		c.SentBytes += commonBytes + r.bytes()
	}
	if m.empty {
		return c, nil
	}
	return c.Add(m.vole.Cost()).Add(protocols.Cost{
		Rounds: 1, SentBytes: seedBytes + m.vector.bytes(), RecvBytes: seedBytes + m.hint.bytes(),
	}), nil
}

// Leaks returns what a run discloses besides its output, word for word reveals lines of the package documentation.
func (p MultiParams) Leaks() []protocols.Leak {
	who := Leader
	if p.lit.Everyone {
		who = protocols.All
	}
	return []protocols.Leak{leakSizes(), {
		To: who, About: protocols.All, Kind: protocols.LeakIntersectionMembers,
		Detail: "which of its items every other party also holds",
	}, {
		To: Leader, About: Member, Kind: protocols.LeakIntersectionMembers,
		Detail: "if members collude with it, which of its items all other members hold",
	}}
}
