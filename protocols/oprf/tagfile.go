package oprf

import (
	"bytes"
	"context"
	"io"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
)

// A tag file is: header (fileHeaderBytes) ‖ records in strictly ascending order of their tags ‖ SHA-256 of all before.
// A record is the tag and, in the labelled variant, the sealed value.

const (
	fileMagic   = "TACITTAG"
	fileVersion = 1
)

// maxElement is the encoded size of the longest public key.
const maxElement = 33

// fileHeaderBytes: magic, version u8, suite u8, params, epoch, salt, public key padded with zeros, records u64, tag bytes u8,
// value bytes u16, lifetime queries u64.
const fileHeaderBytes = len(fileMagic) + 1 + 1 + 32 + 32 + 32 + maxElement + 8 + 1 + 2 + 8

// indexRecords is the number of records between two entries of a TagFile's index: a lookup reads one such block, 11 KiB
// of bare tags and at most 1 MiB.
const indexRecords = 1 << 10

// fileHeader is the checked header of a tag file.
type fileHeader struct {
	suite   uint8
	params  [32]byte
	epoch   [32]byte
	salt    [32]byte // fresh for every file; goes into the keys of the values
	public  [maxElement]byte
	records int
	tag     int // bytes
	value   int // bytes
	queries int64
}

func (h fileHeader) encode() []byte {
	e := wire.Encoder{B: make([]byte, 0, fileHeaderBytes)}
	e.Fixed([]byte(fileMagic))
	e.U8(fileVersion)
	e.U8(h.suite)
	e.Fixed(h.params[:])
	e.Fixed(h.epoch[:])
	e.Fixed(h.salt[:])
	e.Fixed(h.public[:])
	e.U64(uint64(h.records))
	e.U8(uint8(h.tag))
	e.U16(uint16(h.value))
	e.I64(h.queries)
	return e.B
}

// decodeFileHeader reads a header and compares it with the plan.
//
// Errors: fault.Misbehaved (no header of a tag file), fault.Unsupported (another version), fault.PlanMismatch (other
// parameters), fault.LimitExceeded (more records than declared).
func decodeFileHeader(b []byte, p Params) (fileHeader, error) {
	d := wire.NewDecoder(b, "oprf.decodeFileHeader")
	if string(d.Fixed(len(fileMagic))) != fileMagic {
		d.Fail(fault.Misbehaved, "not a tag file")
	}
	d.Version(fileVersion)
	h := fileHeader{suite: d.U8(), params: d.Hash(), epoch: d.Hash(), salt: d.Hash()}
	copy(h.public[:], d.Fixed(maxElement))
	records := d.U64()
	h.tag, h.value, h.queries = int(d.U8()), int(d.U16()), d.I64()
	if err := d.Done(); err != nil {
		return fileHeader{}, err
	}
	if h.params != p.Digest() {
		return fileHeader{}, fault.New(fault.PlanMismatch, "oprf.decodeFileHeader", "the tag file was made with other parameters or key rules")
	}
	if records > uint64(p.lit.ServerItems) {
		return fileHeader{}, fault.New(fault.LimitExceeded, "oprf.decodeFileHeader", "a tag file of %d records, the plan declared %d", records, p.lit.ServerItems)
	}
	h.records = int(records)
	if h.suite != p.scheme.number || h.tag != p.tagBytes() || h.value != p.lit.ValueBytes || h.queries != p.lit.Queries || !p.publicKeyFits(h.public) {
		return fileHeader{}, fault.New(fault.Misbehaved, "oprf.decodeFileHeader", "a header that contradicts its parameters")
	}
	return h, nil
}

// publicKeyFits reports whether b is the padded canonical encoding of a public key.
func (p Params) publicKeyFits(b [maxElement]byte) bool {
	n := p.scheme.element
	return isZero(b[n:]) && p.scheme.decode(p.scheme.group.NewElement(), b[:n]) == nil
}

// TagFile is an opened, checked tag file. It reads from its source during Query and SendTags and is safe for concurrent
// use as far as the source is. Nothing needs closing here; the source is the caller's.
type TagFile struct {
	r      io.ReaderAt
	p      Params
	h      fileHeader
	pin    Pin
	public []byte
	index  []byte
}

// scanBytes is the buffer of one read of a scan.
const scanBytes = 1 << 18

// OpenTags reads a whole tag file of size bytes once, checks it and keeps its source for lookups.
//
// Memory: 11 bytes per 1024 records (of L = 11). Time: one SHA-256 of the file.
// Errors: fault.Corrupt (not a tag file, cut, altered or out of order), fault.PlanMismatch (made with other parameters),
// fault.LimitExceeded (more records than the plan declared), fault.Unsupported (another version), fault.Unavailable (r
// failed), fault.Invalid (zero Params), fault.Canceled.
func OpenTags(ctx context.Context, r io.ReaderAt, size int64, p Params) (*TagFile, error) {
	const op = "oprf.OpenTags"
	if err := p.check(); err != nil {
		return nil, err
	}
	scan := newFileScan(p)
	buf := make([]byte, scanBytes)
	for at := int64(0); at < size; {
		if err := ctx.Err(); err != nil {
			return nil, settle(op, err)
		}
		n := int(min(size-at, scanBytes))
		if err := readAt(r, buf[:n], at); err != nil {
			return nil, err
		}
		if err := scan.write(buf[:n]); err != nil {
			return nil, stored(op, err)
		}
		at += int64(n)
	}
	pin, err := scan.finish()
	if err != nil {
		return nil, stored(op, err)
	}
	return &TagFile{r: r, p: p, h: scan.h, pin: pin, public: bytes.Clone(scan.public()), index: scan.index}, nil
}

// stored turns what would be a peer's fault into that of stored bytes.
func stored(op string, err error) error {
	if fault.CodeOf(err) == fault.Misbehaved {
		return wire.Stored(op, err)
	}
	return err
}

// readAt fills b from offset at.
//
// Errors: fault.Corrupt (the source ends early), fault.Unavailable (it fails).
func readAt(r io.ReaderAt, b []byte, at int64) error {
	const op = "oprf.readAt"
	n, err := r.ReadAt(b, at)
	switch {
	case n == len(b):
		return nil
	case err == io.EOF:
		return fault.New(fault.Corrupt, op, "the tag file is shorter than it was; fetch it again")
	}
	return fault.Wrap(fault.Unavailable, op, err, "the tag file cannot be read")
}

// Pin returns what identifies the file.
func (f *TagFile) Pin() Pin { return f.pin }

// Params returns the parameters it was opened with.
func (f *TagFile) Params() Params { return f.p }

// Records returns the number of distinct items of the server.
func (f *TagFile) Records() int { return f.h.records }

// Size returns the size of the file in bytes.
func (f *TagFile) Size() int64 { return f.p.FileBytes(f.h.records) }
