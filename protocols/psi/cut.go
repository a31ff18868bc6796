package psi

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math"
	"runtime"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

// MaxCutItems bounds the declared items of one side of a run that is cut into buckets: positions are 32-bit, and the
// caller holds 32 bytes of each item in memory.
const MaxCutItems = 1 << 28

// cutItems is where method ecdh is cut too, although it could do more at once: the tags of both sides take 40 bytes of
// memory per item beside the caller's 32, and a bucket of them is gone before the next.
const cutItems = 1 << 22

// mostAtOnce is how many items of one side a run takes without being cut.
func mostAtOnce(l ParamsLiteral) int {
	switch {
	case l.Method == MethodRR22:
		return MaxItemsRR22
	case l.Output.numbersOnly():
		return MaxItems // never cut, since buckets would tell the number of each; checkOutput refuses more
	}
	return cutItems
}

// checkCut cuts declared sizes that are too large for one run, and checks the parameters of a bucket.
//
// Errors: fault.LimitExceeded (above MaxCutItems), those of NewParams for a bucket.
func checkCut(l ParamsLiteral) (Buckets, error) {
	const op = "psi.checkCut"
	n := max(l.ReceiverItems, l.SenderItems)
	switch {
	case n <= mostAtOnce(l):
		return Buckets{}, nil
	case n > MaxCutItems:
		return Buckets{}, fault.New(fault.LimitExceeded, op, "%d declared items, MaxCutItems is %d", n, MaxCutItems)
	}
	b, err := PlanBuckets(int64(l.ReceiverItems), int64(l.SenderItems), math.MaxInt64)
	if err != nil {
		return Buckets{}, err
	}
	_, err = NewParams(l.bucket(b))
	return b, err
}

// bucket returns the literal of each bucket: padded to the caps, at a statistical security that keeps the whole run's.
func (l ParamsLiteral) bucket(b Buckets) ParamsLiteral {
	l.SSP += b.Bits
	l.ReceiverItems, l.SenderItems, l.Exact = b.CapSelf, b.CapPeer, true
	return l
}

// bucket returns the parameters of every bucket of a cut run.
func (p Params) bucket() Params { return Params{lit: p.lit.bucket(p.cut), frame: p.frame} }

// costCut is Cost of a run that is cut: every bucket is padded, so that the true sizes do not matter.
func (p Params) costCut() protocols.Cost {
	return p.bucket().Cost(p.cut.CapSelf, p.cut.CapPeer).Times(p.cut.Count())
}

// exchangeCut is Receive or Send, bucket after bucket. The aligned order is that of the buckets, and within them theirs.
func exchangeCut(ctx context.Context, s protocols.Session, c protocols.Conn, role protocols.Role, items []Item, p Params) (Matches, error) {
	const op = "psi.exchangeCut"
	if s.Rand == nil || s.Workers < 1 {
		return Matches{}, fault.New(fault.Invalid, op, "the Session needs Rand and at least 1 worker")
	}
	if err := p.checkOwn(role, len(items)); err != nil {
		return Matches{}, err
	}
	size := p.cut.CapPeer
	if role == Receiver {
		size = p.cut.CapSelf
	}
	order, ends := p.cut.sort(items)
	part := make([]Item, size)
	defer clear(part)
	var all Matches
	if p.learns(role) {
		all.Position = []int32{}
	}
	lo := 0
	for k, hi := range ends {
		mine := order[lo:hi]
		lo = hi
		if len(mine) > size {
			return Matches{}, fault.New(fault.Internal, op, "a bucket holds more items than chance allows: start anew")
		}
		for i, at := range mine {
			part[i] = items[at]
		}
		if err := fillPads(s.Rand, part[len(mine):]); err != nil {
			return Matches{}, err
		}
		m, err := exchangeBucket(ctx, s, c, role, part, p, k)
		if err != nil {
			return Matches{}, err
		}
		for _, i := range m.Position {
			if int(i) >= len(mine) {
				return Matches{}, fault.Blame(fault.New(fault.Misbehaved, op, "random padding matched"), string(c.Peer()))
			}
			all.Position = append(all.Position, mine[i])
		}
		// A bucket leaves hundreds of megabytes behind. Collected now, the next one uses them again; otherwise the heap
		// would first grow to twice what the caller holds, and every new page costs a fault.
		runtime.GC()
	}
	all.Count = len(all.Position)
	return all, nil
}

// exchangeBucket is one bucket: a run of its own session, with fresh secrets.
func exchangeBucket(ctx context.Context, s protocols.Session, c protocols.Conn, role protocols.Role, items []Item, p Params, k int) (Matches, error) {
	one := p.bucket()
	if p.progress != nil {
		per := p.cut.CapSelf + p.cut.CapPeer
		one = one.WithProgress(func(done, _ int) { p.progress(k*per+done, p.cut.Count()*per) })
	}
	s.Binding = bucketBinding(s.Binding, k)
	if role == Receiver {
		return Receive(ctx, s, c, items, one)
	}
	return Send(ctx, s, c, items, one)
}

// learns reports whether a party of this role gets positions.
func (p Params) learns(role protocols.Role) bool {
	return role == Receiver || p.lit.Output == OutputBoth
}

// bucketBinding binds a bucket's run to the run that it is part of.
func bucketBinding(binding [32]byte, k int) [32]byte {
	const domain = "tacit/psi/bucket/v1"
	var b [len(domain) + 32 + 4]byte
	copy(b[:], domain)
	copy(b[len(domain):], binding[:])
	binary.BigEndian.PutUint32(b[len(domain)+32:], uint32(k))
	return sha256.Sum256(b[:])
}

// sort returns the positions of items by bucket, and where each bucket ends.
func (b Buckets) sort(items []Item) (order []int32, ends []int) {
	ends = make([]int, b.Count())
	for i := range items {
		ends[b.Of(items[i])]++
	}
	next, sum := make([]int, len(ends)), 0
	for k, n := range ends {
		next[k] = sum
		sum += n
		ends[k] = sum
	}
	order = make([]int32, len(items))
	for i := range items {
		k := b.Of(items[i])
		order[next[k]] = int32(i)
		next[k]++
	}
	return order, ends
}

// fillPads overwrites pads with AES-256-CTR under a key from rand: items are hashes, from which random strings cannot be
// told, and which they never equal.
func fillPads(rand io.Reader, pads []Item) error {
	const op = "psi.fillPads"
	var key [32]byte
	defer clear(key[:])
	if _, err := io.ReadFull(rand, key[:]); err != nil {
		return fault.Wrap(fault.Internal, op, err, "the randomness source failed")
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return fault.Wrap(fault.Internal, op, err, "AES-256 is not available")
	}
	stream := cipher.NewCTR(block, make([]byte, aes.BlockSize))
	clear(pads)
	for i := range pads {
		stream.XORKeyStream(pads[i][:], pads[i][:])
	}
	return nil
}
