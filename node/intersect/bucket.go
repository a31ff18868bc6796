package intersect

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"io"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/psi"
)

// buckets runs those that are not finished at both parties and completes marks.
func (s *session) buckets(ctx context.Context, marks []mark, both []bool) error {
	r := s.r
	if err := s.countRows(both); err != nil {
		return err
	}
	perBucket := int64(r.cut.CapSelf + r.cut.CapPeer)
	done := int64(0)
	for _, b := range both {
		if b {
			done++
		}
	}
	note := ""
	if done > 0 {
		note = "resuming"
		r.result.Resumed = int(done)
	}
	r.report.Enter(Event{Phase: Intersecting, Done: done * perBucket, Total: int64(len(marks)) * perBucket, Buckets: len(marks), Note: note})
	for i := range marks {
		if both[i] {
			continue
		}
		if err := r.state.try(i + 1); err != nil {
			return s.blame(err)
		}
		r.report.bucket(i+1, len(marks))
		f, err := s.bucket(ctx, i, done*perBucket)
		if err != nil {
			return err
		}
		if err := r.state.saveBucket(i, r.planDigest(), f); err != nil {
			return err
		}
		marks[i] = f.mark
		s.rows += int64(len(f.rows))
		done++
		r.report.Set(done * perBucket)
	}
	return nil
}

// countRows sums the matched rows of what is finished: the limit is that of the whole output.
func (s *session) countRows(both []bool) error {
	for i, b := range both {
		if !b {
			continue
		}
		f, err := s.r.state.loadBucket(i, s.r.planDigest())
		if err != nil {
			return err
		}
		s.rows += int64(len(f.rows))
	}
	return nil
}

// bucket runs one bucket with fresh secrets.
func (s *session) bucket(ctx context.Context, number int, before int64) (finished, error) {
	r := s.r
	b, err := r.keys.load(r.cut, number)
	if err != nil {
		return finished{}, err
	}
	binding := s.binding(number)
	items, err := r.fill(b, number, binding)
	if err != nil {
		return finished{}, err
	}
	p, err := r.params(r.state.choice)
	if err != nil {
		return finished{}, err
	}
	p = p.WithProgress(func(done, _ int) { r.report.Set(before + int64(done)) })
	sess := protocols.Session{Binding: binding, Self: r.cfg.Self, Peers: []party.ID{s.c.Peer()}, Rand: r.cfg.Rand, Workers: r.cfg.Workers}
	var m psi.Matches
	if r.role() == psi.Receiver {
		m, err = psi.Receive(ctx, sess, s.c, items, p)
	} else {
		m, err = psi.Send(ctx, sess, s.c, items, p)
	}
	clear(items)
	if err != nil {
		return finished{}, err
	}
	for _, at := range m.Position {
		if int(at) >= len(b.items) {
			return finished{}, s.blame(fault.New(fault.Misbehaved, "intersect.bucket", "the peer says that random padding matched"))
		}
	}
	f := finished{mark: mark(binding[:markBytes])}
	if r.cfg.learns() {
		f.keys = uint32(len(m.Position))
		f.rows, err = s.expand(ctx, sess, b, m.Position)
	}
	return f, err
}

// fill binds the items to this run and pads them to the cap with random ones: hashes and random strings look alike.
func (r *runner) fill(b *bucket, number int, binding [32]byte) ([]psi.Item, error) {
	const op = "intersect.fill"
	size := r.cut.CapSelf
	if len(b.items) > size {
		return nil, fault.New(fault.Internal, op, "bucket %d holds more keys than chance allows: remove the state directories and start anew", number)
	}
	items := make([]psi.Item, size)
	for i, item := range b.items {
		items[i] = psi.ItemOf(binding, item)
	}
	return items, randomItems(items[len(b.items):], r.cfg.Rand)
}

// randomItems fills pads with AES-256-CTR under a key from rand.
func randomItems(pads []psi.Item, rand io.Reader) error {
	const op = "intersect.randomItems"
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
	for i := range pads {
		stream.XORKeyStream(pads[i][:], pads[i][:])
	}
	return nil
}

// expand returns this party's rows for the matched keys in aligned order. Under Expand each pair of rows is one row of
// the output, the listener's rows varying slowest.
func (s *session) expand(ctx context.Context, sess protocols.Session, b *bucket, matched []int32) ([]uint32, error) {
	r := s.r
	rows := make([]uint32, 0, len(matched))
	if r.cfg.Duplicates == Unique || r.cfg.Join == Difference {
		for _, i := range matched {
			rows = append(rows, b.rowsOf(int(i))...)
		}
		return rows, nil
	}
	own := make([]uint32, len(matched))
	for k, i := range matched {
		own[k] = uint32(len(b.rowsOf(int(i))))
	}
	peer, err := psi.ExchangeMultiplicities(ctx, sess, s.c, own)
	if err != nil {
		return nil, err
	}
	total, limit := s.rows, r.rowLimit()
	for k := range own { // both factors are below 2³²: no sum that is still within the limit overflows with one product more
		if n := int64(peer[k]); n > limit || int64(own[k])*n > limit-total {
			return nil, s.blame(fault.New(fault.LimitExceeded, "intersect.expand", "MaxRows: with the peer's word on how often keys repeat the output has more than %d rows", limit))
		}
		total += int64(own[k]) * int64(peer[k])
	}
	for k, i := range matched {
		rows = appendProduct(rows, b.rowsOf(int(i)), int(peer[k]), r.cfg.Side == Listener)
	}
	return rows, nil
}

// appendProduct appends own's half of the pairs of own × times rows: slow repeats each row, otherwise the whole list.
func appendProduct(dst, own []uint32, times int, slow bool) []uint32 {
	if !slow {
		for range times {
			dst = append(dst, own...)
		}
		return dst
	}
	for _, row := range own {
		for range times {
			dst = append(dst, row)
		}
	}
	return dst
}
