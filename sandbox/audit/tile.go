package audit

import (
	"encoding/binary"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tacit-data/tacit/api/fault"
)

// tileHeight and tileWidth are fixed by C2SP tlog-tiles: 256 hashes, 8,192 bytes.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// maxBundleBytes bounds an entry bundle: 256 entries, each with its u16 length.
const maxBundleBytes = tileWidth * (2 + MaxLeafBytes)

// Export derives the C2SP tlog-tiles files that turn a publication of the tree of from leaves into one of the tree of
// size leaves, and hands each to put with its path below the prefix ("tile/0/x001/000.p/7", "tile/entries/000"). Files
// are immutable; those of older partial tiles stay valid and may be deleted. One tile is in memory at a time. The
// caller publishes "checkpoint" last.
//
// Errors: fault.Invalid unless 0 ≤ from ≤ size ≤ tree size; those of r and put.
func Export(r Reader, from, size int64, put func(path string, data []byte) error) error {
	if err := checkSize(r, size, "audit.Export"); err != nil {
		return err
	}
	if from < 0 || from > size {
		return fault.New(fault.Invalid, "audit.Export", "from %d leaves to %d", from, size)
	}
	for _, t := range tlog.NewTiles(tileHeight, from, size) {
		data, err := tlog.ReadTileData(t, reader{r})
		if err != nil {
			return fault.Wrap(fault.CodeOf(err), "audit.Export", err, "hashes of %s", tilePath(t))
		}
		if err := put(tilePath(t), data); err != nil {
			return err
		}
		if t.L != 0 {
			continue
		}
		bundle, err := readBundle(r, t)
		if err != nil {
			return err
		}
		if err := put(bundlePath(t), bundle); err != nil {
			return err
		}
	}
	return nil
}

// readBundle is the entry bundle that goes with level-0 tile t: entries with a big-endian u16 length.
func readBundle(r Reader, t tlog.Tile) ([]byte, error) {
	var out []byte
	for i := range t.W {
		leaf, err := r.Leaf(t.N*tileWidth + int64(i))
		if err != nil {
			return nil, fault.Wrap(fault.CodeOf(err), "audit.Export", err, "leaf %d", t.N*tileWidth+int64(i))
		}
		if len(leaf) > MaxLeafBytes {
			return nil, fault.New(fault.Corrupt, "audit.Export", "leaf %d has %d bytes, at most %d", t.N*tileWidth+int64(i), len(leaf), MaxLeafBytes)
		}
		out = binary.BigEndian.AppendUint16(out, uint16(len(leaf)))
		out = append(out, leaf...)
	}
	return out, nil
}

// tilePath is "tile/<L>/<N>[.p/<W>]". x/mod writes the height in front, which C2SP fixes and leaves out.
func tilePath(t tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(t.Path(), "tile/8/")
}

// bundlePath is "tile/entries/<N>[.p/<W>]".
func bundlePath(t tlog.Tile) string {
	t.L = -1
	return "tile/entries/" + strings.TrimPrefix(t.Path(), "tile/8/data/")
}
