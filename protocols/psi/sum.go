package psi

import (
	"context"
	"encoding/binary"
	"io"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine/he"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/transcript"
)

// Sum is what the receiver learns under OutputSum.
type Sum struct {
	Count int   // matches
	Total int64 // of the sender's values over the matches
}

// MaxValueBound bounds ParamsLiteral.MaxValue: a sum of 2^24 such values is below 2^60 and cannot wrap.
const MaxValueBound = 1 << 36

// Values above he.XMax are cut into an upper part and limbBits lower bits, which are summed apart.
const limbBits = 18

// The kinds of the messages of output sum.
const (
	kindKey     = 12
	kindWeights = 13
	kindSums    = 14
)

// Encoded sizes of engine/he at H2: an encrypted vector, a public key, a sealed result of one value.
const (
	weightBytes = 200_760
	keyBytes    = 200_728
	sealedBytes = 100_389
	chunkItems  = 1 << 13 // stream positions per encrypted vector
)

// ReceiveSum learns how many of its items the sender also holds, and the sum of the sender's values over them.
//
// Shape: as Receive. Bytes: Params.Cost(n_R, n_S). Reveals: Params.Leaks.
// Errors: as Receive; fault.Invalid (another output), fault.Denied (fewer matches than MinMatches; nothing is told).
func ReceiveSum(ctx context.Context, s protocols.Session, c protocols.Conn, items []Item, p Params) (Sum, error) {
	const op = "psi.ReceiveSum"
	if err := checkSum(p); err != nil {
		return Sum{}, settle(op, err)
	}
	r, err := start(ctx, s, c, Receiver, items, p)
	if err != nil {
		return Sum{}, settle(op, err)
	}
	sum, err := r.receiveSum(ctx, items)
	if err != nil {
		return Sum{}, settle(op, r.blame(err))
	}
	return sum, nil
}

// SendSum lets the receiver learn what ReceiveSum says, and learns nothing. values[i] belongs to items[i].
//
// Errors: as Send; fault.Invalid (another output, another number of values), fault.Precision (a value beyond MaxValue).
func SendSum(ctx context.Context, s protocols.Session, c protocols.Conn, items []Item, values []int64, p Params) error {
	const op = "psi.SendSum"
	if err := checkSum(p); err != nil {
		return settle(op, err)
	}
	if err := p.checkValues(items, values); err != nil {
		return settle(op, err)
	}
	r, err := start(ctx, s, c, Sender, items, p)
	if err != nil {
		return settle(op, err)
	}
	return settle(op, r.blame(r.sendSum(ctx, items, values)))
}

func checkSum(p Params) error {
	if p.lit.Output != OutputSum {
		return fault.New(fault.Invalid, "psi.checkSum", "the plan's output is not %s", OutputSum)
	}
	return nil
}

func (p Params) checkValues(items []Item, values []int64) error {
	const op = "psi.checkValues"
	if len(items) != len(values) {
		return fault.New(fault.Invalid, op, "%d values for %d items", len(values), len(items))
	}
	for _, v := range values {
		if v > p.lit.MaxValue || v < -p.lit.MaxValue {
			return fault.New(fault.Precision, op, "a value is beyond the agreed bound of %d", p.lit.MaxValue)
		}
	}
	return nil
}

// sumFrames are the frame sequences of the last two flights.
type sumFrames struct{ key, weights, sums stream }

func (p Params) sumFrames(nSend int) sumFrames {
	return sumFrames{
		key:     stream{kind: kindKey, unit: 8 * keyBytes, total: 1, per: 1},
		weights: stream{kind: kindWeights, unit: 8 * weightBytes, total: (nSend + chunkItems - 1) / chunkItems, per: 1},
		sums:    stream{kind: kindSums, unit: 8 * sealedBytes, total: p.limbs(), per: 1},
	}
}

// limbs returns the number of parts of a value.
func (p Params) limbs() int {
	if p.lit.MaxValue < he.XMax {
		return 1
	}
	return 2
}

// costSum is what the output sum adds to the cost of output cardinality: R's done is counted there, S's second is not.
func (p Params) costSum(nSend int) protocols.Cost {
	f := p.sumFrames(nSend)
	return protocols.Cost{Rounds: 1, SentBytes: f.key.bytes() + f.weights.bytes(), RecvBytes: f.sums.bytes() + doneBytes}
}

// kept is where a product holds its result: coefficient N−1.
func kept() he.Kept { return he.Kept{Stride: chunkItems, Offset: chunkItems - 1, Count: 1} }

// keySeed is the seed of the public key's uniform part: both derive it, so that R does not choose it.
func (r *run) keySeed() (seed [he.SeedBytes]byte) {
	holder := r.s.Self
	if r.role == Sender {
		holder = party.ID(r.c.Peer())
	}
	t := transcript.ForSession("tacit/psi/sum/v1", r.s)
	t.Append("key holder", []byte(holder))
	t.Expand("public key", seed[:])
	return seed
}

// newKit returns the parameters and the one worker of a side.
func (r *run) newKit() (he.Params, *he.Kit, error) {
	h2, err := he.Lookup(he.H2)
	if err != nil {
		return he.Params{}, nil, err
	}
	kits, err := he.NewKits(h2, r.s.Rand, 1)
	if err != nil {
		return he.Params{}, nil, err
	}
	return h2, kits[0], nil
}

// receiveSum is R after hello.
func (r *run) receiveSum(ctx context.Context, items []Item) (Sum, error) {
	e, err := r.newECDH()
	if err != nil {
		return Sum{}, err
	}
	defer e.key.wipe()
	state, err := e.collect(ctx, items)
	if err != nil {
		return Sum{}, err
	}
	at, err := join(state.own, state.theirs)
	if err != nil {
		return Sum{}, err
	}
	m, denied := r.p.result(at)
	if denied != nil {
		at = make([]int32, len(at)) // S is answered as ever, about nothing
		for j := range at {
			at[j] = -1
		}
	}
	total, err := r.weigh(ctx, at)
	if err != nil {
		return Sum{}, err
	}
	if bound := r.p.lit.MaxValue * int64(m.Count); total > bound || total < -bound {
		return Sum{}, fault.New(fault.Misbehaved, "psi.receiveSum", "a sum that no values within the bound have")
	}
	return Sum{Count: m.Count, Total: total}, denied
}

// weigh is R's side of the last two flights: it encrypts 1 for each matched stream position and 0 for the others, and
// opens what S makes of it.
func (r *run) weigh(ctx context.Context, at []int32) (int64, error) {
	h2, kit, err := r.newKit()
	if err != nil {
		return 0, err
	}
	secret, err := he.NewSecret(h2, r.s.Rand)
	if err != nil {
		return 0, err
	}
	f := r.p.sumFrames(r.nSend)
	err = protocols.Exchange(ctx, r.c, func(ctx context.Context) error {
		public, err := kit.PublicKey(secret, r.keySeed())
		if err != nil {
			return err
		}
		if err := r.putOne(ctx, &f.key, public.Append(nil)); err != nil {
			return err
		}
		if err := r.putWeights(ctx, &f.weights, kit, secret, at); err != nil {
			return err
		}
		return r.put(ctx, r.verdict(r.out.Sum(), r.in.Sum(), 0).encode())
	}, nil)
	if err != nil {
		return 0, err
	}
	var total int64
	err = protocols.Exchange(ctx, r.c, nil, func(ctx context.Context) error {
		total, err = r.getSums(ctx, &f.sums, h2, kit, secret)
		return err
	})
	return total, err
}

func (r *run) putWeights(ctx context.Context, f *stream, kit *he.Kit, secret he.Secret, at []int32) error {
	ct, err := he.NewCiphertext(kit.Params())
	if err != nil {
		return err
	}
	weight := make([]uint64, chunkItems)
	defer clear(weight)
	for lo := 0; lo < len(at); lo += chunkItems {
		clear(weight)
		for k, i := range at[lo:min(lo+chunkItems, len(at))] {
			weight[k] = uint64(1 ^ uint32(i)>>31) // 1 where i ≥ 0
		}
		if err := kit.Encrypt(ct, secret, weight); err != nil {
			return err
		}
		if err := r.putOne(ctx, f, ct.Append(nil)); err != nil {
			return err
		}
	}
	return nil
}

// putOne sends a frame of one element.
func (r *run) putOne(ctx context.Context, f *stream, b []byte) error {
	msg, data := f.seal()
	if len(b) != len(data) {
		return fault.New(fault.Internal, "psi.putOne", "an element of %d bytes, %d planned", len(b), len(data))
	}
	copy(data, b)
	return r.put(ctx, msg)
}

// getSums receives the sealed sums of the limbs, most significant first, and S's done.
func (r *run) getSums(ctx context.Context, f *stream, h2 he.Params, kit *he.Kit, secret he.Secret) (int64, error) {
	var parts []*he.Sealed
	for !f.finished() {
		data, err := r.getOne(ctx, f)
		if err != nil {
			return 0, err
		}
		sealed, err := he.DecodeSealed(h2, kept(), data)
		if err != nil {
			return 0, err
		}
		parts = append(parts, sealed)
	}
	if err := r.getVerdict(ctx, r.verdict(r.out.Sum(), r.in.Sum(), 0)); err != nil {
		return 0, err
	}
	var total int64
	for _, part := range parts {
		var v [1]uint64
		if err := kit.Open(v[:], secret, part); err != nil {
			return 0, err
		}
		total = total<<limbBits + int64(v[0])
	}
	return total, nil
}

func (r *run) getOne(ctx context.Context, f *stream) ([]byte, error) {
	msg, err := r.get(ctx)
	if err != nil {
		return nil, err
	}
	return f.open(msg)
}

// sendSum is S after hello.
func (r *run) sendSum(ctx context.Context, items []Item, values []int64) error {
	e, err := r.newECDH()
	if err != nil {
		return err
	}
	defer e.key.wipe()
	order, err := e.answer(ctx, items)
	if err != nil {
		return err
	}
	h2, kit, err := r.newKit()
	if err != nil {
		return err
	}
	f := r.p.sumFrames(r.nSend)
	var public *he.PublicKey
	var acc []*he.Ciphertext
	err = protocols.Exchange(ctx, r.c, nil, func(ctx context.Context) error {
		data, err := r.getOne(ctx, &f.key)
		if err != nil {
			return err
		}
		if public, err = he.DecodePublicKey(h2, r.keySeed(), data); err != nil {
			return err
		}
		value := func(j int) int64 { return values[order[j]] }
		if acc, err = r.accumulate(ctx, &f.weights, kit, value); err != nil {
			return err
		}
		return r.getVerdict(ctx, r.verdict(r.in.Sum(), r.out.Sum(), 0))
	})
	if err != nil {
		return err
	}
	return protocols.Exchange(ctx, r.c, func(ctx context.Context) error { return r.putSums(ctx, &f, kit, acc, public) }, nil)
}

// accumulate multiplies R's encrypted weights with the limbs of the values, most significant first. value(j) is the one
// at stream position j. Position k of a chunk meets the coefficient N−1−k, so that the products meet at N−1.
func (r *run) accumulate(ctx context.Context, f *stream, kit *he.Kit, value func(int) int64) ([]*he.Ciphertext, error) {
	h2 := kit.Params()
	acc := make([]*he.Ciphertext, r.p.limbs())
	for k := range acc {
		ct, err := he.NewCiphertext(h2)
		if err != nil {
			return nil, err
		}
		acc[k] = ct
	}
	plain, err := he.NewPlain(h2)
	if err != nil {
		return nil, err
	}
	coeff := make([]int64, chunkItems)
	defer clear(coeff)
	for lo := 0; !f.finished(); lo += chunkItems {
		data, err := r.getOne(ctx, f)
		if err != nil {
			return nil, err
		}
		weights, err := he.Decode(h2, he.KindSeeded, data)
		if err != nil {
			return nil, err
		}
		for k := range acc {
			clear(coeff)
			for j := lo; j < min(lo+chunkItems, r.nSend); j++ {
				coeff[chunkItems-1-(j-lo)] = limb(value(j), k, len(acc))
			}
			if err := kit.EncodeInt(plain, coeff); err != nil {
				return nil, err
			}
			if err := kit.MulAcc(acc[k], weights, plain); err != nil {
				return nil, err
			}
		}
	}
	return acc, nil
}

// limb returns part k of n of a value: v is Σ limb·2^(limbBits·(n−1−k)).
func limb(v int64, k, n int) int64 {
	switch {
	case n == 1:
		return v
	case k == 0:
		return v >> limbBits
	}
	return v & (1<<limbBits - 1)
}

// limbMasks are what S adds to the sums of the limbs before R sees them: modulo 2^64 they cancel in the total, and each
// limb alone is uniform, so that R learns the total and nothing about how it is made up.
func limbMasks(rnd io.Reader, limbs int) ([]uint64, error) {
	if limbs == 1 {
		return []uint64{0}, nil
	}
	var b [8]byte
	defer clear(b[:])
	if _, err := io.ReadFull(rnd, b[:]); err != nil {
		return nil, fault.Wrap(fault.Internal, "psi.limbMasks", err, "the randomness source failed")
	}
	v := binary.LittleEndian.Uint64(b[:])
	return []uint64{-v, v << limbBits}, nil
}

// putSums seals and sends the sums, and says what S saw.
func (r *run) putSums(ctx context.Context, f *sumFrames, kit *he.Kit, acc []*he.Ciphertext, to *he.PublicKey) error {
	noise, err := he.NoiseBound(kit.Params(), he.Load{Polys: max(1, f.weights.total), XMax: he.XMax, Kept: 1, Sealed: len(acc)})
	if err != nil {
		return err
	}
	masks, err := limbMasks(r.s.Rand, len(acc))
	if err != nil {
		return err
	}
	defer clear(masks)
	for k, a := range acc {
		sealed, err := kit.Seal(a, to, masks[k:k+1], kept(), noise)
		if err != nil {
			return err
		}
		if err := r.putOne(ctx, &f.sums, sealed.Append(nil)); err != nil {
			return err
		}
	}
	return r.put(ctx, r.verdict(r.in.Sum(), r.out.Sum(), 0).encode())
}
