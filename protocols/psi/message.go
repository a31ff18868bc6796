package psi

import (
	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/protocols"
)

// The kinds of messages, their first byte.
const (
	kindHello   = 1
	kindPoints  = 2
	kindTags    = 3
	kindMatches = 4
	kindDone    = 5
)

// wireVersion is the version of this encoding.
const wireVersion = 2

// Encoded sizes in bytes. A frame is kind u8, seq u32, count u32 and its data.
const (
	helloBytes  = 1 + 2 + 1 + 32 + 32 + 4
	headerBytes = 1 + 4 + 4
	doneBytes   = 1 + 4 + 4 + 4 + 32
)

// hello opens a run: what both must agree on, and the sender's number of items.
type hello struct {
	version  uint16
	receiver bool
	binding  [32]byte
	params   [32]byte
	items    int
}

func (h hello) encode() []byte {
	e := wire.Encoder{B: make([]byte, 0, helloBytes)}
	e.U8(kindHello)
	e.U16(h.version)
	e.Bool(h.receiver)
	e.Fixed(h.binding[:])
	e.Fixed(h.params[:])
	e.U32(uint32(h.items))
	return e.B
}

func decodeHello(msg []byte) (hello, error) {
	d := wire.NewDecoder(msg, "psi.decodeHello")
	expectKind(d, kindHello)
	h := hello{version: d.U16(), receiver: d.Bool(), binding: d.Hash(), params: d.Hash()}
	n := d.U32()
	if n > MaxItems {
		d.Fail(fault.LimitExceeded, "%d items, MaxItems is %d", n, MaxItems)
	}
	h.items = int(n)
	return h, d.Done()
}

// done closes a side's run: what it saw. matched is 0 where the party does not tell.
type done struct {
	receiverItems, senderItems, matched int
	digest                              [32]byte
}

func (m done) encode() []byte {
	e := wire.Encoder{B: make([]byte, 0, doneBytes)}
	e.U8(kindDone)
	e.U32(uint32(m.receiverItems))
	e.U32(uint32(m.senderItems))
	e.U32(uint32(m.matched))
	e.Fixed(m.digest[:])
	return e.B
}

func decodeDone(msg []byte) (done, error) {
	d := wire.NewDecoder(msg, "psi.decodeDone")
	expectKind(d, kindDone)
	m := done{receiverItems: count(d), senderItems: count(d), matched: count(d), digest: d.Hash()}
	return m, d.Done()
}

func count(d *wire.Decoder) int {
	n := d.U32()
	if n > MaxItems {
		d.Fail(fault.LimitExceeded, "a count of %d, MaxItems is %d", n, MaxItems)
	}
	return int(n)
}

func expectKind(d *wire.Decoder, kind uint8) {
	if got := d.U8(); got != kind {
		d.Fail(fault.Misbehaved, "message of kind %d where %d is due", got, kind)
	}
}

// streams are the frame sequences of a run of method ecdh.
type streams struct{ fromReceiver, fromSender, tags stream }

// stream is a sequence of frames whose number and lengths both sides know beforehand: total elements of unit bits each,
// per of them in every frame but the last.
type stream struct {
	kind       uint8
	unit       int
	total, per int
	next       int // sequence number of the next frame
}

// finished reports whether every frame has passed.
func (s *stream) finished() bool { return s.next*s.per >= s.total }

// span returns the elements lo … hi−1 of the next frame.
func (s *stream) span() (lo, hi int) {
	lo = s.next * s.per
	return lo, min(lo+s.per, s.total)
}

// size returns the bytes of n elements.
func (s *stream) size(n int) int { return (n*s.unit + 7) / 8 }

// bytes returns the encoded size of all frames.
func (s *stream) bytes() int64 {
	if s.total == 0 {
		return 0
	}
	frames := (s.total + s.per - 1) / s.per
	last := s.total - (frames-1)*s.per
	return int64(frames)*headerBytes + int64(frames-1)*int64(s.size(s.per)) + int64(s.size(last))
}

// seal starts the next frame and returns it with the part that the caller fills.
func (s *stream) seal() (msg, data []byte) { return s.sealIn(nil) }

// sealIn is seal in the memory of a frame that is no longer needed, if that is long enough.
func (s *stream) sealIn(old []byte) (msg, data []byte) {
	lo, hi := s.span()
	n := headerBytes + s.size(hi-lo)
	if cap(old) < n {
		old = make([]byte, 0, n)
	}
	e := wire.Encoder{B: old[:0]}
	e.U8(s.kind)
	e.U32(uint32(s.next))
	e.U32(uint32(hi - lo))
	s.next++
	msg = e.B[:n]
	return msg, msg[headerBytes:]
}

// open checks msg as the next frame and returns its data, borrowed from msg.
//
// Errors: fault.LimitExceeded (longer than protocols.MaxMessage or than a full frame), fault.Misbehaved (anything else).
func (s *stream) open(msg []byte) ([]byte, error) {
	d := wire.NewDecoder(msg, "psi.open")
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
	data := d.Fixed(s.size(hi - lo))
	if err := d.Done(); err != nil {
		return nil, err
	}
	s.next++
	return data, nil
}
