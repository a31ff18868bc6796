package direct

import (
	"encoding/binary"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

const headerBytes = 4

type kind uint8

const (
	kindData   kind = 1
	kindBeat   kind = 2
	kindClose  kind = 3
	kindClosed kind = 4
)

// header is what stands before a payload of n bytes.
type header struct {
	kind kind
	n    int
}

func appendHeader(b []byte, k kind, n int) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(k)<<24|uint32(n))
}

// decodeHeader reads the headerBytes before a payload.
//
// Errors: fault.Misbehaved (wrong), fault.LimitExceeded (a message longer than protocols.MaxMessage).
func decodeHeader(b []byte) (header, error) {
	const op = "direct.frame"
	if len(b) != headerBytes {
		return header{}, fault.New(fault.Misbehaved, op, "a header of %d bytes, expected %d", len(b), headerBytes)
	}
	v := binary.BigEndian.Uint32(b)
	h := header{kind(v >> 24), int(v & 0xffffff)}
	switch {
	case h.kind == kindData && h.n > protocols.MaxMessage:
		return header{}, fault.New(fault.LimitExceeded, op, "a message of %d bytes, at most %d", h.n, protocols.MaxMessage)
	case h.kind == kindData, h.kind == kindClose && h.n == 1, (h.kind == kindBeat || h.kind == kindClosed) && h.n == 0:
		return h, nil
	}
	return header{}, fault.New(fault.Misbehaved, op, "a frame of kind %d with %d bytes", h.kind, h.n)
}
