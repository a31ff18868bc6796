package oprf

import (
	"context"
	"crypto/sha256"
	"io"
	"iter"

	"github.com/tacit-data/tacit/api/fault"
)

// Row is one item of the server and, in the labelled variant, its value, which is borrowed until the iterator moves on.
type Row struct {
	Digest Digest
	Value  []byte // ValueBytes long
}

// Rows iterates over digests without values.
func Rows(digests []Digest) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for _, d := range digests {
			if !yield(Row{Digest: d}, nil) {
				return
			}
		}
	}
}

// Offline is what the server needs to make a tag file, once per epoch.
type Offline struct {
	Key     Key
	Epoch   [32]byte  // a fresh id for every key; advice: random or a hash of the key's commitment and a date
	Rand    io.Reader // crypto/rand.Reader outside tests
	Workers int       // goroutines, at least 1
}

// buildRows is the number of rows evaluated between two draws from the iterator.
const buildRows = 1 << 12

// BuildTags evaluates the OPRF on every row and writes the tag file to w. rows are drawn one after the other and an error
// of theirs ends the work; repeated digests collapse into one record, in the labelled variant they are refused.
//
// Memory: L bytes per row (plus 16 + ValueBytes), growing with the rows, at most about twice MaxTagBuffer. Nothing is
// written to w before every row is evaluated. The file depends on rows, key, epoch and salt, not on Workers.
// Errors: fault.Invalid (zero Key, Params, Rand or Workers, a key of another suite, a value of another length, repeated
// labelled digest), fault.LimitExceeded (more rows than ServerItems), fault.Unavailable (w failed), fault.Canceled, and
// those of rows.
func BuildTags(ctx context.Context, o Offline, rows iter.Seq2[Row, error], w io.Writer, p Params) (Pin, error) {
	const op = "oprf.BuildTags"
	b, err := newBuilder(o, p)
	if err != nil {
		return Pin{}, err
	}
	chunk := make([]Row, 0, buildRows)
	values := make([]byte, buildRows*p.lit.ValueBytes)
	for row, err := range rows {
		if err != nil {
			return Pin{}, settle(op, err)
		}
		if len(row.Value) != p.lit.ValueBytes {
			return Pin{}, fault.New(fault.Invalid, op, "a value of %d bytes, the plan declared %d", len(row.Value), p.lit.ValueBytes)
		}
		own := values[len(chunk)*p.lit.ValueBytes:][:p.lit.ValueBytes]
		copy(own, row.Value)
		if chunk = append(chunk, Row{row.Digest, own}); len(chunk) == buildRows {
			if err := b.add(ctx, chunk); err != nil {
				return Pin{}, settle(op, err)
			}
			chunk = chunk[:0]
		}
	}
	if err := b.add(ctx, chunk); err != nil {
		return Pin{}, settle(op, err)
	}
	pin, err := b.write(ctx, w)
	if err != nil {
		return Pin{}, settle(op, err)
	}
	return pin, nil
}

// builder holds the records of a tag file while they are made.
type builder struct {
	p       Params
	o       Offline
	pool    pool
	salt    [32]byte
	chunk   []byte // records of the rows in work
	records partitions
	meter   meter
}

func newBuilder(o Offline, p Params) (*builder, error) {
	const op = "oprf.BuildTags"
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := o.Key.check(); err != nil {
		return nil, err
	}
	if o.Key.Suite() != p.lit.Suite {
		return nil, fault.New(fault.Invalid, op, "a key of suite %s, the plan says %s", o.Key.Suite(), p.lit.Suite)
	}
	if o.Rand == nil || o.Workers < 1 {
		return nil, fault.New(fault.Invalid, op, "Offline needs Rand and at least 1 worker")
	}
	b := &builder{p: p, o: o, pool: newPool(o.Workers), chunk: make([]byte, buildRows*p.recordBytes())}
	b.meter = meter{total: p.lit.ServerItems, report: p.progress}
	b.records = partitions{width: p.recordBytes(), tag: p.tagBytes()}
	if _, err := io.ReadFull(o.Rand, b.salt[:]); err != nil {
		return nil, fault.Wrap(fault.Internal, op, err, "the randomness source failed")
	}
	return b, nil
}

// add evaluates up to buildRows rows.
func (b *builder) add(ctx context.Context, rows []Row) error {
	if b.records.count+len(rows) > b.p.lit.ServerItems {
		return fault.New(fault.LimitExceeded, "oprf.BuildTags", "more rows than the %d that the plan declared", b.p.lit.ServerItems)
	}
	width := b.p.recordBytes()
	err := b.pool.each(ctx, len(rows), block, func(lo, hi int) error { return b.evaluate(rows[lo:hi], b.chunk[lo*width:hi*width]) })
	if err != nil {
		return err
	}
	for i := range rows {
		b.records.add(b.chunk[i*width : (i+1)*width])
	}
	b.meter.add(len(rows))
	return nil
}

// evaluate writes the records of rows to dst.
func (b *builder) evaluate(rows []Row, dst []byte) error {
	s, width, tag := b.p.scheme, b.p.recordBytes(), b.p.tagBytes()
	h, enc, out := s.newHash(), make([]byte, s.element), make([]byte, s.output)
	defer clear(out)
	defer clear(enc)
	for i, row := range rows {
		input := item(b.o.Epoch, row.Digest)
		if err := b.o.Key.evaluate(s, h, out, enc, input[:]); err != nil {
			return err
		}
		record := dst[i*width : (i+1)*width]
		full := tagOf(out)
		copy(record, full[:tag])
		if b.p.lit.ValueBytes == 0 {
			continue
		}
		key := valueKey(b.salt, out)
		if _, err := seal(record[:tag], &key, record[:tag], row.Value); err != nil {
			return err
		}
		clear(key[:])
	}
	return nil
}

// write sorts the records and writes the file.
func (b *builder) write(ctx context.Context, w io.Writer) (Pin, error) {
	const op = "oprf.BuildTags"
	if err := b.records.sort(ctx, b.pool); err != nil {
		return Pin{}, err
	}
	repeats := b.records.compact()
	if repeats > 0 && b.p.lit.ValueBytes > 0 {
		return Pin{}, fault.New(fault.Invalid, op, "%d rows repeat another; labelled items must be distinct", repeats)
	}
	h := fileHeader{
		suite: b.p.scheme.number, params: b.p.Digest(), epoch: b.o.Epoch, salt: b.salt, records: b.records.count,
		tag: b.p.tagBytes(), value: b.p.lit.ValueBytes, queries: b.p.lit.Queries,
	}
	copy(h.public[:], b.o.Key.state.public)
	sum := sha256.New()
	both := io.MultiWriter(sum, w)
	_, err := both.Write(h.encode())
	for i := 0; err == nil && i < len(b.records.part); i++ {
		if err := ctx.Err(); err != nil {
			return Pin{}, err
		}
		_, err = both.Write(b.records.part[i])
	}
	digest := sum.Sum(nil)
	if err == nil {
		_, err = w.Write(digest)
	}
	if err != nil {
		return Pin{}, fault.Wrap(fault.Unavailable, op, err, "the tag file cannot be written")
	}
	return Pin{Epoch: b.o.Epoch, Key: b.o.Key.Commitment(), File: [32]byte(digest)}, nil
}
