package ot

import (
	"crypto/subtle"
	"encoding/binary"
	"io"

	"github.com/cloudflare/circl/group"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/protocols/transcript"
)

// Domain separation tags of the two random oracles into the group and of the scalars.
const (
	tagPad    = "tacit/ot/base/v1/pad-point"
	tagRandom = "tacit/ot/base/v1/random-point"
	tagScalar = "tacit/ot/base/v1/scalar"
)

// wideBytes of randomness are hashed to one point or scalar, so that its distance from uniform is negligible.
const wideBytes = 64

// baseReceiver is the state of the base receiver between its message and the sender's.
type baseReceiver struct {
	tr     *transcript.Transcript // includes the message
	choice *aes.Block
	scalar []group.Scalar
}

// baseChoose is the receiver's step: for bit c a random R_{1−c} and R_c = a·G − H_c(R_{1−c}).
// Masny and Rindal, ia.cr/2019/706: endemic OT from one-round Diffie–Hellman key agreement.
//
// Errors: fault.Internal when rnd fails.
func baseChoose(tr *transcript.Transcript, rnd io.Reader, choice *aes.Block) (*baseReceiver, []byte, error) {
	r := &baseReceiver{tr: tr, choice: choice, scalar: make([]group.Scalar, Kappa)}
	sid := tr.Sum()
	msg := make([]byte, 0, baseBytes)
	for i := range Kappa {
		other, err := randomPoint(rnd)
		if err != nil {
			return nil, nil, err
		}
		if r.scalar[i], err = randomScalar(rnd); err != nil {
			return nil, nil, err
		}
		c := bit(choice, i)
		otherEnc := encode(other)
		mine := group.Ristretto255.NewElement().MulGen(r.scalar[i])
		h := padPoint(sid, i, c, otherEnc)
		mine.Add(mine, h.Neg(h))
		msg = appendSwapped(msg, encode(mine), otherEnc, c)
	}
	tr.Append("R", msg)
	return r, msg, nil
}

// keys is the receiver's last step: k_{i,c} from A.
//
// Errors: fault.Misbehaved without a culprit when A is no valid point.
func (r *baseReceiver) keys(a []byte) ([]aes.Block, error) {
	point, err := decodePoint(a)
	if err != nil {
		return nil, err
	}
	r.tr.Append("A", a)
	out := make([]aes.Block, Kappa)
	for i := range out {
		shared := group.Ristretto255.NewElement().Mul(point, r.scalar[i])
		out[i] = baseKey(r.tr, i, bit(r.choice, i), shared)
	}
	return out, nil
}

// baseSend is the sender's step: one x for all i, A = x·G and k_{i,j} = KDF(x·(R_j + H_j(R_{1−j})), transcript, i, j).
//
// Errors: fault.Misbehaved without a culprit (decodeBase); fault.Internal when rnd fails.
func baseSend(tr *transcript.Transcript, rnd io.Reader, msg []byte) (a []byte, keys [][2]aes.Block, err error) {
	pairs, err := decodeBase(msg)
	if err != nil {
		return nil, nil, err
	}
	x, err := randomScalar(rnd)
	if err != nil {
		return nil, nil, err
	}
	sid := tr.Sum()
	a = encode(group.Ristretto255.NewElement().MulGen(x))
	tr.Append("R", msg)
	tr.Append("A", a)
	keys = make([][2]aes.Block, Kappa)
	for i, p := range pairs {
		for j := range byte(2) {
			shared := padPoint(sid, i, j, p.enc[1-j])
			shared.Add(shared, p.point[j])
			shared.Mul(shared, x)
			keys[i][j] = baseKey(tr, i, j, shared)
		}
	}
	return a, keys, nil
}

// padPoint is H_j of the i-th transfer; i, j and the session enter it.
func padPoint(sid [32]byte, i int, j byte, enc []byte) group.Element {
	in := make([]byte, 0, len(sid)+3+pointBytes)
	in = append(in, sid[:]...)
	in = binary.BigEndian.AppendUint16(in, uint16(i))
	in = append(in, j)
	in = append(in, enc...)
	return group.Ristretto255.HashToElement(in, []byte(tagPad))
}

// baseKey derives a key from the shared point and everything both sides have sent.
func baseKey(tr *transcript.Transcript, i int, j byte, shared group.Element) (k aes.Block) {
	t := tr.Fork()
	t.AppendInt("transfer", i)
	t.AppendInt("side", int(j))
	t.Append("point", encode(shared))
	t.Expand("key", k[:])
	return k
}

// appendSwapped appends first and second, exchanged when swap is 1, in constant time.
func appendSwapped(dst, first, second []byte, swap byte) []byte {
	n := len(dst)
	dst = append(append(dst, first...), second...)
	subtle.ConstantTimeCopy(int(swap), dst[n:n+len(second)], second)
	subtle.ConstantTimeCopy(int(swap), dst[n+len(second):], first)
	return dst
}

// randomPoint hashes 64 bytes of rnd to a point: circl's RandomElement ignores its reader.
func randomPoint(rnd io.Reader) (group.Element, error) {
	var b [wideBytes]byte
	if _, err := io.ReadFull(rnd, b[:]); err != nil {
		return nil, fault.Wrap(fault.Internal, "ot.randomPoint", err, "no randomness")
	}
	return group.Ristretto255.HashToElement(b[:], []byte(tagRandom)), nil
}

// randomScalar hashes 64 bytes of rnd to a scalar: circl's RandomScalar ignores its reader.
func randomScalar(rnd io.Reader) (group.Scalar, error) {
	var b [wideBytes]byte
	if _, err := io.ReadFull(rnd, b[:]); err != nil {
		return nil, fault.Wrap(fault.Internal, "ot.randomScalar", err, "no randomness")
	}
	return group.Ristretto255.HashToScalar(b[:], []byte(tagScalar)), nil
}

// encode returns e's 32 bytes.
func encode(e group.Element) []byte {
	b, err := e.MarshalBinary()
	if err != nil {
		return make([]byte, pointBytes) // unreachable: ristretto255 points always encode
	}
	return b
}
