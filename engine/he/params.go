package he

import (
	"fmt"
	"math/bits"

	"github.com/tuneinsight/lattigo/v5/ring"

	"github.com/tacit-data/tacit/api/fault"
)

// ID names a parameter set. It travels in every ciphertext header; a number is never reused.
type ID uint8

// The parameter sets. H3 and H4 are reserved: Lookup answers fault.Unsupported.
const (
	H1 ID = 1 // agg: sums of ciphertexts, products with public numbers
	H2 ID = 2 // dot: products with private matrices, flooding
	H3 ID = 3 // depth2: one product of ciphertexts
	H4 ID = 4 // deep: polynomial evaluation
)

const (
	// XMax bounds a matrix entry or plaintext factor: 8 standard deviations at 14 fractional bits need 2^17, and
	// Invariant N1 (noise.go) is proved for it.
	XMax = 1 << 19
	// SeedBytes is the length of the seed that a uniform polynomial is expanded from.
	SeedBytes = 32
	// errorBound is B_e, the largest coefficient of a fresh error: a centred binomial of parameter 21, σ = 3.24.
	errorBound = 21
	// primeBits is the width of a packed coefficient. LogQ-style generation would take primes on both sides of 2^49;
	// ours are literal and below it.
	primeBits = 49
	// sealedLimbs is what a sealed ciphertext keeps, and also how many limbs sealing drops.
	sealedLimbs = 2
)

// literal is a parameter set before it is checked.
type literal struct {
	id    ID
	n     int
	q, p  []uint64
	logT  uint // plaintexts are Z_2^logT
	flood uint // log2 of the flooding bound F, 0 when there is no room for it
	built bool
}

// literalOf returns the row of the table; doc.go prints it.
func literalOf(id ID) (literal, bool) {
	const q0, q1, q2, q3 = 562949952798721, 562949952700417, 562949952274433, 562949951979521
	const p0 = 562949951881217
	switch id {
	case H1:
		return literal{id: id, n: 4096, q: []uint64{q0, q1}, logT: 30, built: true}, true
	case H2:
		return literal{id: id, n: 8192, q: []uint64{q0, q1, q2, q3}, logT: 64, flood: 128, built: true}, true
	case H3:
		return literal{id: id, n: 8192, q: []uint64{q0, q1, q2}, p: []uint64{p0}}, true
	case H4:
		return literal{id: id, n: 16384, q: []uint64{
			q0, 1099510054913, 1099508121601, 1099507695617, 1099506515969, 1099506352129, 1099505827841, 1099504549889,
		}, p: []uint64{p0}}, true
	}
	return literal{}, false
}

// maxLogQP is the largest log2(QP) with 128-bit security against quantum attacks, ternary secrets: the table of the
// homomorphicencryption.org standard v1.1. Lattigo checks none of this.
func maxLogQP(n int) int {
	switch n {
	case 2048:
		return 51
	case 4096:
		return 101
	case 8192:
		return 202
	case 16384:
		return 411
	case 32768:
		return 827
	}
	return 0
}

// check refuses a literal that is insecure or that the arithmetic does not fit.
func (l literal) check() error {
	const op = "he.Lookup"
	seen, total := map[uint64]bool{}, 0
	for _, list := range [][]uint64{l.q, l.p} {
		for _, q := range list {
			switch {
			case q >= 1<<primeBits:
				return fault.New(fault.Invalid, op, "a prime of %d bits, at most %d", bits.Len64(q), primeBits)
			case q%uint64(2*max(l.n, 1)) != 1:
				return fault.New(fault.Invalid, op, "a prime that is not 1 modulo 2N, N = %d", l.n)
			case !ring.IsPrime(q):
				return fault.New(fault.Invalid, op, "a composite modulus")
			case seen[q]:
				return fault.New(fault.Invalid, op, "a prime that occurs twice")
			}
			seen[q] = true
			total += bits.Len64(q)
		}
	}
	switch {
	case len(l.q) == 0:
		return fault.New(fault.Invalid, op, "no primes")
	case total > maxLogQP(l.n):
		return fault.New(fault.Invalid, op, "log QP = %d at N = %d, at most %d for 128-bit security", total, l.n, maxLogQP(l.n))
	case l.flood != 0 && len(l.q) != 2*sealedLimbs:
		return fault.New(fault.Invalid, op, "%d limbs, sealing drops %d to %d", len(l.q), 2*sealedLimbs, sealedLimbs)
	}
	return nil
}

// Params is a checked parameter set with its precomputed tables: immutable, safe for concurrent use, compared by ID.
// Only Lookup makes one; the zero value answers 0 to every question and is refused by every constructor.
type Params struct{ t *tables }

// tables is what a parameter set precomputes. Nothing writes to it after Lookup.
type tables struct {
	lit    literal
	subs   []*ring.SubRing // one per limb
	q64    uint64          // Q mod 2^64
	half   []uint64        // 2^-1 mod q_i
	whole  crt             // over all limbs
	sealed crt             // over the first sealedLimbs limbs
	drop   dropper         // valid when flooding is supported
	flood  []floodLimb     // likewise
}

// Lookup returns a parameter set. It costs a few milliseconds: call it once per job.
//
// Errors: fault.Unsupported when the set is unknown or reserved.
func Lookup(id ID) (Params, error) {
	l, ok := literalOf(id)
	if !ok || !l.built {
		return Params{}, fault.New(fault.Unsupported, "he.Lookup", "parameter set %s is not built", id)
	}
	return newParams(l)
}

func newParams(l literal) (Params, error) {
	if err := l.check(); err != nil {
		return Params{}, err
	}
	r, err := ring.NewRing(l.n, l.q)
	if err != nil {
		return Params{}, fault.Wrap(fault.Invalid, "he.Lookup", err, "the ring refuses N = %d with %d primes", l.n, len(l.q))
	}
	t := &tables{lit: l, subs: r.SubRings, q64: 1, whole: newCRT(r.SubRings)}
	for _, q := range l.q {
		t.q64 *= q
		t.half = append(t.half, (q+1)/2)
	}
	if l.flood != 0 {
		t.sealed = newCRT(r.SubRings[:sealedLimbs])
		t.drop = newDropper(r.SubRings)
		t.flood = newFloodLimbs(r.SubRings)
	}
	return Params{t}, nil
}

// String returns the set's name in the table of doc.go.
func (id ID) String() string {
	switch id {
	case H1:
		return "H1"
	case H2:
		return "H2"
	case H3:
		return "H3"
	case H4:
		return "H4"
	}
	return fmt.Sprintf("ID(%d)", uint8(id))
}

// ID returns the set's number.
func (p Params) ID() ID {
	if p.t == nil {
		return 0
	}
	return p.t.lit.id
}

// N returns the ring degree: coefficients, and so plaintext values, per polynomial.
func (p Params) N() int {
	if p.t == nil {
		return 0
	}
	return p.t.lit.n
}

// Limbs returns the number of primes of Q.
func (p Params) Limbs() int {
	if p.t == nil {
		return 0
	}
	return len(p.t.lit.q)
}

// PlainBits returns log2 T: plaintext coefficients are integers modulo T.
func (p Params) PlainBits() int {
	if p.t == nil {
		return 0
	}
	return int(p.t.lit.logT)
}

// Floods reports whether the set has room to seal a result.
func (p Params) Floods() bool { return p.t != nil && p.t.lit.flood != 0 }

// same refuses values of different sets, before any index is computed from either.
func (p Params) same(op string, others ...Params) error {
	for _, o := range others {
		if p.t == nil || p.ID() != o.ID() {
			return fault.New(fault.Invalid, op, "values of parameter sets %s and %s", p.ID(), o.ID())
		}
	}
	return nil
}
