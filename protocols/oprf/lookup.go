package oprf

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sort"
)

// find looks up the tags, L bytes each, and calls hit with the index of each tag that a record has and with the record,
// which is borrowed. Indices come in ascending order of tags; equal tags are all reported. Blocks of the file are read in
// ascending order and at most once; memory is one block and 4 bytes per tag.
//
// Errors: those of readAt and hit, and of ctx.
func (f *TagFile) find(ctx context.Context, tags []byte, hit func(i int, record []byte) error) error {
	width, tag := f.p.recordBytes(), f.h.tag
	at := func(i int32) []byte { return tags[int(i)*tag : (int(i)+1)*tag] }
	order := make([]int32, len(tags)/tag)
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Or(bytes.Compare(at(a), at(b)), cmp.Compare(a, b)) })
	loaded := -1
	var block []byte
	for _, i := range order {
		b := f.blockOf(at(i))
		if b < 0 {
			continue // before the first record
		}
		if b != loaded {
			if err := ctx.Err(); err != nil {
				return err
			}
			n := min(indexRecords, f.h.records-b*indexRecords) * width
			block = slices.Grow(block[:0], n)[:n]
			if err := readAt(f.r, block, int64(fileHeaderBytes)+int64(b)*int64(indexRecords*width)); err != nil {
				return err
			}
			loaded = b
		}
		n := len(block) / width
		k := sort.Search(n, func(k int) bool { return bytes.Compare(block[k*width:k*width+tag], at(i)) >= 0 })
		if k == n || !bytes.Equal(block[k*width:k*width+tag], at(i)) {
			continue
		}
		if err := hit(int(i), block[k*width:(k+1)*width]); err != nil {
			return err
		}
	}
	return nil
}

// blockOf returns the only block that can hold the tag, −1 for none.
func (f *TagFile) blockOf(tag []byte) int {
	w := f.h.tag
	return sort.Search(len(f.index)/w, func(k int) bool { return bytes.Compare(f.index[k*w:(k+1)*w], tag) > 0 }) - 1
}
