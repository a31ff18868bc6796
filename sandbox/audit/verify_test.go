package audit

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
)

// exported returns the published files of m.
func exported(t testing.TB, m *memLog, from, size int64) fstest.MapFS {
	t.Helper()
	dir := fstest.MapFS{}
	if err := Export(m, from, size, func(path string, data []byte) error {
		if dir[path] != nil {
			t.Fatalf("%s written twice", path)
		}
		dir[path] = &fstest.MapFile{Data: data}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestVerifySizes(t *testing.T) {
	for _, size := range []int{0, 1, 255, 256, 257, 513} {
		m := logOf(t, size)
		c, _ := checkpointOf(t, m)
		next := int64(0)
		visit := func(i int64, l Leaf) error {
			if i != next || l.ID != leafN(int(i)).ID {
				return fmt.Errorf("visited %d (%s), want %d", i, l.ID, next)
			}
			next++
			return nil
		}
		if err := VerifyTree(m, c, visit); err != nil || next != int64(size) {
			t.Fatalf("VerifyTree at %d: %v after %d leaves", size, err, next)
		}
		next = 0
		if err := VerifyTiles(exported(t, m, 0, int64(size)), c, visit); err != nil || next != int64(size) {
			t.Fatalf("VerifyTiles at %d: %v after %d leaves", size, err, next)
		}
		c.Root[0] ^= 1
		wantCode(t, VerifyTree(m, c, nil), fault.Corrupt)
		wantCode(t, VerifyTiles(exported(t, m, 0, int64(size)), c, nil), fault.Corrupt)
	}
}

func TestVerifyOlderCheckpoint(t *testing.T) {
	m := logOf(t, 300)
	root, err := Root(m, 100)
	if err != nil {
		t.Fatal(err)
	}
	if err := VerifyTree(m, Checkpoint{origin, 100, root}, nil); err != nil {
		t.Fatal(err)
	}
	wantCode(t, VerifyTree(m, Checkpoint{origin, 301, root}, nil), fault.Corrupt)
	wantCode(t, VerifyTree(m, Checkpoint{origin, -1, root}, nil), fault.Corrupt)
	wantCode(t, VerifyTiles(fstest.MapFS{}, Checkpoint{origin, -1, root}, nil), fault.Invalid)
	stop := fault.New(fault.Canceled, "test", "enough")
	visit := func(int64, Leaf) error { return stop }
	wantCode(t, VerifyTree(m, Checkpoint{origin, 100, root}, visit), fault.Canceled)
	full, _ := checkpointOf(t, m)
	wantCode(t, VerifyTiles(exported(t, m, 0, 300), full, visit), fault.Canceled)
}

// Three levels of tiles: the sizes at which a level-1 tile fills, and a flip in a tile of each level.
func TestThreeLevels(t *testing.T) {
	if testing.Short() {
		t.Skip("65,793 leaves")
	}
	const size = 65_536 + 257
	m := logOf(t, size)
	for _, n := range []int64{65_535, 65_536, size} {
		root, err := Root(m, n)
		if err != nil || root != plainRoot(m.leaves[:n]) {
			t.Fatalf("Root(%d) = %x, %v", n, root, err)
		}
	}
	c, _ := checkpointOf(t, m)
	if err := VerifyTree(m, c, nil); err != nil {
		t.Fatal(err)
	}
	dir := exported(t, m, 0, size)
	if err := VerifyTiles(dir, c, nil); err != nil {
		t.Fatal(err)
	}
	for path, leaf := range map[string]int64{"tile/1/000": 33 * 256, "tile/1/001.p/1": 65_536, "tile/2/000.p/1": 0} {
		at := int(leaf/256%256) * 32
		dir[path].Data[at] ^= 1
		wantLeaf(t, VerifyTiles(dir, c, nil), leaf, path)
		dir[path].Data[at] ^= 1
	}
}

// C2SP tlog-tiles, "Partial Tiles": which files a tree has, and what they hold.
func TestExportFiles(t *testing.T) {
	m := logOf(t, 513)
	want := []string{
		"tile/0/000", "tile/0/001", "tile/0/002.p/1", "tile/1/000.p/2",
		"tile/entries/000", "tile/entries/001", "tile/entries/002.p/1",
	}
	dir := exported(t, m, 0, 513)
	if got := slices.Sorted(maps.Keys(dir)); !slices.Equal(got, want) {
		t.Fatalf("files %v, want %v", got, want)
	}
	if n := len(dir["tile/0/000"].Data); n != 8192 {
		t.Fatalf("full tile of %d bytes", n)
	}
	first := plainRoot(m.leaves[:256])
	if !bytes.Equal(dir["tile/1/000.p/2"].Data[:32], first[:]) {
		t.Fatal("a level-1 hash is the root over 256 leaves")
	}
	later := exported(t, m, 256, 257)
	if got := slices.Sorted(maps.Keys(later)); !slices.Equal(got, []string{"tile/0/001.p/1", "tile/entries/001.p/1"}) {
		t.Fatalf("files from 256 to 257: %v", got)
	}
	if got := exported(t, m, 513, 513); len(got) != 0 {
		t.Fatalf("nothing new, but %d files", len(got))
	}
	for n, want := range map[int64]string{0: "tile/0/000", 1234067: "tile/0/x001/x234/067"} {
		if got := tilePath(tlog.Tile{H: 8, L: 0, N: n, W: 256}); got != want {
			t.Fatalf("path %s, want %s", got, want)
		}
	}
	stop := fault.New(fault.Unavailable, "test", "disk full")
	wantCode(t, Export(m, 0, 513, func(string, []byte) error { return stop }), fault.Unavailable)
}

func wantLeaf(t *testing.T, err error, leaf int64, what string) {
	t.Helper()
	wantCode(t, err, fault.Corrupt)
	if want := fmt.Sprintf("leaf %d:", leaf); !strings.Contains(err.Error(), want) {
		t.Fatalf("%s: %v, want %q", what, err, want)
	}
}

// Every byte of a leaf, of a stored hash, of a tile or of a bundle counts; the leaf is named. Flips are sampled over a
// log of 2,000 leaves.
func TestTamperSweep(t *testing.T) {
	size, flips := 2000, 60
	if testing.Short() {
		size, flips = 600, 15
	}
	m := logOf(t, size)
	c, _ := checkpointOf(t, m)
	for k := range flips {
		i := (k*7919 + 13) % size
		b := m.leaves[i]
		at, bit := (k*31)%len(b), byte(1)<<(k%8)
		b[at] ^= bit
		wantLeaf(t, VerifyTree(m, c, nil), int64(i), "leaf bytes")
		b[at] ^= bit
	}
	for k := range flips {
		p := (k*104729 + 7) % len(m.hashes)
		level, n := tlog.SplitStoredHashIndex(int64(p))
		m.hashes[p][k%32] ^= 1 << (k % 8)
		wantLeaf(t, VerifyTree(m, c, nil), (n+1)<<level-1, "stored hash")
		m.hashes[p][k%32] ^= 1 << (k % 8)
	}
	if err := VerifyTree(m, c, nil); err != nil {
		t.Fatalf("after the flips were undone: %v", err)
	}
	sweepTiles(t, exported(t, m, 0, int64(size)), c, flips)
}

// sweepTiles flips bytes in published files.
func sweepTiles(t *testing.T, dir fstest.MapFS, c Checkpoint, flips int) {
	paths := slices.Sorted(maps.Keys(dir))
	for k := range flips {
		path := paths[k%len(paths)]
		data := dir[path].Data
		at := (k * 7907) % len(data)
		data[at] ^= 1 << (k % 8)
		err := VerifyTiles(dir, c, nil)
		wantCode(t, err, fault.Corrupt)
		if !strings.Contains(err.Error(), "leaf ") {
			t.Fatalf("%s, byte %d: %v names no leaf", path, at, err)
		}
		if strings.HasPrefix(path, "tile/0/") {
			tile, parseErr := tlog.ParseTilePath("tile/8/" + strings.TrimPrefix(path, "tile/"))
			if parseErr != nil {
				t.Fatal(parseErr)
			}
			wantLeaf(t, err, tile.N*tileWidth+int64(at/32), path)
		}
		data[at] ^= 1 << (k % 8)
	}
	for _, path := range paths {
		old := dir[path].Data
		dir[path].Data = old[:len(old)-1]
		wantCode(t, VerifyTiles(dir, c, nil), fault.Corrupt)
		dir[path].Data = append(bytes.Clone(old), 0)
		wantCode(t, VerifyTiles(dir, c, nil), fault.Corrupt)
		file := dir[path]
		delete(dir, path)
		wantCode(t, VerifyTiles(dir, c, nil), fault.Corrupt)
		dir[path] = file
		dir[path].Data = old
	}
	if err := VerifyTiles(dir, c, nil); err != nil {
		t.Fatalf("after the flips were undone: %v", err)
	}
}

// A log whose bytes hash right but are no leaf is corrupt too: Append would have refused them.
func TestVerifyForeignLeaf(t *testing.T) {
	m := logOf(t, 2)
	b := []byte("no leaf")
	hashes, err := tlog.StoredHashes(2, b, reader{m})
	if err != nil {
		t.Fatal(err)
	}
	m.hashes, m.leaves = append(m.hashes, fromTlog(hashes)...), append(m.leaves, b)
	c, _ := checkpointOf(t, m)
	wantLeaf(t, VerifyTree(m, c, nil), 2, "foreign bytes")
	wantLeaf(t, VerifyTiles(exported(t, m, 0, 3), c, nil), 2, "foreign bytes")
}

// fold(log) = state: against a map updated by hand, whatever the order of rows.
func TestFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		state := map[RowKey]RowChange{}
		var leaves []Leaf
		for i := range rapid.IntRange(0, 40).Draw(t, "leaves") {
			r := RowChange{Table: rapid.SampledFrom([]string{"job", "step"}).Draw(t, "table"), Key: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key"), Revision: int64(i)}
			if rapid.Bool().Draw(t, "keep") {
				r.Digest = fmt.Sprintf("%064x", i)
				state[RowKey{r.Table, r.Key}] = r
			} else {
				delete(state, RowKey{r.Table, r.Key})
			}
			leaves = append(leaves, Leaf{Rows: []RowChange{r}})
		}
		f := Fold(slices.Values(leaves))
		if err := f.Match(maps.Values(state)); err != nil {
			t.Fatal(err)
		}
		for k, r := range state {
			r.Revision++
			bad := maps.Clone(state)
			bad[k] = r
			if err := f.Match(maps.Values(bad)); fault.CodeOf(err) != fault.Corrupt || err == nil {
				t.Fatalf("changed row: %v", err)
			}
			delete(bad, k)
			if err := f.Match(maps.Values(bad)); err == nil || !strings.Contains(err.Error(), "lost") {
				t.Fatalf("lost row: %v", err)
			}
			twice := append(slices.Collect(maps.Values(state)), state[k])
			if err := f.Match(slices.Values(twice)); err == nil || !strings.Contains(err.Error(), "twice") {
				t.Fatalf("row twice: %v", err)
			}
		}
		extra := append(slices.Collect(maps.Values(state)), RowChange{Table: "zz", Key: "z"})
		if err := f.Match(slices.Values(extra)); err == nil || !strings.Contains(err.Error(), "row z of table zz") {
			t.Fatalf("row without a leaf: %v", err)
		}
	})
	if len(Fold(nil)) != 0 || Fold(nil).Match(maps.Values(Folded{})) != nil {
		t.Fatal("the empty log is the empty state")
	}
}
