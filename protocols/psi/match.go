package psi

import (
	"bytes"

	"github.com/tacit-data/tacit/api/fault"
)

// join matches the tags of R's items (own) with those of S's stream (theirs), both of one width, and returns for each
// stream position the index of the matching item or −1.
//
// Errors: fault.Misbehaved, without culprit, when the match is not one-to-one: S repeated an element or a tag, or, with
// probability at most 2^−ssp, two tags collide.
func join(own, theirs *tagList) ([]int32, error) {
	l := layoutFor(max(own.n, theirs.n))
	j := joiner{own: newSorter(own, l), theirs: newSorter(theirs, l), at: make([]int32, theirs.n)}
	for k := range j.at {
		j.at[k] = -1
	}
	for pass := range uint64(1) << l.pass {
		j.own.load(pass)
		j.theirs.load(pass)
		for part := range 1 << l.part {
			if err := j.part(part); err != nil {
				return nil, err
			}
		}
	}
	return j.at, nil
}

// joiner is the state of a join.
type joiner struct {
	own, theirs *sorter
	at          []int32
	pairs       []pair
}

// pair is an item and a stream position that may match.
type pair struct{ item, stream int32 }

// part joins one part of both sides.
func (j *joiner) part(k int) error {
	a, repeatA := j.own.part(k)
	b, repeatB := j.theirs.part(k)
	// A tag that S repeats is refused whether or not it matches: were only the match refused, R's failure would tell S
	// that R holds the item.
	if repeatB && j.theirs.repeats(b) > 0 {
		return fault.New(fault.Misbehaved, "psi.join", "a tag occurs more than once")
	}
	if repeatA || repeatB {
		return j.mergeRuns(a, b)
	}
	j.merge(a, b)
	return nil
}

// merge joins entries in ascending order, none of which repeats a key. It first collects the pairs with equal keys,
// without a branch on the data, and then compares their records, so that the processor fetches several at once.
func (j *joiner) merge(a, b []entry) {
	if n := min(len(a), len(b)); len(j.pairs) <= n {
		j.pairs = make([]pair, n+n/4+1)
	}
	n, ia, ib := 0, 0, 0
	for ia < len(a) && ib < len(b) {
		ka, kb := a[ia].key(), b[ib].key()
		j.pairs[n] = pair{item: a[ia].pos(), stream: b[ib].pos()}
		n += one(ka == kb)
		ia += one(ka <= kb)
		ib += one(ka >= kb)
	}
	for _, p := range j.pairs[:n] {
		if bytes.Equal(j.own.r.at(p.item), j.theirs.r.at(p.stream)) {
			j.at[p.stream] = p.item
		}
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// mergeRuns joins entries in ascending order where keys repeat: a rare case unless a peer makes it one.
func (j *joiner) mergeRuns(a, b []entry) error {
	for len(a) > 0 && len(b) > 0 {
		switch ka, kb := a[0].key(), b[0].key(); {
		case ka < kb:
			a = a[1:]
		case ka > kb:
			b = b[1:]
		default:
			na, nb := leading(a), leading(b)
			if err := j.mergeRun(a[:na], b[:nb]); err != nil {
				return err
			}
			a, b = a[na:], b[nb:]
		}
	}
	return nil
}

// mergeRun joins entries that all have one key.
func (j *joiner) mergeRun(a, b []entry) error {
	j.own.order(a)
	j.theirs.order(b)
	for len(a) > 0 && len(b) > 0 {
		switch c := j.compare(a[0], b[0]); {
		case c < 0:
			a = a[1:]
		case c > 0:
			b = b[1:]
		case (len(a) > 1 && j.compare(a[1], b[0]) == 0) || (len(b) > 1 && j.compare(a[0], b[1]) == 0):
			return fault.New(fault.Misbehaved, "psi.join", "a tag matches more than once")
		default:
			j.at[b[0].pos()] = a[0].pos()
			a, b = a[1:], b[1:]
		}
	}
	return nil
}

func (j *joiner) compare(a, b entry) int {
	return bytes.Compare(j.own.r.at(a.pos()), j.theirs.r.at(b.pos()))
}

// repeats returns how many records repeat another one.
func repeats(r records) int {
	l := layoutFor(r.size())
	s := newSorter(r, l)
	total := 0
	for pass := range uint64(1) << l.pass {
		s.load(pass)
		for part := range 1 << l.part {
			if p, repeated := s.part(part); repeated {
				total += s.repeats(p)
			}
		}
	}
	return total
}

// repeats counts the records of a part that repeat another one, and leaves the part in order.
func (s *sorter) repeats(p []entry) (total int) {
	for len(p) > 0 {
		n := leading(p)
		total += repeatsIn(s, p[:n])
		p = p[n:]
	}
	return total
}

// repeatsIn counts within a run of entries that have one key.
func repeatsIn(s *sorter, run []entry) int {
	s.order(run)
	n := 0
	for k := 1; k < len(run); k++ {
		if bytes.Equal(s.r.at(run[k-1].pos()), s.r.at(run[k].pos())) {
			n++
		}
	}
	return n
}

// positions lists the matched items in aligned order, in the memory of at.
func positions(at []int32) []int32 {
	out := at[:0]
	for _, i := range at {
		if i >= 0 {
			out = append(out, i)
		}
	}
	return out
}

// bitmap sets bit j (least significant first) where stream position j matched.
func bitmap(at []int32) []byte {
	out := make([]byte, (len(at)+7)/8)
	for j, i := range at {
		if i >= 0 {
			out[j/8] |= 1 << (j % 8)
		}
	}
	return out
}

// unmap lists the sender's items whose stream position is set in bm, in aligned order: order[j] is the item at j.
//
// Errors: fault.Misbehaved, without culprit, when bits beyond the stream are set.
func unmap(bm []byte, order []int32) ([]int32, error) {
	out := make([]int32, 0)
	for k, b := range bm {
		for j := k * 8; b != 0; j, b = j+1, b>>1 {
			if b&1 == 0 {
				continue
			}
			if j >= len(order) {
				return nil, fault.New(fault.Misbehaved, "psi.unmap", "a bit beyond the %d items is set", len(order))
			}
			out = append(out, order[j])
		}
	}
	return out, nil
}
