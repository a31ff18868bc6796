package psi

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
)

func TestJoin(t *testing.T) {
	for name, c := range map[string]struct {
		own, theirs string
		want        []int32
	}{
		"none":             {"", "", []int32{}},
		"no own":           {"", "aabb", []int32{-1, -1}},
		"no theirs":        {"aabb", "", []int32{}},
		"some":             {"aabbcc", "ccddaa", []int32{2, -1, 0}},
		"own repeat apart": {"aaaacc", "ccdd", []int32{2, -1}},
		"own repeat":       {"aaaacc", "aadd", nil},
		"their repeat":     {"aacc", "aabbaa", nil},
		"not among own":    {"aacc", "bbddbb", nil},
	} {
		got, err := join(tagsIn([]byte(c.own), 2), tagsIn([]byte(c.theirs), 2))
		if c.want == nil {
			if fault.CodeOf(err) != fault.Misbehaved {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		}
	}
}

// plainJoin is the oracle: a map from tag to position.
func plainJoin(own, theirs *tagList) []int32 {
	at := make(map[string]int32)
	for i := range int32(own.n) {
		at[string(own.at(i))] = i
	}
	out := make([]int32, theirs.n)
	for j := range out {
		out[j] = -1
		if i, ok := at[string(theirs.at(int32(j)))]; ok {
			out[j] = i
		}
	}
	return out
}

// hashed returns the tags of the numbers lo … hi−1.
func hashed(lo, hi, width int) *tagList {
	l := newTagList(width)
	for k := lo; k < hi; k++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(k)))
		l.add(sum[:width])
	}
	return l
}

// Every way through the layout: one part, many parts, parts of a few and of many entries, on both sides of a chunk.
func TestJoinAgainstPlainMap(t *testing.T) {
	for _, n := range []int{1, smallRun, partEntries, partEntries + 1, chunkTags, 5*partEntries + 3} {
		for _, width := range []int{5, 8, 11, 16} {
			own, theirs := hashed(0, n, width), hashed(n/3, n/3+n/2+1, width)
			got, err := join(own, theirs)
			if err != nil || !slices.Equal(got, plainJoin(own, theirs)) {
				t.Errorf("n=%d width=%d: %v", n, width, err)
			}
		}
	}
}

// More than one pass: the sorter is given a layout of four passes, which a set of 2^23 would have.
func TestPasses(t *testing.T) {
	own := hashed(0, 3000, 10)
	l := layout{pass: 2, part: 3}
	s := newSorter(own, l)
	var got [][]byte
	for pass := range uint64(4) {
		s.load(pass)
		for part := range 8 {
			p, _ := s.part(part)
			for _, e := range p {
				got = append(got, own.at(e.pos()))
			}
		}
	}
	if len(got) != own.n || !slices.IsSortedFunc(got, bytes.Compare) {
		t.Error("the passes do not list the records in order")
	}
}

func TestLayout(t *testing.T) {
	for n, want := range map[int]layout{
		0: {}, 1: {}, partEntries: {}, partEntries + 1: {part: 1}, 1 << 20: {part: 8}, passEntries: {part: 9},
		passEntries + 1: {pass: 1, part: 8}, 1 << 24: {pass: 3, part: 9},
	} {
		if got := layoutFor(n); got != want {
			t.Errorf("layoutFor(%d) = %+v, want %+v", n, got, want)
		}
	}
}

// A peer that chooses tags cannot make the join slow: all equal, or equal in every bit that the sort looks at.
func TestJoinUnevenTags(t *testing.T) {
	const n = 3 * partEntries
	equal := newTagList(16)
	near := newTagList(16)
	for k := range n {
		var tag [16]byte
		equal.add(tag[:])
		binary.BigEndian.PutUint32(tag[12:], uint32(k*0x9e3779b1))
		near.add(tag[:])
	}
	if got, err := join(near, near); err != nil || !slices.Equal(got, plainJoin(near, near)) {
		t.Errorf("near: %v", err)
	}
	if _, err := join(equal, near); fault.CodeOf(err) != fault.Misbehaved {
		t.Errorf("equal: %v", err)
	}
	if got := repeats(equal); got != n-1 {
		t.Errorf("%d repeats, want %d", got, n-1)
	}
	if got := repeats(near); got != 0 {
		t.Errorf("%d repeats, want none", got)
	}
}

func TestJoinProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 3).Draw(t, "width") // so short that records collide
		draw := func(name string) *tagList {
			return tagsIn(rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, name), 1)
		}
		group := func(l *tagList) *tagList {
			b := slices.Concat(l.chunks...)
			return tagsIn(b[:len(b)/width*width], width)
		}
		own, theirs := group(draw("own")), group(draw("theirs"))
		got, err := join(own, theirs)
		if oneToOne(own, theirs) != (err == nil) {
			t.Fatalf("%v", err)
		}
		if err == nil && !slices.Equal(got, plainJoin(own, theirs)) {
			t.Fatalf("%v", got)
		}
	})
}

// oneToOne reports whether theirs has no repeated tag, and own none that theirs has.
func oneToOne(own, theirs *tagList) bool {
	a, b := make(map[string]int), make(map[string]int)
	for i := range int32(own.n) {
		a[string(own.at(i))]++
	}
	for j := range int32(theirs.n) {
		b[string(theirs.at(j))]++
	}
	for _, n := range b {
		if n > 1 {
			return false
		}
	}
	for tag, n := range a {
		if n > 1 && b[tag] > 0 {
			return false
		}
	}
	return true
}

// Records whose first eight bytes agree are told apart by the rest.
func TestDistinctLooksAtWholeItems(t *testing.T) {
	if err := distinct([]Item{{31: 2}, {31: 1}, {31: 3}}); err != nil {
		t.Error(err)
	}
	if err := distinct([]Item{{31: 2}, {31: 1}, {31: 2}}); fault.CodeOf(err) != fault.Invalid {
		t.Error(err)
	}
}

func TestTagList(t *testing.T) {
	l := newTagList(3)
	for _, n := range []int{1, chunkTags - 2, 2, 2*chunkTags + 5} {
		b := make([]byte, 3*n)
		for i := range n {
			binary.BigEndian.PutUint16(b[3*i:], uint16(l.n+i))
		}
		l.add(b)
	}
	if want := 3*chunkTags + 6; l.n != want || len(l.chunks) != 4 {
		t.Fatalf("%d tags in %d chunks, want %d", l.n, len(l.chunks), want)
	}
	for i := range int32(l.n) {
		if got := binary.BigEndian.Uint16(l.at(i)); got != uint16(i) {
			t.Fatalf("tag %d is %d", i, got)
		}
	}
}

func BenchmarkJoin(b *testing.B) {
	for _, n := range []int{1 << 16, 1 << 20} {
		for _, width := range []int{10, 16} {
			b.Run(fmt.Sprintf("n=%d/width=%d", n, width), func(b *testing.B) {
				x := make([]byte, n*width)
				aes.NewStream(aes.Block{1}, aes.Block{}).Fill(x)
				y := slices.Clone(x)
				aes.NewStream(aes.Block{2}, aes.Block{}).Fill(y[:len(y)/2])
				own, theirs := tagsIn(x, width), tagsIn(y, width)
				for b.Loop() {
					if _, err := join(own, theirs); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/item")
			})
		}
	}
}
