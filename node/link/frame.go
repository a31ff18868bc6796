package link

import (
	"encoding/binary"
	"hash/crc32"

	"google.golang.org/grpc/mem"

	"github.com/tacit-data/tacit/api/fault"
)

const (
	headerBytes = 24

	// maxPayloadBytes bounds one frame: of 64 KiB, 1 and 4 MiB the fastest, and gateways cap bodies at 2 MB.
	maxPayloadBytes = 1 << 20

	// maxGRPCBytes is what gRPC accepts as one message.
	maxGRPCBytes = 1<<20 + 64<<10
)

type kind uint8

const (
	kindHello   kind = 1
	kindOpen    kind = 2
	kindData    kind = 3
	kindAck     kind = 4
	kindCredit  kind = 5
	kindBeat    kind = 6
	kindControl kind = 7
	kindClose   kind = 8
	kindReset   kind = 9
)

const (
	flagLast   = 1 // DATA: the message ends here
	flagResend = 4 // ACK on stream 0: send again what follows seq
	knownFlags = flagLast | flagResend
)

// frame is one unit on the wire. An incoming frame owns its payload; an outgoing one holds it in body, which gRPC frees.
type frame struct {
	kind    kind
	flags   uint8
	stream  uint32
	seq     uint64
	payload []byte

	body mem.Buffer // outgoing, instead of payload
	err  error      // why an incoming frame was refused
}

// cost is what a frame of n payload bytes takes from its stream's credit. The header counts, so that empty messages
// cannot fill the receiver's memory for nothing.
func cost(n int) int64 { return int64(n) + headerBytes }

func (f *frame) bytes() []byte {
	if f.body != nil {
		return f.body.ReadOnlyData()
	}
	return f.payload
}

// header encodes the 24 bytes before the payload.
func (f *frame) header() []byte {
	h, p := make([]byte, headerBytes), f.bytes()
	h[0], h[1] = byte(f.kind), f.flags
	binary.BigEndian.PutUint32(h[4:], f.stream)
	binary.BigEndian.PutUint64(h[8:], f.seq)
	binary.BigEndian.PutUint32(h[16:], uint32(len(p)))
	binary.BigEndian.PutUint32(h[20:], checksum(h, p))
	return h
}

func checksum(header, payload []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli) // the library's own table, made once
	return crc32.Update(crc32.Checksum(header[:20], table), table, payload)
}

// parseHeader reads the header of a frame that is total bytes long. The payload is not looked at, see verify.
//
// Errors: fault.Misbehaved (wrong), fault.LimitExceeded (too long).
func parseHeader(h []byte, total int) (frame, error) {
	const op = "link.frame"
	if len(h) < headerBytes || total < headerBytes {
		return frame{}, fault.New(fault.Misbehaved, op, "a frame of %d bytes, at least %d", total, headerBytes)
	}
	f := frame{
		kind: kind(h[0]), flags: h[1],
		stream: binary.BigEndian.Uint32(h[4:]), seq: binary.BigEndian.Uint64(h[8:]),
	}
	n := binary.BigEndian.Uint32(h[16:])
	switch {
	case n > maxPayloadBytes:
		return frame{}, fault.New(fault.LimitExceeded, op, "a payload of %d bytes, at most %d", n, maxPayloadBytes)
	case int(n) != total-headerBytes:
		return frame{}, fault.New(fault.Misbehaved, op, "a length of %d bytes with %d present", n, total-headerBytes)
	case f.kind < kindHello || f.kind > kindReset:
		return frame{}, fault.New(fault.Misbehaved, op, "frame kind %d", f.kind)
	case f.flags&^knownFlags != 0 || h[2] != 0 || h[3] != 0:
		return frame{}, fault.New(fault.Misbehaved, op, "flags %#x or reserved bytes set", f.flags)
	}
	return f, nil
}

// verify checks the checksum once the payload is there.
//
// Errors: fault.Corrupt.
func (f *frame) verify(h []byte) error {
	if binary.BigEndian.Uint32(h[20:]) != checksum(h, f.payload) {
		return fault.New(fault.Corrupt, "link.frame", "the checksum of a frame does not match")
	}
	return nil
}
