package he

import (
	"math"
	"math/bits"

	"github.com/tacit-data/tacit/api/fault"
)

// Load is what a job asks of one kind of sealed ciphertext.
type Load struct {
	Polys  int   // b: polynomials accumulated into one ciphertext
	XMax   int64 // the largest |x| of a factor; 1 for plain sums
	Kept   int   // K: kept coefficients per sealed ciphertext; 0 where the key holder's own sums are decrypted unsealed
	Sealed int   // C: sealed ciphertexts of the whole job, all iterations
}

// Noise is the proof that a Load decrypts correctly and, if sealed, hides the factors. Only NoiseBound makes one; Seal
// refuses what exceeds it.
type Noise struct {
	p       Params
	load    Load
	product uint64  // B_p
	log2    float64 // of the statistical distance
}

// distanceBits is the statistical distance allowed over a whole job: 2^-40.
const distanceBits = 40

// NoiseBound proves a load. Invariant N1, with B_p = b·N·X_max·(B_e+½) + 2N·B_e + B_e + 1 and F the flooding bound:
//
//	before the drop  F + B_p < Q/2^(t+1)
//	after the drop   (F + B_p)/P + N/2 + 1 < Q'/2^(t+1)
//	over the job     K·C·B_p/(2F) ≤ 2^-40
//
// Without sealing (Kept = 0) only b·N·X_max·(B_e+½) < Q/2^(t+1) is asked, for the correctness of Decrypt.
//
// Errors: fault.Precision (a condition fails), fault.Invalid (a count below its minimum, zero Params),
// fault.Unsupported (sealing with a set that has no room to flood).
func NoiseBound(p Params, l Load) (Noise, error) {
	const op = "he.NoiseBound"
	if err := p.same(op, p); err != nil {
		return Noise{}, err
	}
	if l.Polys < 1 || l.XMax < 1 || l.Kept < 0 || l.Kept > p.N() || (l.Kept > 0 && l.Sealed < 1) {
		return Noise{}, fault.New(fault.Invalid, op, "a load of %d polynomials, %d kept, %d sealed", l.Polys, l.Kept, l.Sealed)
	}
	if l.XMax > XMax {
		return Noise{}, fault.New(fault.Precision, op, "factors beyond ±%d", XMax)
	}
	product, ok := productBound(uint64(p.N()), uint64(l.Polys), uint64(l.XMax))
	if !ok {
		return Noise{}, fault.New(fault.Precision, op, "%d polynomials accumulated are too many", l.Polys)
	}
	n := Noise{p: p, load: l, product: product, log2: math.Inf(-1)}
	var err error
	switch {
	case l.Kept == 0:
		err = n.decrypts(op, float64(product))
	case !p.Floods():
		err = fault.New(fault.Unsupported, op, "parameter set %s has no room to flood", p.ID())
	default:
		err = n.seals(op)
	}
	if err != nil {
		return Noise{}, err
	}
	return n, nil
}

// productBound returns B_p, or false when it does not fit 64 bits: 2B_p counts the halves.
func productBound(n, polys, xmax uint64) (uint64, bool) {
	over, v := bits.Mul64(polys, n*xmax*(2*errorBound+1)) // n·xmax·43 < 2^14 · 2^19 · 2^6
	fresh := 2 * (2*n*errorBound + errorBound + 1)
	sum, carry := bits.Add64(v, fresh, 0)
	return sum/2 + sum&1, over == 0 && carry == 0
}

// decrypts checks noise < Q/2^(t+1).
func (n Noise) decrypts(op string, noise float64) error {
	if math.Log2(noise) >= log2(n.p.t.lit.q)-float64(n.p.t.lit.logT)-1 {
		return fault.New(fault.Precision, op, "noise of 2^%.1f exceeds the modulus", math.Log2(noise))
	}
	return nil
}

func (n *Noise) seals(op string) error {
	t := n.p.t
	flood, product := math.Ldexp(1, int(t.lit.flood)), float64(n.product)
	if err := n.decrypts(op, flood+product); err != nil {
		return err
	}
	keep := t.lit.q[:sealedLimbs]
	after := (flood+product)/math.Exp2(log2(t.lit.q[sealedLimbs:])) + float64(n.p.N())/2 + 1
	if math.Log2(after) >= log2(keep)-float64(t.lit.logT)-1 {
		return fault.New(fault.Precision, op, "noise of 2^%.1f after the drop exceeds the modulus", math.Log2(after))
	}
	n.log2 = math.Log2(float64(n.load.Kept)) + math.Log2(float64(n.load.Sealed)) + math.Log2(product) - float64(t.lit.flood) - 1
	if n.log2 > -distanceBits {
		return fault.New(fault.Precision, op, "statistical distance 2^%.1f over %d sealed ciphertexts of %d values, at most 2^-%d",
			n.log2, n.load.Sealed, n.load.Kept, distanceBits)
	}
	return nil
}

func log2(primes []uint64) (sum float64) {
	for _, q := range primes {
		sum += math.Log2(float64(q))
	}
	return sum
}

// ProductBits returns log2 of B_p, the noise that depends on the factors.
func (n Noise) ProductBits() float64 { return math.Log2(float64(n.product)) }

// DistanceBits returns log2 of the statistical distance over the job: at most −40, −∞ where nothing is sealed.
func (n Noise) DistanceBits() float64 { return n.log2 }

// covers reports whether a ciphertext with kept results stays within the proof.
func (n Noise) covers(c *Ciphertext, kept int) bool {
	return n.p.ID() == c.p.ID() && c.polys <= n.load.Polys && c.xmax <= n.load.XMax && kept <= n.load.Kept
}
