package oprf

import (
	"crypto/sha256"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/protocols"
)

// The kinds of messages, their first byte.
const (
	kindHello   = 1
	kindRequest = 2
	kindAnswer  = 3
	kindOffer   = 4
	kindChunk   = 5
)

// wireVersion is the version of this encoding.
const wireVersion = 1

// Encoded sizes in bytes. A frame is kind u8, seq u32, count u32 and its data.
const (
	checkBytes  = 16
	helloBytes  = 1 + 2 + 1 + 32 + 32 + pinBytes + 4 + checkBytes
	offerBytes  = 1 + 2 + 32 + 32 + 8 + checkBytes
	headerBytes = 1 + 4 + 4
	pinBytes    = 3 * 32
)

// chunkBytes is the data of a full chunk of a tag file: the message is at most protocols.MaxMessage.
const chunkBytes = protocols.MaxMessage - headerBytes

// Pin is what identifies a tag file and all that belongs to it. Both parties keep it: the server in its catalog of
// epochs, the client beside the cached file. It is not secret.
type Pin struct {
	Epoch [32]byte // the epoch's id, chosen by the server, in every item
	Key   [32]byte // commitment to the public key (Key.Commitment)
	File  [32]byte // digest of the tag file
}

func (p Pin) encode(e *wire.Encoder) {
	e.Fixed(p.Epoch[:])
	e.Fixed(p.Key[:])
	e.Fixed(p.File[:])
}

func decodePin(d *wire.Decoder) Pin { return Pin{Epoch: d.Hash(), Key: d.Hash(), File: d.Hash()} }

// hello opens a run: what both must agree on, and the client's number of queries.
type hello struct {
	version uint16
	server  bool
	binding [32]byte
	params  [32]byte
	pin     Pin
	queries int // 0 from the server
}

func (h hello) encode() []byte {
	e := wire.Encoder{B: make([]byte, 0, helloBytes)}
	e.U8(kindHello)
	e.U16(h.version)
	e.Bool(h.server)
	e.Fixed(h.binding[:])
	e.Fixed(h.params[:])
	h.pin.encode(&e)
	e.U32(uint32(h.queries))
	return appendCheck(e.B)
}

func decodeHello(msg []byte) (hello, error) {
	d := wire.NewDecoder(msg, "oprf.decodeHello")
	expectKind(d, kindHello)
	h := hello{version: d.U16(), server: d.Bool(), binding: d.Hash(), params: d.Hash(), pin: decodePin(d)}
	n := d.U32()
	if n > MaxSessionQueries {
		d.Fail(fault.LimitExceeded, "%d queries, MaxSessionQueries is %d", n, MaxSessionQueries)
	}
	h.queries = int(n)
	expectCheck(d, msg)
	return h, d.Done()
}

// offer opens the transfer of a tag file.
type offer struct {
	version uint16
	binding [32]byte
	params  [32]byte
	records int
}

func (o offer) encode() []byte {
	e := wire.Encoder{B: make([]byte, 0, offerBytes)}
	e.U8(kindOffer)
	e.U16(o.version)
	e.Fixed(o.binding[:])
	e.Fixed(o.params[:])
	e.U64(uint64(o.records))
	return appendCheck(e.B)
}

func decodeOffer(msg []byte, maxRecords int) (offer, error) {
	d := wire.NewDecoder(msg, "oprf.decodeOffer")
	expectKind(d, kindOffer)
	o := offer{version: d.U16(), binding: d.Hash(), params: d.Hash()}
	n := d.U64()
	if n > uint64(maxRecords) {
		d.Fail(fault.LimitExceeded, "a tag file of %d records, the plan declared %d", n, maxRecords)
	}
	o.records = int(n)
	expectCheck(d, msg)
	return o, d.Done()
}

// appendCheck appends a checksum of b, so that an altered message never reads as another epoch: that would send the
// client to fetch a file it has.
func appendCheck(b []byte) []byte {
	sum := checkOf(b)
	return append(b, sum[:checkBytes]...)
}

func expectCheck(d *wire.Decoder, msg []byte) {
	got := d.Fixed(checkBytes)
	if d.Err() != nil {
		return
	}
	want := checkOf(msg[:len(msg)-d.Left()-checkBytes])
	if [checkBytes]byte(got) != [checkBytes]byte(want[:checkBytes]) {
		d.Fail(fault.Misbehaved, "a message that does not match its checksum")
	}
}

func checkOf(b []byte) [32]byte {
	return sha256.Sum256(append([]byte("tacit/oprf/check/v1"), b...))
}

func expectKind(d *wire.Decoder, kind uint8) {
	if got := d.U8(); got != kind {
		d.Fail(fault.Misbehaved, "message of kind %d where %d is due", got, kind)
	}
}

// stream is a sequence of frames whose number and lengths both sides know beforehand: total elements of unit bytes each,
// per of them in every frame but the last, and extra bytes at the end of each frame.
type stream struct {
	kind        uint8
	unit, extra int
	total, per  int
	next        int // sequence number of the next frame
}

// finished reports whether every frame has passed.
func (s *stream) finished() bool { return s.next*s.per >= s.total }

// span returns the elements lo … hi−1 of the next frame.
func (s *stream) span() (lo, hi int) {
	lo = s.next * s.per
	return lo, min(lo+s.per, s.total)
}

// bytes returns the encoded size of all frames.
func (s *stream) bytes() int64 {
	frames := (s.total + s.per - 1) / s.per
	return int64(frames)*int64(headerBytes+s.extra) + int64(s.total)*int64(s.unit)
}

// seal starts the next frame and returns it with the parts that the caller fills.
func (s *stream) seal() (msg, data, extra []byte) {
	lo, hi := s.span()
	end := headerBytes + s.unit*(hi-lo)
	e := wire.Encoder{B: make([]byte, 0, end+s.extra)}
	e.U8(s.kind)
	e.U32(uint32(s.next))
	e.U32(uint32(hi - lo))
	s.next++
	msg = e.B[:end+s.extra]
	return msg, msg[headerBytes:end:end], msg[end:]
}

// open checks msg as the next frame and returns its parts, borrowed from msg.
//
// Errors: fault.LimitExceeded (longer than protocols.MaxMessage or than a full frame), fault.Misbehaved (anything else).
func (s *stream) open(msg []byte) (data, extra []byte, err error) {
	d := wire.NewDecoder(msg, "oprf.open")
	if len(msg) > protocols.MaxMessage {
		d.Fail(fault.LimitExceeded, "frame of %d bytes, at most %d", len(msg), protocols.MaxMessage)
	}
	expectKind(d, s.kind)
	seq, n := d.U32(), d.U32()
	if uint64(n) > uint64(s.per) {
		d.Fail(fault.LimitExceeded, "frame of %d elements, at most %d", n, s.per)
	}
	lo, hi := s.span()
	if s.finished() || seq != uint32(s.next) || int(n) != hi-lo {
		d.Fail(fault.Misbehaved, "frame out of sequence, or of another length than declared")
	}
	data, extra = d.Fixed(s.unit*(hi-lo)), d.Fixed(s.extra)
	if err := d.Done(); err != nil {
		return nil, nil, err
	}
	s.next++
	return data, extra, nil
}
