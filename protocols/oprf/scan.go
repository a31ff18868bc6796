package oprf

import (
	"bytes"
	"crypto/sha256"
	"hash"

	"github.com/tacit-data/tacit/api/fault"
)

// fileScan checks a tag file that passes by in pieces: header, order, length and digest. It collects the index.
type fileScan struct {
	p      Params
	h      fileHeader
	sum    hash.Hash
	head   []byte // header bytes so far
	seen   int    // records so far
	part   []byte // the beginning of a record whose rest has not come
	last   []byte // tag of the last whole record
	index  []byte // tags of records 0, indexRecords, 2·indexRecords …
	digest []byte // trailing digest so far
}

func newFileScan(p Params) *fileScan { return &fileScan{p: p, sum: sha256.New()} }

// write takes the next bytes of the file.
//
// Errors: those of decodeFileHeader, and fault.Misbehaved (records out of order, bytes after the end).
func (f *fileScan) write(b []byte) error {
	if n := min(fileHeaderBytes-len(f.head), len(b)); n > 0 {
		f.head, b = append(f.head, b[:n]...), b[n:]
		if len(f.head) < fileHeaderBytes {
			return nil
		}
		h, err := decodeFileHeader(f.head, f.p)
		if err != nil {
			return err
		}
		f.h = h
		_, _ = f.sum.Write(f.head) // a hash never fails
	}
	width := f.p.recordBytes()
	body := min((f.h.records-f.seen)*width-len(f.part), len(b))
	_, _ = f.sum.Write(b[:body])
	if err := f.records(b[:body], width); err != nil {
		return err
	}
	if f.digest = append(f.digest, b[body:]...); len(f.digest) > sha256.Size {
		return fault.New(fault.Misbehaved, "oprf.fileScan", "bytes after the end of a tag file")
	}
	return nil
}

func (f *fileScan) records(b []byte, width int) error {
	if len(f.part) > 0 && len(b) > 0 {
		n := min(width-len(f.part), len(b))
		f.part, b = append(f.part, b[:n]...), b[n:]
		if len(f.part) < width {
			return nil
		}
		if err := f.record(f.part); err != nil {
			return err
		}
		f.part = f.part[:0]
	}
	for ; len(b) >= width; b = b[width:] {
		if err := f.record(b[:width]); err != nil {
			return err
		}
	}
	f.part = append(f.part, b...)
	return nil
}

func (f *fileScan) record(b []byte) error {
	tag := b[:f.h.tag]
	if f.seen > 0 && bytes.Compare(f.last, tag) >= 0 {
		return fault.New(fault.Misbehaved, "oprf.fileScan", "records out of order")
	}
	if f.seen%indexRecords == 0 {
		f.index = append(f.index, tag...)
	}
	f.last = append(f.last[:0], tag...)
	f.seen++
	return nil
}

// finish checks that the file is whole and returns what identifies it.
//
// Errors: fault.Misbehaved.
func (f *fileScan) finish() (Pin, error) {
	if len(f.head) < fileHeaderBytes || f.seen < f.h.records || !bytes.Equal(f.digest, f.sum.Sum(nil)) {
		return Pin{}, fault.New(fault.Misbehaved, "oprf.fileScan", "a tag file that is cut or does not match its digest")
	}
	return Pin{Epoch: f.h.epoch, Key: commitment(f.p.lit.Suite, f.public()), File: [32]byte(f.digest)}, nil
}

func (f *fileScan) public() []byte { return f.h.public[:f.p.scheme.element] }
