package psi

import "encoding/binary"

// chunkTags is the number of tags in one chunk of a tagList, a power of two.
const chunkTags = 1 << 14

// tagList is a growing sequence of tags of one width. It keeps them in chunks, so that growing neither copies nor
// reserves more than one chunk ahead of what arrived.
type tagList struct {
	width  int // bytes per tag
	n      int
	chunks [][]byte
}

// newTagList returns an empty list of tags of width bytes.
func newTagList(width int) *tagList { return &tagList{width: width} }

// tagsIn returns a list that holds the tags in b, which it copies.
func tagsIn(b []byte, width int) *tagList {
	l := newTagList(width)
	l.add(b)
	return l
}

// add appends the tags in b.
func (l *tagList) add(b []byte) {
	for len(b) > 0 {
		room := l.room(len(b) / l.width)
		copy(room, b)
		b = b[len(room):]
	}
}

// room appends between 1 and n tags and returns their bytes, which the caller fills. n > 0.
func (l *tagList) room(n int) []byte {
	used := l.n % chunkTags
	if used == 0 {
		l.chunks = append(l.chunks, make([]byte, 0, chunkTags*l.width))
	}
	n = min(n, chunkTags-used)
	last := len(l.chunks) - 1
	lo, hi := used*l.width, (used+n)*l.width
	l.chunks[last] = l.chunks[last][:hi]
	l.n += n
	return l.chunks[last][lo:hi]
}

// at returns tag i.
func (l *tagList) at(i int32) []byte {
	lo := int(i) % chunkTags * l.width
	return l.chunks[int(i)/chunkTags][lo : lo+l.width]
}

func (l *tagList) size() int { return l.n }

// prefixes implements records.
func (l *tagList) prefixes(i int, dst []uint64) {
	for len(dst) > 0 {
		chunk := l.chunks[i/chunkTags][i%chunkTags*l.width:]
		n := min(len(dst), len(chunk)/l.width)
		fillPrefixes(dst[:n], chunk, l.width)
		dst, i = dst[n:], i+n
	}
}

// records are byte strings of one length.
type records interface {
	size() int
	at(i int32) []byte
	// prefixes sets dst to the first eight bytes of the records from i on as big-endian numbers, zero-padded.
	prefixes(i int, dst []uint64)
}

// fillPrefixes sets dst to the prefixes of the records of width bytes in b.
func fillPrefixes(dst []uint64, b []byte, width int) {
	if width < 8 {
		for k := range dst {
			var p [8]byte
			copy(p[:], b[k*width:(k+1)*width])
			dst[k] = binary.BigEndian.Uint64(p[:])
		}
		return
	}
	for k := range dst {
		dst[k] = binary.BigEndian.Uint64(b)
		b = b[width:]
	}
}
