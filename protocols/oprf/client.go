package oprf

import (
	"context"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
)

// client is the client's state between its steps: the outputs' tags and, in the labelled variant, the keys of the values.
type client struct {
	f       *TagFile
	digests []Digest
	pool    pool
	meter   meter
	request stream
	answer  stream
	pending chan Blinded // batches sent and not answered, in order
	tags    []byte
	keys    [][32]byte
}

func newClient(f *TagFile, digests []Digest, workers int) *client {
	c := &client{f: f, digests: digests, pool: newPool(workers), pending: make(chan Blinded, window)}
	c.meter = meter{total: len(digests), report: f.p.progress}
	c.request, c.answer = f.p.streams(len(digests))
	c.tags = make([]byte, len(digests)*f.h.tag)
	if f.h.value > 0 {
		c.keys = make([][32]byte, len(digests))
	}
	return c
}

// inputs returns the OPRF inputs of the digests lo … hi−1.
func (c *client) inputs(lo, hi int) [][]byte {
	out := make([][]byte, hi-lo)
	for i := range out {
		in := item(c.f.h.epoch, c.digests[lo+i])
		out[i] = in[:]
	}
	return out
}

// settle takes the answer to the oldest pending batch: RFC 9497 §3.3.2, Finalize, and the tags of the outputs.
//
// Errors: fault.Misbehaved, without culprit.
func (c *client) settle(ctx context.Context, msg []byte) error {
	lo, hi := c.answer.span()
	evaluated, proof, err := c.answer.open(msg)
	if err != nil {
		return err
	}
	var b Blinded
	select {
	case b = <-c.pending: // entered before its request was sent
	default:
		return fault.New(fault.Misbehaved, "oprf.settle", "an answer without a request")
	}
	tag, pk := c.f.h.tag, c.f.p.scheme.group.NewElement()
	if err := c.f.p.scheme.decode(pk, c.f.public); err != nil {
		return fault.Wrap(fault.Internal, "oprf.settle", err, "a checked public key does not decode")
	}
	err = b.state.finalize(ctx, c.pool, pk, evaluated, proof, func(i int, output []byte) {
		full := tagOf(output)
		copy(c.tags[(lo+i)*tag:(lo+i+1)*tag], full[:])
		if c.keys != nil {
			c.keys[lo+i] = valueKey(c.f.h.salt, output)
		}
	})
	if err == nil {
		c.meter.add(hi - lo)
	}
	return err
}

// match looks the tags up in the file.
func (c *client) match(ctx context.Context) (Matches, error) {
	type found struct {
		at    int32
		value []byte
	}
	var list []found
	unopened := 0
	err := c.f.find(ctx, c.tags, func(i int, record []byte) error {
		hit := found{at: int32(i)}
		if c.keys != nil {
			value, ok, err := open(&c.keys[i], record[:c.f.h.tag], record[c.f.h.tag:])
			if err != nil {
				return err
			}
			if !ok {
				unopened++
				return nil
			}
			hit.value = value
		}
		list = append(list, hit)
		return nil
	})
	if err != nil {
		return Matches{}, err
	}
	slices.SortFunc(list, func(a, b found) int { return int(a.at) - int(b.at) })
	m := Matches{Position: make([]int32, len(list)), Unopened: unopened}
	if c.keys != nil {
		m.Value = make([][]byte, len(list))
	}
	for k, hit := range list {
		m.Position[k] = hit.at
		if c.keys != nil {
			m.Value[k] = hit.value
		}
	}
	return m, nil
}

// wipe overwrites what the client keeps secret; nothing else uses c any more.
func (c *client) wipe() {
	close(c.pending)
	for b := range c.pending {
		b.discard()
	}
	clear(c.tags)
	clear(c.keys)
}
