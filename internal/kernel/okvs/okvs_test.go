package okvs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"unsafe"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// testSSP is the statistical security that the protocols use.
const testSSP = 40

// blocks returns n blocks of a stream that number names: a fixed seed gives a fixed test.
func blocks(n int, number uint64) []aes.Block {
	out := make([]aes.Block, n)
	if n > 0 {
		randomness(number).Fill(unsafe.Slice(&out[0][0], 16*n))
	}
	return out
}

func randomness(number uint64) *aes.Stream {
	var seed aes.Block
	binary.LittleEndian.PutUint64(seed[:], number)
	return aes.NewStream(seed, aes.Block{15: 1})
}

// sequential returns the keys first, first+1, … as little-endian numbers.
func sequential(n int, first uint64) []aes.Block {
	out := make([]aes.Block, n)
	for i := range out {
		binary.LittleEndian.PutUint64(out[i][:], first+uint64(i))
	}
	return out
}

func mustParams(t testing.TB, n, ssp int) Params {
	t.Helper()
	p, err := NewParams(n, ssp)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// mustEncode returns a vector of key → val.
func mustEncode(t testing.TB, key, val []aes.Block, seed aes.Block, p Params, rand io.Reader) []aes.Block {
	t.Helper()
	dst := make([]aes.Block, p.Slots())
	if err := Encode(dst, key, val, seed, p, rand); err != nil {
		t.Fatalf("%d items: %v", len(key), err)
	}
	return dst
}

// sizes are the lengths at which an implementation may go wrong: nothing, the small bins, the ends of their rules, and
// the edges of bins, chunks and batches.
func sizes() []int {
	n := []int{0, 1, 2, 3, 4, 5, 17, 31, 32, 33, 34, 101, 509, 511, 512, 513, 1021, 2047, 2048, 2049, 4093}
	for _, k := range []int{6, 7, 8, 10, 12, 14, 15, 16} {
		n = append(n, 1<<k-1, 1<<k, 1<<k+1)
	}
	return append(n, 16381, 65521, 99991)
}

func TestDecodeGivesWhatWasEncoded(t *testing.T) {
	for _, n := range sizes() {
		for name, key := range map[string][]aes.Block{"random": blocks(n, 1), "sequential": sequential(n, 5)} {
			if testing.Short() && n > 1<<15+1 {
				continue
			}
			p := mustParams(t, n, testSSP)
			val, seed := blocks(n, 2), aes.Block{byte(n), byte(n >> 8), 7}
			vector := mustEncode(t, key, val, seed, p, randomness(3))
			got := make([]aes.Block, n)
			Decode(got, key, vector, seed, p)
			for i := range got {
				if got[i] != val[i] {
					t.Fatalf("%s keys, n=%d, %+v: value %d differs", name, n, p, i)
				}
			}
		}
	}
}

// A plain twin: the inner product of the row with the vector, with nothing of the batched code.
func TestDecodeIsTheInnerProduct(t *testing.T) {
	for _, n := range []int{0, 3, 40, 3000, 40000} {
		p := mustParams(t, n, testSSP)
		vector, key, seed := blocks(p.Slots(), 1), blocks(777, 2), aes.Block{9}
		got := make([]aes.Block, len(key))
		Decode(got, key, vector, seed, p)
		for i := range key {
			if want := plainDecode(key[i], vector, seed, p); got[i] != want {
				t.Fatalf("n=%d: value %d is %x, want %x", n, i, got[i], want)
			}
		}
	}
}

func TestRowsAreShardedFreely(t *testing.T) {
	n := 3*chunkKeys + 12345
	if testing.Short() {
		n = chunkKeys + 4321
	}
	p := mustParams(t, n, testSSP)
	key, val, seed := blocks(n, 1), blocks(n, 2), aes.Block{4}
	want := mustEncode(t, key, val, seed, p, randomness(5))
	rows := NewRows(n, seed, p)
	inParallel(rows.Chunks(), func(c int) { rows.HashChunks(key, c, c+1) })
	e, err := NewEncoder(rows, randomness(5))
	if err != nil {
		t.Fatal(err)
	}
	got := make([]aes.Block, p.Slots())
	inParallel((p.Bins+1)/2, func(i int) {
		if err := e.EncodeBins(got, val, 2*i, min(2*i+2, p.Bins)); err != nil {
			t.Error(err)
		}
	})
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("slot %d depends on the sharding", i)
		}
	}
	if err := e.EncodeBins(got, val, p.Bins-1, p.Bins); err == nil || fault.CodeOf(err) != fault.Internal {
		t.Errorf("a bin encoded twice: %v, want Internal", err)
	}
	out := make([]aes.Block, n)
	inParallel(p.Bins, func(b int) { rows.DecodeBins(out, got, b, b+1) })
	for i := range out {
		if out[i] != val[i] {
			t.Fatalf("value %d differs", i)
		}
	}
}

// inParallel runs f for 0 ≤ i < n at once; with the race detector, it shows that the pieces are independent.
func inParallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func TestErrors(t *testing.T) {
	const n = 20000
	same := blocks(n, 1)
	for i := range same {
		same[i] = same[0]
	}
	pair, far := blocks(n, 1), blocks(200, 1)
	pair[n-1] = pair[7]
	far[3] = far[198]
	for _, c := range []struct {
		name string
		key  []aes.Block
		rand io.Reader
		want fault.Code
	}{
		{"two equal keys", pair, randomness(1), fault.Invalid},
		{"two equal keys of few", far, randomness(1), fault.Invalid},
		{"two of two", []aes.Block{{1}, {1}}, randomness(1), fault.Invalid},
		{"all keys equal", same, randomness(1), fault.Invalid},
		{"no randomness", blocks(50, 1), errorReader{}, fault.Internal},
		{"short randomness", blocks(50, 1), io.LimitReader(randomness(1), 15), fault.Internal},
	} {
		p := mustParams(t, len(c.key), testSSP)
		err := Encode(make([]aes.Block, p.Slots()), c.key, blocks(len(c.key), 2), aes.Block{1}, p, c.rand)
		if got := fault.CodeOf(err); err == nil || got != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// Too many rows for their columns, and for their bins: shapes that NewParams does not give.
func TestUnsolvable(t *testing.T) {
	for _, p := range []Params{
		{Items: 300, Bins: 1, BinCap: 300, Sparse: 297, Dense: 4},
		{Items: 10, Bins: 1, BinCap: 10, Sparse: 3, Dense: 7},
		{Items: 1000, Bins: 2, BinCap: 480, Sparse: 700, Dense: 4},
	} {
		dst := make([]aes.Block, p.Slots())
		err := Encode(dst, blocks(p.Items, 1), blocks(p.Items, 2), aes.Block{1}, p, randomness(3))
		if fault.CodeOf(err) != fault.Internal || err == nil {
			t.Errorf("%+v: %v, want Internal", p, err)
		}
		if slices.ContainsFunc(dst, func(b aes.Block) bool { return b != aes.Block{} }) {
			t.Errorf("%+v: values are left in the vector", p)
		}
	}
}

func TestWrongLengthsPanic(t *testing.T) {
	p := mustParams(t, 10, testSSP)
	key, vector := blocks(10, 1), blocks(p.Slots(), 2)
	rows := NewRows(10, aes.Block{}, p)
	rows.HashChunks(key, 0, 1)
	e, err := NewEncoder(rows, randomness(1))
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func(){
		"keys":          func() { _ = Encode(vector, key[1:], key, aes.Block{}, p, randomness(1)) },
		"values":        func() { _ = Encode(vector, key, key[1:], aes.Block{}, p, randomness(1)) },
		"vector":        func() { _ = Encode(vector[1:], key, key, aes.Block{}, p, randomness(1)) },
		"decode dst":    func() { Decode(key[1:], key, vector, aes.Block{}, p) },
		"decode vector": func() { Decode(key, key, vector[1:], aes.Block{}, p) },
		"rows":          func() { rows.HashChunks(key[1:], 0, 1) },
		"encoder rows":  func() { _, _ = NewEncoder(NewRows(9, aes.Block{}, p), randomness(1)) },
		"bins":          func() { _ = e.EncodeBins(vector, key[1:], 0, 1) },
		"zero Params":   func() { NewRows(1, aes.Block{}, Params{}) },
		"decode bins":   func() { rows.DecodeBins(key[1:], vector, 0, 1) },
	} {
		if !panics(f) {
			t.Errorf("%s of another length: no panic", name)
		}
	}
}

func panics(f func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	f()
	return false
}

type errorReader struct{}

func (errorReader) Read([]byte) (int, error) { return 0, errors.New("no entropy") }

func TestNothingIsPrinted(t *testing.T) {
	p := mustParams(t, 5, testSSP)
	rows := NewRows(5, aes.Block{}, p)
	rows.HashChunks(blocks(5, 1), 0, 1)
	e, err := NewEncoder(rows, randomness(1))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%v %+v %s %s", rows, e, rows.LogValue(), e.LogValue()); got !=
		"okvs.Rows okvs.Encoder okvs.Rows okvs.Encoder" {
		t.Errorf("printed %q", got)
	}
	rows.Wipe()
	for _, h := range rows.hash {
		if h != (aes.Block{}) {
			t.Error("rows survive Wipe")
		}
	}
}
