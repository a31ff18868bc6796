package psi

import (
	"bytes"
	"math/bits"
	"slices"
)

// Sorting happens in ranges of the records' leading bits, so that what a step touches fits the cache and the scratch
// does not grow with the set. Records are hashes: ranges are of even size unless a peer made them uneven, which costs
// memory and time by a constant factor only.
const (
	passEntries = 1 << 21 // expected entries in memory at once: 16 MiB
	partEntries = 1 << 12 // expected entries sorted at once: 32 KiB
	smallRun    = 24      // below it comparison sorting is as good as anything
)

// entry stands for a record while it is sorted: the 32 bits of its prefix after those that name its part, then its
// position.
type entry uint64

func (e entry) key() uint32 { return uint32(e >> 32) }
func (e entry) pos() int32  { return int32(uint32(e)) }

// layout cuts the space of prefixes into 2^pass passes of 2^part parts.
type layout struct{ pass, part int }

// layoutFor returns the layout for sets of up to n records.
func layoutFor(n int) layout {
	var l layout
	if n > passEntries {
		l.pass = bits.Len(uint((n - 1) / passEntries))
	}
	if m := n >> l.pass; m > partEntries {
		l.part = bits.Len(uint((m - 1) / partEntries))
	}
	return l
}

// sorter holds the scratch of one side of a join.
type sorter struct {
	r       records
	l       layout
	entries []entry
	ends    []int // of the parts in entries
	scratch []entry
}

func newSorter(r records, l layout) *sorter { return &sorter{r: r, l: l, ends: make([]int, 1<<l.part)} }

// load collects the entries of one pass, grouped by part, in order of position within a part.
func (s *sorter) load(pass uint64) {
	clear(s.ends)
	mask := uint64(1)<<s.l.part - 1
	shift := 64 - s.l.pass - s.l.part
	total := 0
	s.scan(func(_ int, prefix []uint64) {
		for _, p := range prefix {
			if bin := p >> shift; bin>>s.l.part == pass {
				s.ends[bin&mask]++
				total++
			}
		}
	})
	if cap(s.entries) < total {
		s.entries = make([]entry, total)
	}
	s.entries = s.entries[:total]
	sum := 0
	for k, n := range s.ends {
		s.ends[k], sum = sum, sum+n
	}
	s.scan(func(i int, prefix []uint64) {
		for k, p := range prefix {
			if bin := p >> shift; bin>>s.l.part == pass {
				end := &s.ends[bin&mask]
				s.entries[*end] = entry(p<<(s.l.pass+s.l.part)>>32<<32 | uint64(uint32(i+k)))
				*end++
			}
		}
	})
}

// scan calls f with the prefixes of all records, some at a time, and the position of the first.
func (s *sorter) scan(f func(i int, prefix []uint64)) {
	var buf [512]uint64
	n := s.r.size()
	for i := 0; i < n; i += len(buf) {
		prefix := buf[:min(len(buf), n-i)]
		s.r.prefixes(i, prefix)
		f(i, prefix)
	}
}

// part returns the entries of part k in ascending order, and whether two of them have one key.
func (s *sorter) part(k int) (p []entry, repeated bool) {
	lo := 0
	if k > 0 {
		lo = s.ends[k-1]
	}
	p = s.entries[lo:s.ends[k]]
	if len(p) < smallRun {
		slices.Sort(p)
		return p, repeatedKey(p)
	}
	if len(s.scratch) < len(p) {
		s.scratch = make([]entry, len(p))
	}
	sortHalf(p, s.scratch[:len(p)], 48)
	sortHalf(s.scratch[:len(p)], p, 56)
	return p, finish(p)
}

// sortHalf copies from to to in order of one byte of the key, stably.
func sortHalf(from, to []entry, shift int) {
	var at [256]int32
	for _, e := range from {
		at[byte(e>>shift)]++
	}
	sum := int32(0)
	for b, n := range at {
		at[b], sum = sum, sum+n
	}
	for _, e := range from {
		b := byte(e >> shift)
		to[at[b]] = e
		at[b]++
	}
}

// finish sorts entries that are in order of the upper half of their key, and reports whether two have one key.
func finish(p []entry) (repeated bool) {
	for lo := 0; lo < len(p); {
		hi := lo + 1
		for hi < len(p) && p[hi]>>48 == p[lo]>>48 {
			hi++
		}
		if hi-lo > 1 {
			slices.Sort(p[lo:hi])
			repeated = repeated || repeatedKey(p[lo:hi])
		}
		lo = hi
	}
	return repeated
}

// repeatedKey reports whether two of the entries, in ascending order, have one key.
func repeatedKey(p []entry) bool {
	for k := 1; k < len(p); k++ {
		if p[k-1].key() == p[k].key() {
			return true
		}
	}
	return false
}

// leading returns the length of the leading entries of p that have one key.
func leading(p []entry) int {
	n := 1
	for n < len(p) && p[n].key() == p[0].key() {
		n++
	}
	return n
}

// order sorts a run of entries with one key by their whole records.
func (s *sorter) order(run []entry) {
	if len(run) > 1 {
		slices.SortFunc(run, func(a, b entry) int { return bytes.Compare(s.r.at(a.pos()), s.r.at(b.pos())) })
	}
}
