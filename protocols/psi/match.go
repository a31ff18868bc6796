package psi

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
)

// entry stands for a record in a sort: its first eight bytes, zero-padded, and its position.
type entry struct {
	key uint64
	pos int32
}

// smallSort is the length below which comparison sorting beats eight passes of counting.
const smallSort = 1 << 10

// sorted returns entries for the records 0 … n−1 in ascending byte order. Records have one length; equal ones stay in
// order of position.
func sorted(n int, record func(int32) []byte) []entry {
	order := make([]entry, n)
	for i := range order {
		var k [8]byte
		copy(k[:], record(int32(i)))
		order[i] = entry{key: binary.BigEndian.Uint64(k[:]), pos: int32(i)}
	}
	if n < smallSort {
		slices.SortStableFunc(order, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
	} else {
		order = radix(order)
	}
	for lo := 0; lo < n; {
		hi := lo + 1
		for hi < n && order[hi].key == order[lo].key {
			hi++
		}
		if hi-lo > 1 {
			slices.SortStableFunc(order[lo:hi], func(a, b entry) int { return bytes.Compare(record(a.pos), record(b.pos)) })
		}
		lo = hi
	}
	return order
}

// radix sorts by key, least significant byte first, eight stable passes of counting.
func radix(order []entry) []entry {
	from, to := order, make([]entry, len(order))
	for shift := 0; shift < 64; shift += 8 {
		var at [256]int
		for _, e := range from {
			at[byte(e.key>>shift)]++
		}
		sum := 0
		for b, n := range at {
			at[b], sum = sum, sum+n
		}
		for _, e := range from {
			b := byte(e.key >> shift)
			to[at[b]] = e
			at[b]++
		}
		from, to = to, from
	}
	return from
}

func compare(a, b entry, recordA, recordB func(int32) []byte) int {
	if c := cmp.Compare(a.key, b.key); c != 0 {
		return c
	}
	return bytes.Compare(recordA(a.pos), recordB(b.pos))
}

// join matches the tags of R's items (own) with those of S's stream (theirs), both of width bytes, and returns for each
// stream position the index of the matching item or −1.
//
// Errors: fault.Misbehaved, without culprit, when the match is not one-to-one: S repeated an element or a tag, or, with
// probability at most 2^−ssp, two tags collide.
func join(own, theirs []byte, width int) ([]int32, error) {
	ownTag := func(i int32) []byte { return own[int(i)*width : (int(i)+1)*width] }
	theirTag := func(j int32) []byte { return theirs[int(j)*width : (int(j)+1)*width] }
	a, b := sorted(len(own)/width, ownTag), sorted(len(theirs)/width, theirTag)
	at := make([]int32, len(b))
	for j := range at {
		at[j] = -1
	}
	for len(a) > 0 && len(b) > 0 {
		switch c := compare(a[0], b[0], ownTag, theirTag); {
		case c < 0:
			a = a[1:]
		case c > 0:
			b = b[1:]
		default:
			if (len(a) > 1 && compare(a[1], b[0], ownTag, theirTag) == 0) ||
				(len(b) > 1 && compare(a[0], b[1], ownTag, theirTag) == 0) {
				return nil, fault.New(fault.Misbehaved, "psi.join", "a tag matches more than once")
			}
			at[b[0].pos] = a[0].pos
			a, b = a[1:], b[1:]
		}
	}
	return at, nil
}

// positions lists the matched items in aligned order.
func positions(at []int32) []int32 {
	out := make([]int32, 0)
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
