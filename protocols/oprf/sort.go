package oprf

import (
	"bytes"
	"context"
)

// smallSort is the number of records up to which insertion sort wins.
const smallSort = 24

// partitions holds records of width bytes by their first byte. Tags are uniform, and so are the partitions.
type partitions struct {
	width, tag int
	count      int
	part       [256][]byte
}

// add copies one record.
func (p *partitions) add(record []byte) {
	p.part[record[0]] = append(p.part[record[0]], record...)
	p.count++
}

// sort orders every partition by tag, in place.
func (p *partitions) sort(ctx context.Context, pool pool) error {
	return pool.each(ctx, len(p.part), 1, func(i, _ int) error {
		swap := make([]byte, p.width)
		sortRecords(p.part[i], swap, p.width, p.tag, 1)
		return nil
	})
}

// compact removes all but one of the records of equal tags from sorted partitions and returns how many it removed.
func (p *partitions) compact() int {
	removed := 0
	for i, b := range p.part {
		w, kept := p.width, min(p.width, len(b))
		for at := w; at < len(b); at += w {
			if bytes.Equal(b[at:at+p.tag], b[kept-w:kept-w+p.tag]) {
				removed++
				continue
			}
			copy(b[kept:kept+w], b[at:at+w])
			kept += w
		}
		p.part[i] = b[:kept]
	}
	p.count -= removed
	return removed
}

// sortRecords orders records of width bytes by their tags, whose first depth bytes are equal: in-place radix sort by one
// byte after the other (McIlroy, Bostic, McIlroy 1993, American flag sort). swap holds one record.
func sortRecords(b, swap []byte, width, tag, depth int) {
	n := len(b) / width
	if n <= smallSort || depth == tag {
		insertionSort(b, swap, width, tag, depth)
		return
	}
	var end, next [256]int
	for i := range n {
		end[b[i*width+depth]]++
	}
	for v, sum := 0, 0; v < 256; v++ {
		next[v] = sum
		sum += end[v]
		end[v] = sum
	}
	for v := range 256 {
		for next[v] < end[v] {
			i := next[v]
			to := int(b[i*width+depth])
			if to != v {
				swapRecords(b[i*width:(i+1)*width], b[next[to]*width:(next[to]+1)*width], swap)
			}
			next[to]++
		}
	}
	lo := 0
	for v := range 256 {
		if end[v]-lo > 1 {
			sortRecords(b[lo*width:end[v]*width], swap, width, tag, depth+1)
		}
		lo = end[v]
	}
}

func insertionSort(b, swap []byte, width, tag, depth int) {
	if depth == tag {
		return // equal tags
	}
	for at := width; at < len(b); at += width {
		for k := at; k > 0 && bytes.Compare(b[k-width+depth:k-width+tag], b[k+depth:k+tag]) > 0; k -= width {
			swapRecords(b[k-width:k], b[k:k+width], swap)
		}
	}
}

func swapRecords(x, y, swap []byte) {
	copy(swap, x)
	copy(x, y)
	copy(y, swap)
}
