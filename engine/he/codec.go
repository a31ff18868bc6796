package he

import (
	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
)

// Kind is what a wire ciphertext is.
type Kind uint8

// The kinds. A number is never reused.
const (
	KindSeeded Kind = 1 // header, seed of c1, c0
	KindFull   Kind = 2 // header, c0, c1
	KindSealed Kind = 3 // header, c1, kept c0; two limbs, coefficient form
	KindPublic Kind = 4 // header, c0; the seed of c1 is known to both parties
)

const (
	// HeaderBytes is the length of the header: version, set, kind, limbs, degree, flags (u8 each), reserved u16, stride,
	// offset, log2 T, reserved (u32 each), big-endian.
	HeaderBytes = 24
	wireVersion = 1
	flagNTT     = 1
)

// header returns the only header a ciphertext of this kind and pattern may have.
func (p Params) header(kind Kind, kept Kept) (h [HeaderBytes]byte) {
	limbs, flags := p.Limbs(), uint8(flagNTT)
	if kind == KindSealed {
		limbs, flags = sealedLimbs, 0
	}
	e := wire.Encoder{B: h[:0]}
	e.U8(wireVersion)
	e.U8(uint8(p.ID()))
	e.U8(uint8(kind))
	e.U8(uint8(limbs))
	e.U8(1) // degree: (c0, c1)
	e.U8(flags)
	e.U16(0)
	e.U32(uint32(kept.Stride))
	e.U32(uint32(kept.Offset))
	e.U32(uint32(p.PlainBits()))
	e.U32(0)
	return h
}

// headerField names the field of a header that holds byte at, for errors.
func headerField(at int) string {
	switch {
	case at == 0:
		return "version"
	case at == 1:
		return "parameter set"
	case at == 2:
		return "kind"
	case at == 3:
		return "limb count"
	case at == 4:
		return "degree"
	case at == 5:
		return "form"
	case at >= 8 && at < 16:
		return "kept pattern"
	case at >= 16 && at < 20:
		return "scale"
	}
	return "reserved field"
}

// WireBytes returns the exact length of an encoding; kept is the number of kept coefficients of KindSealed, otherwise
// unused. It is 0 for an unknown kind.
func (p Params) WireBytes(kind Kind, kept int) int {
	n, limbs := p.N(), p.Limbs()
	switch kind {
	case KindSeeded:
		return HeaderBytes + SeedBytes + packedBytes(limbs*n)
	case KindFull:
		return HeaderBytes + packedBytes(2*limbs*n)
	case KindSealed:
		return HeaderBytes + packedBytes(sealedLimbs*n) + packedBytes(sealedLimbs*kept)
	case KindPublic:
		return HeaderBytes + packedBytes(limbs*n)
	}
	return 0
}

// open checks length and header before anything is allocated and returns the body. Whatever differs from what the
// shape of the step fixes is fault.Misbehaved, without culprit: the caller knows the peer.
func (p Params) open(op string, kind Kind, kept Kept, src []byte) ([]byte, error) {
	if err := p.same(op, p); err != nil {
		return nil, err
	}
	if want := p.WireBytes(kind, kept.Count); len(src) != want {
		return nil, fault.New(fault.Misbehaved, op, "%d bytes, the shape fixes %d", len(src), want)
	}
	want := p.header(kind, kept)
	for i, b := range want {
		if src[i] != b {
			return nil, fault.New(fault.Misbehaved, op, "unexpected %s in the header", headerField(i))
		}
	}
	return src[HeaderBytes:], nil
}

// unpack fills x from src, which has exactly its length.
func (p Params) unpack(op string, x poly, src []byte) error {
	r := unpacker{src: src}
	for i, limb := range x {
		if !r.take(limb, p.t.lit.q[i]) {
			return fault.New(fault.Misbehaved, op, "a coefficient not below its prime")
		}
	}
	if !r.padded() {
		return fault.New(fault.Misbehaved, op, "padding bits that are set")
	}
	return nil
}

func pack(dst []byte, parts ...poly) []byte {
	w := packer{dst: dst}
	for _, x := range parts {
		for _, limb := range x {
			w.put(limb)
		}
	}
	return w.flush()
}

// Append encodes c: as KindSeeded when it is fresh from Encrypt, otherwise as KindFull.
func (c *Ciphertext) Append(dst []byte) []byte {
	if c.seeded {
		h := c.p.header(KindSeeded, Kept{})
		dst = append(dst, h[:]...)
		return pack(append(dst, c.seed[:]...), c.c0)
	}
	h := c.p.header(KindFull, Kept{})
	return pack(append(dst, h[:]...), c.c0, c.c1)
}

// Decode reads a ciphertext of KindSeeded or KindFull. It counts as one fresh ciphertext: for a KindFull that is a sum,
// the caller's Load counts the parts.
//
// Errors: fault.Misbehaved without culprit (length, header, a coefficient not below its prime), fault.Invalid (another
// kind, zero Params).
func Decode(p Params, kind Kind, src []byte) (*Ciphertext, error) {
	const op = "he.Decode"
	if kind != KindSeeded && kind != KindFull {
		return nil, fault.New(fault.Invalid, op, "kind %d is not a ciphertext", kind)
	}
	body, err := p.open(op, kind, Kept{}, src)
	if err != nil {
		return nil, err
	}
	ct := newCiphertext(p)
	ct.polys, ct.xmax = 1, 1
	if kind == KindFull {
		half := len(body) / 2
		if err := p.unpack(op, ct.c0, body[:half]); err != nil {
			return nil, err
		}
		if err := p.unpack(op, ct.c1, body[half:]); err != nil {
			return nil, err
		}
		return ct, nil
	}
	ct.seed, ct.seeded = [SeedBytes]byte(body[:SeedBytes]), true
	if err := p.unpack(op, ct.c0, body[SeedBytes:]); err != nil {
		return nil, err
	}
	expand(p, ct.c1, ct.seed)
	return ct, nil
}

// expand fills x with the uniform polynomial of seed.
func expand(p Params, x poly, seed [SeedBytes]byte) {
	s := &sampler{buf: make([]byte, samplerBuffer)}
	s.reset(seed)
	s.uniform(x, p.t.subs)
}

// Append encodes pk as KindPublic.
func (pk *PublicKey) Append(dst []byte) []byte {
	c0 := newPoly(pk.p.Limbs(), pk.p.N())
	for i, sub := range pk.p.t.subs {
		sub.IMForm(pk.c0[i], c0[i])
	}
	h := pk.p.header(KindPublic, Kept{})
	return pack(append(dst, h[:]...), c0)
}

// DecodePublicKey reads a key of KindPublic; seed is the one both parties derive from the transcript.
//
// Errors: fault.Misbehaved without culprit (length, header, a coefficient not below its prime), fault.Invalid (zero
// Params).
func DecodePublicKey(p Params, seed [SeedBytes]byte, src []byte) (*PublicKey, error) {
	const op = "he.DecodePublicKey"
	body, err := p.open(op, KindPublic, Kept{}, src)
	if err != nil {
		return nil, err
	}
	ct := newCiphertext(p)
	if err := p.unpack(op, ct.c0, body); err != nil {
		return nil, err
	}
	expand(p, ct.c1, seed)
	return newPublicKey(ct), nil
}

// Append encodes c as KindSealed.
func (c *Sealed) Append(dst []byte) []byte {
	h := c.p.header(KindSealed, c.kept)
	dst = pack(append(dst, h[:]...), c.c1)
	return pack(dst, c.c0)
}

// DecodeSealed reads a ciphertext of KindSealed with exactly the given pattern.
//
// Errors: fault.Misbehaved without culprit (length, header, padding, a coefficient not below its prime), fault.Invalid
// (bad pattern, zero Params), fault.Unsupported (a set that cannot seal).
func DecodeSealed(p Params, kept Kept, src []byte) (*Sealed, error) {
	const op = "he.DecodeSealed"
	if err := kept.check(op, p.N()); err != nil {
		return nil, err
	}
	if !p.Floods() {
		return nil, fault.New(fault.Unsupported, op, "parameter set %s has no room to flood", p.ID())
	}
	body, err := p.open(op, KindSealed, kept, src)
	if err != nil {
		return nil, err
	}
	out := &Sealed{p: p, kept: kept, c0: newPoly(sealedLimbs, kept.Count), c1: newPoly(sealedLimbs, p.N())}
	whole := packedBytes(sealedLimbs * p.N())
	if err := p.unpack(op, out.c1, body[:whole]); err != nil {
		return nil, err
	}
	if err := p.unpack(op, out.c0, body[whole:]); err != nil {
		return nil, err
	}
	return out, nil
}
