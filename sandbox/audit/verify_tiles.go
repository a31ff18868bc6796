package audit

import (
	"encoding/binary"
	"io/fs"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tacit-data/tacit/api/fault"
)

// VerifyTiles checks a directory of published files against an opened checkpoint: every entry is re-hashed, every tile
// of every level recomputed from the level below, the root compared. visit, unless nil, sees each leaf after its hash
// was found in its tile.
//
// Errors: fault.Corrupt "leaf N: …" naming the first leaf of the first entry or tile hash that differs, or without a
// leaf when only the root does; those of visit. A file longer than its kind can be is refused before it is read.
func VerifyTiles(dir fs.FS, want Checkpoint, visit func(index int64, leaf Leaf) error) error {
	if want.Size < 0 || want.Size > MaxTreeSize {
		return fault.New(fault.Invalid, "audit.VerifyTiles", "a tree of %d leaves", want.Size)
	}
	v := tileVerifier{dir: dir, visit: visit}
	level, err := v.entries(want.Size)
	for l := 1; err == nil && len(level) > 0; l++ {
		level, err = v.level(l, level)
	}
	if err != nil {
		return err
	}
	if Hash(v.rest.root()) != want.Root {
		return fault.New(fault.Corrupt, "audit.VerifyTiles", "the tree of %d leaves does not have the checkpoint's root", want.Size)
	}
	return nil
}

type tileVerifier struct {
	dir   fs.FS
	visit func(int64, Leaf) error
	rest  peaks
}

// entries checks bundles and level-0 tiles and returns the hashes of the full level-0 tiles: 32 bytes per 256 leaves.
func (v *tileVerifier) entries(size int64) ([]tlog.Hash, error) {
	var up []tlog.Hash
	for n := int64(0); n*tileWidth < size; n++ {
		t := tlog.Tile{H: tileHeight, L: 0, N: n, W: int(min(size-n*tileWidth, tileWidth))}
		hashes, err := v.bundle(t)
		if err != nil {
			return nil, err
		}
		if t.W == tileWidth {
			up = append(up, fullRoot(hashes))
		}
	}
	return up, nil
}

// bundle checks one entry bundle against its level-0 tile.
func (v *tileVerifier) bundle(t tlog.Tile) ([]tlog.Hash, error) {
	const op = "audit.VerifyTiles"
	first := t.N * tileWidth
	tile, err := v.read(tilePath(t), t.W*tlog.HashSize, first)
	if err != nil {
		return nil, err
	}
	if len(tile) != t.W*tlog.HashSize {
		return nil, fault.New(fault.Corrupt, op, "leaf %d: %s has %d bytes, %d expected", first, tilePath(t), len(tile), t.W*tlog.HashSize)
	}
	b, err := v.read(bundlePath(t), maxBundleBytes, first)
	if err != nil {
		return nil, err
	}
	hashes := make([]tlog.Hash, 0, t.W)
	for i := range t.W {
		n := first + int64(i)
		if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
			return nil, fault.New(fault.Corrupt, op, "leaf %d: %s is truncated there", n, bundlePath(t))
		}
		entry := b[2 : 2+int(binary.BigEndian.Uint16(b))]
		b = b[2+len(entry):]
		h := tlog.RecordHash(entry)
		if !sameHash(tile, i, h) {
			return nil, fault.New(fault.Corrupt, op, "leaf %d: its bytes or its hash in %s were changed", n, tilePath(t))
		}
		hashes = append(hashes, h)
		v.rest.add(h)
		if err := v.see(n, entry); err != nil {
			return nil, err
		}
	}
	if len(b) != 0 {
		return nil, fault.New(fault.Corrupt, op, "leaf %d: %s has %d bytes after it", first+int64(t.W)-1, bundlePath(t), len(b))
	}
	return hashes, nil
}

func (v *tileVerifier) see(n int64, entry []byte) error {
	l, err := ParseLeaf(entry)
	if err != nil {
		return fault.Wrap(fault.Corrupt, "audit.VerifyTiles", err, "leaf %d: not a leaf", n)
	}
	if v.visit == nil {
		return nil
	}
	return v.visit(n, l)
}

// level checks the tiles of level l, whose hashes were computed from the level below, and returns the hashes of its
// full tiles.
func (v *tileVerifier) level(l int, hashes []tlog.Hash) ([]tlog.Hash, error) {
	var up []tlog.Hash
	for n := 0; n*tileWidth < len(hashes); n++ {
		part := hashes[n*tileWidth : min((n+1)*tileWidth, len(hashes))]
		t := tlog.Tile{H: tileHeight, L: l, N: int64(n), W: len(part)}
		first := int64(n*tileWidth) << (tileHeight * l)
		tile, err := v.read(tilePath(t), t.W*tlog.HashSize, first)
		if err != nil {
			return nil, err
		}
		if len(tile) != t.W*tlog.HashSize {
			return nil, fault.New(fault.Corrupt, "audit.VerifyTiles", "leaf %d: %s has %d bytes, %d expected", first, tilePath(t), len(tile), t.W*tlog.HashSize)
		}
		for i, h := range part {
			if !sameHash(tile, i, h) {
				return nil, fault.New(fault.Corrupt, "audit.VerifyTiles", "leaf %d: the hash over it in %s was changed", first+int64(i)<<(tileHeight*l), tilePath(t))
			}
		}
		if t.W == tileWidth {
			up = append(up, fullRoot(part))
		}
	}
	return up, nil
}

// read returns a file of at most limit bytes. A missing file is damage to the leaf it begins with.
func (v *tileVerifier) read(path string, limit int, leaf int64) ([]byte, error) {
	info, err := fs.Stat(v.dir, path)
	if err != nil {
		return nil, fault.Wrap(fault.Corrupt, "audit.VerifyTiles", err, "leaf %d: %s cannot be read", leaf, path)
	}
	if info.Size() > int64(limit) {
		return nil, fault.New(fault.Corrupt, "audit.VerifyTiles", "leaf %d: %s has %d bytes, at most %d", leaf, path, info.Size(), limit)
	}
	b, err := fs.ReadFile(v.dir, path)
	if err != nil {
		return nil, fault.Wrap(fault.Corrupt, "audit.VerifyTiles", err, "leaf %d: %s cannot be read", leaf, path)
	}
	return b, nil
}

// fullRoot is the root of a full tile's subtree.
func fullRoot(hashes []tlog.Hash) tlog.Hash {
	var p peaks
	for _, h := range hashes {
		p.add(h)
	}
	return p.root()
}
