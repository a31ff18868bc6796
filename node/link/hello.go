package link

import (
	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
)

// Range is an interval of versions, both ends included.
type Range struct{ Min, Max uint32 }

func (r Range) common(o Range) (uint32, bool) {
	v := min(r.Max, o.Max)
	return v, v >= r.Min && v >= o.Min
}

// WireVersions are the frame formats this package speaks.
func WireVersions() Range { return Range{Min: 1, Max: 1} }

// hello opens every connection. Later versions append fields: a decoder ignores what follows those it knows.
type hello struct {
	party          party.ID
	wire, compiler Range
	epoch          uint64 // drawn at process start; another epoch is another process, which knows none of our sessions
	delivered      uint64 // highest control message of the reader's that the writer has consumed, 0 when not known
}

const maxHelloBytes = 4 << 10

func (h hello) frame() *frame {
	var e wire.Encoder
	e.String(string(h.party))
	for _, r := range []Range{h.wire, h.compiler} {
		e.U32(r.Min)
		e.U32(r.Max)
	}
	e.U64(h.epoch)
	e.U64(h.delivered)
	return &frame{kind: kindHello, payload: e.B}
}

func parseHello(b []byte) (hello, error) {
	const op = "link.hello"
	if len(b) > maxHelloBytes {
		return hello{}, fault.New(fault.LimitExceeded, op, "a HELLO of %d bytes, at most %d", len(b), maxHelloBytes)
	}
	d := wire.NewDecoder(b, op)
	h := hello{
		party: party.ID(d.String(party.MaxIDBytes)),
		wire:  Range{d.U32(), d.U32()}, compiler: Range{d.U32(), d.U32()},
		epoch: d.U64(), delivered: d.U64(),
	}
	if d.Err() == nil && (!party.Valid(string(h.party)) || h.wire.Min > h.wire.Max || h.compiler.Min > h.compiler.Max) {
		d.Fail(fault.Misbehaved, "not a party id, or an empty range of versions")
	}
	if d.Err() != nil {
		return hello{}, d.Err()
	}
	return h, nil
}

// compatible reports whether two nodes have a frame format and a plan compiler in common.
//
// Errors: fault.Unsupported naming both ranges.
func compatible(own, peer hello) error {
	for _, c := range []struct {
		what      string
		own, peer Range
	}{{"wire", own.wire, peer.wire}, {"compiler", own.compiler, peer.compiler}} {
		if _, ok := c.own.common(c.peer); !ok {
			return fault.New(fault.Unsupported, "link.hello", "no common %s version: %s has %d to %d, %s has %d to %d; upgrade the older",
				c.what, own.party, c.own.Min, c.own.Max, peer.party, c.peer.Min, c.peer.Max)
		}
	}
	return nil
}
