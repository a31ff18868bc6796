package intersect

import (
	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/protocols/psi"
)

// The kinds of messages between the runs of package psi, their first byte.
const (
	kindOpening  = 64
	kindSizes    = 65
	kindPlan     = 66
	kindFinished = 67
	kindFinal    = 68
	kindAck      = 69
)

// wireVersion is the version of this encoding.
const wireVersion = 1

// maxWordBytes bounds a name in a message.
const maxWordBytes = 32

// markBytes is the size of a bucket's mark: enough that two attempts never share one.
const markBytes = 16

// opening is what both say first: nothing about their data, so that a difference costs nothing.
type opening struct {
	side       Side
	job        [32]byte
	ruleset    [32]byte
	join       Join
	outputTo   Recipients
	duplicates Duplicates
	malicious  bool
	method     psi.Method
	suite      psi.Suite
	nonce      [32]byte // of this attempt
}

func (o opening) encode() []byte {
	var e wire.Encoder
	e.U8(kindOpening)
	e.U16(wireVersion)
	e.String(string(o.side))
	e.Fixed(o.job[:])
	e.Fixed(o.ruleset[:])
	e.String(string(o.join))
	e.String(string(o.outputTo))
	e.String(string(o.duplicates))
	e.Bool(o.malicious)
	e.String(string(o.method))
	e.String(string(o.suite))
	e.Fixed(o.nonce[:])
	return e.B
}

func decodeOpening(msg []byte) (opening, error) {
	d := wire.NewDecoder(msg, "intersect.decodeOpening")
	expect(d, kindOpening)
	if v := d.U16(); v != wireVersion {
		d.Fail(fault.Unsupported, "the peer speaks version %d, this is %d: use the same release of tacit", v, wireVersion)
	}
	o := opening{
		side: Side(d.String(maxWordBytes)), job: d.Hash(), ruleset: d.Hash(), join: Join(d.String(maxWordBytes)),
		outputTo: Recipients(d.String(maxWordBytes)), duplicates: Duplicates(d.String(maxWordBytes)), malicious: d.Bool(),
		method: psi.Method(d.String(maxWordBytes)), suite: psi.Suite(d.String(maxWordBytes)), nonce: d.Hash(),
	}
	return o, d.Done()
}

// sizes says how large a party's set is, and which plan it has from before; zero for none.
type sizes struct {
	keys   int64
	memory int64
	plan   [32]byte
}

func (m sizes) encode() []byte {
	var e wire.Encoder
	e.U8(kindSizes)
	e.I64(m.keys)
	e.I64(m.memory)
	e.Fixed(m.plan[:])
	return e.B
}

func decodeSizes(msg []byte) (sizes, error) {
	d := wire.NewDecoder(msg, "intersect.decodeSizes")
	expect(d, kindSizes)
	m := sizes{keys: d.I64(), memory: d.I64(), plan: d.Hash()}
	if m.keys < 0 || m.memory < minMemory {
		d.Fail(fault.Misbehaved, "a size that cannot be")
	}
	if m.keys > MaxRows {
		d.Fail(fault.LimitExceeded, "MaxRows: %d keys, at most %d", m.keys, int64(MaxRows))
	}
	return m, d.Done()
}

// choice is what the listener's planner settled on.
type choice struct {
	method   psi.Method
	suite    psi.Suite
	receiver Side
	bits     int
	nonces   [64]byte // of the attempt that made it, the listener's first
}

func (m choice) encode() []byte {
	var e wire.Encoder
	e.U8(kindPlan)
	e.String(string(m.method))
	e.String(string(m.suite))
	e.String(string(m.receiver))
	e.U8(uint8(m.bits))
	e.Fixed(m.nonces[:])
	return e.B
}

func decodeChoice(msg []byte) (choice, error) {
	d := wire.NewDecoder(msg, "intersect.decodeChoice")
	expect(d, kindPlan)
	m := choice{method: psi.Method(d.String(maxWordBytes)), suite: psi.Suite(d.String(maxWordBytes)), receiver: Side(d.String(maxWordBytes)), bits: int(d.U8())}
	copy(m.nonces[:], d.Fixed(len(m.nonces)))
	if m.receiver != Listener && m.receiver != Connector {
		d.Fail(fault.Misbehaved, "a receiver that is neither side")
	}
	if m.bits > psi.MaxBucketBits {
		d.Fail(fault.LimitExceeded, "2^%d buckets, at most 2^%d", m.bits, psi.MaxBucketBits)
	}
	return m, d.Done()
}

// mark identifies the run that finished a bucket; zero for none.
type mark [markBytes]byte

// encodeFinished lists the mark of every bucket.
func encodeFinished(marks []mark) []byte {
	e := wire.Encoder{B: make([]byte, 0, 5+len(marks)*markBytes)}
	e.U8(kindFinished)
	e.U32(uint32(len(marks)))
	for _, m := range marks {
		e.Fixed(m[:])
	}
	return e.B
}

func decodeFinished(msg []byte, want int) ([]mark, error) {
	d := wire.NewDecoder(msg, "intersect.decodeFinished")
	expect(d, kindFinished)
	if n := d.Count(1<<psi.MaxBucketBits, markBytes); n != want {
		d.Fail(fault.Misbehaved, "%d buckets where the plan has %d", n, want)
	}
	if d.Err() != nil {
		return nil, d.Err()
	}
	out := make([]mark, want)
	for i := range out {
		copy(out[i][:], d.Fixed(markBytes))
	}
	return out, d.Done()
}

// final closes a run: the rows that a party's side adds to the output beyond the matched ones, and a digest of all marks.
type final struct {
	matched int64 // rows of the matched block; 0 from a party that gets no output
	kept    int64 // unmatched rows of the sender's side in the output
	marks   [32]byte
}

func (m final) encode() []byte {
	var e wire.Encoder
	e.U8(kindFinal)
	e.I64(m.matched)
	e.I64(m.kept)
	e.Fixed(m.marks[:])
	return e.B
}

func decodeFinal(msg []byte) (final, error) {
	d := wire.NewDecoder(msg, "intersect.decodeFinal")
	expect(d, kindFinal)
	m := final{matched: d.I64(), kept: d.I64(), marks: d.Hash()}
	if m.matched < 0 || m.kept < 0 {
		d.Fail(fault.Misbehaved, "a negative count")
	}
	if m.matched > MaxRows || m.kept > MaxRows {
		d.Fail(fault.LimitExceeded, "MaxRows: an output of more than %d rows", int64(MaxRows))
	}
	return m, d.Done()
}

func encodeAck() []byte { return []byte{kindAck} }

func decodeAck(msg []byte) error {
	d := wire.NewDecoder(msg, "intersect.decodeAck")
	expect(d, kindAck)
	return d.Done()
}

func expect(d *wire.Decoder, kind uint8) {
	if got := d.U8(); got != kind {
		d.Fail(fault.Misbehaved, "message of kind %d where %d is due", got, kind)
	}
}
