package intersect

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/protocols/psi"
)

// MaxRows bounds the rows of an input and of an output: 2 GiB of row numbers in aligned order.
const MaxRows = feature.MaxRows

// shelfBits is log₂ of the number of streams that keys are put into while the number of buckets is not known yet; the
// first bits of a bucket number choose the stream, so that any cut is a union or a part of streams.
const shelfBits = 8

// recordBytes is one key on a shelf: the item and the row number.
const recordBytes = 32 + 8

// Counts is what became of the rows of an input.
type Counts struct {
	Rows       int64 `json:"rows"`
	Null       int64 `json:"null"`       // without a match: a key cell is null or empty
	Malformed  int64 `json:"malformed"`  // without a match: a key cell is not of its rule's form
	Duplicates int64 `json:"duplicates"` // rows with the key of an earlier row
	Keys       int64 `json:"keys"`       // distinct
}

// keys are the distinct keys of an input, bound to the job, on shelves by their bucket.
type keys struct {
	Counts
	shelves *spill
}

// stepBinding binds items to a job but to no attempt: the buckets of a resumed run are those of the interrupted one.
func stepBinding(job [32]byte) [32]byte {
	return sha256.Sum256(append([]byte("tacit/intersect/step/v1"), job[:]...))
}

// readKeys streams the key columns and puts the items of usable rows on shelves.
//
// Errors: fault.SchemaMismatch (column absent or neither text nor integer), fault.Invalid (no usable key; a repeated one
// under Unique, with the count), fault.LimitExceeded (MaxRows), those of the input and of the disk.
func readKeys(ctx context.Context, c Config, in *input, report func(rows int64)) (*keys, error) {
	src, err := in.open(ctx, c.Columns)
	if err != nil {
		return nil, err
	}
	k := &keys{shelves: newSpill(c.State, 1<<shelfBits, c.Memory/2, c.Rand)}
	if err := k.read(ctx, c, in, src, report); err != nil {
		k.shelves.close()
		return nil, err
	}
	return k, nil
}

func (k *keys) read(ctx context.Context, c Config, in *input, src engine.Stream, report func(rows int64)) error {
	const op = "intersect.readKeys"
	step := stepBinding(c.Job)
	shelves := psi.Buckets{Bits: shelfBits}
	var record [recordBytes]byte
	err := k.scan(ctx, in, src, feature.Key{Columns: c.Columns, Rules: c.Rules}, report, func(row int64, digest [32]byte) error {
		item := psi.ItemOf(step, digest)
		copy(record[:], item[:])
		binary.LittleEndian.PutUint64(record[32:], uint64(row))
		return k.shelves.add(shelves.Of(item), record[:])
	})
	if err != nil {
		return err
	}
	if err := k.count(); err != nil {
		return err
	}
	if c.Duplicates == Unique && k.Duplicates > 0 {
		return fault.New(fault.Invalid, op, "%d of %d rows repeat the key of an earlier row: make the keys unique, or let both parties say --duplicates expand",
			k.Duplicates, k.Rows)
	}
	return nil
}

// scan reads the key columns src of an input to their end, calls f with the digest of each usable row, and counts the rows.
func (n *Counts) scan(ctx context.Context, in *input, src engine.Stream, key feature.Key, report func(rows int64), f func(row int64, digest [32]byte) error) error {
	t := &tap{Stream: src}
	digests, err := key.Open(ctx, in.mem, []engine.Stream{t})
	if err != nil {
		_ = t.Close() // the error that counts is err
		return err
	}
	defer func() { _ = digests.Close() }() // read only: nothing is lost
	for {
		rec, err := digests.Next(ctx)
		if isEOF(err) {
			break
		}
		if err != nil {
			return err
		}
		err = n.batch(rec, t.last, f)
		rec.Release()
		if err != nil {
			return err
		}
		report(n.Rows)
	}
	if n.Rows > 0 && n.Null+n.Malformed == n.Rows {
		return fault.New(fault.Invalid, "intersect.readKeys", "none of %d rows has a usable key (%d null, %d malformed): is the rule that of the column?",
			n.Rows, n.Null, n.Malformed)
	}
	return nil
}

// batch takes one batch of digests; source is the batch of key cells it was made from.
func (n *Counts) batch(digests, source arrow.Record, f func(row int64, digest [32]byte) error) error {
	col, ok := digests.Column(0).(*array.FixedSizeBinary)
	if !ok {
		return fault.New(fault.Internal, "intersect.readKeys", "the digests have another type")
	}
	if n.Rows+int64(col.Len()) > MaxRows {
		return fault.New(fault.LimitExceeded, "intersect.readKeys", "MaxRows: more than %d rows", int64(MaxRows))
	}
	for row := range col.Len() {
		if col.IsNull(row) {
			if anyEmpty(source, row) {
				n.Null++
			} else {
				n.Malformed++
			}
			continue
		}
		if err := f(n.Rows+int64(row), [32]byte(col.Value(row))); err != nil {
			return err
		}
	}
	n.Rows += int64(col.Len())
	return nil
}

// anyEmpty reports whether a key cell of the row is null or empty.
func anyEmpty(source arrow.Record, row int) bool {
	for _, col := range source.Columns() {
		if text, ok := col.(*array.String); col.IsNull(row) || (ok && text.Value(row) == "") {
			return true
		}
	}
	return false
}

// count sets Keys and Duplicates, shelf by shelf: equal keys share a shelf.
func (k *keys) count() error {
	var order []uint64
	for p := range k.shelves.parts {
		records, err := k.shelves.read(p)
		if err != nil {
			return err
		}
		n := len(records) / recordBytes
		var repeats int
		order, repeats = repeated(order, records)
		k.Duplicates += int64(repeats)
		k.Keys += int64(n - repeats)
	}
	return nil
}

// repeated counts the records whose item an earlier one has. order is scratch.
func repeated(order []uint64, records []byte) ([]uint64, int) {
	order = order[:0]
	for at := 0; at < len(records); at += recordBytes {
		order = append(order, binary.BigEndian.Uint64(records[at:]))
	}
	slices.Sort(order)
	suspects := false
	for i := 1; i < len(order) && !suspects; i++ {
		suspects = order[i] == order[i-1]
	}
	if !suspects {
		return order, 0
	}
	// Equal prefixes are equal items but for chance: the whole items decide.
	seen := make(map[psi.Item]bool, len(order))
	repeats := 0
	for at := 0; at < len(records); at += recordBytes {
		item := psi.Item(records[at : at+32])
		if seen[item] {
			repeats++
		}
		seen[item] = true
	}
	return order, repeats
}

// bucket is the keys of one bucket.
type bucket struct {
	items []psi.Item // distinct
	rows  []uint32   // by item; those of item i are rows[first[i]:first[i+1]], or rows[i] where first is nil
	first []uint32
}

// rowsOf returns the rows that have item i, ascending.
func (b *bucket) rowsOf(i int) []uint32 {
	if b.first == nil {
		return b.rows[i : i+1]
	}
	return b.rows[b.first[i]:b.first[i+1]]
}

// load returns bucket number of cut.
func (k *keys) load(cut psi.Buckets, number int) (*bucket, error) {
	out := &bucket{}
	from, to, whole := shelfRange(cut, number)
	for p := from; p < to; p++ {
		records, err := k.shelves.read(p)
		if err != nil {
			return nil, err
		}
		for at := 0; at < len(records); at += recordBytes {
			item := psi.Item(records[at : at+32])
			if whole || cut.Of(item) == number {
				out.items = append(out.items, item)
				out.rows = append(out.rows, uint32(binary.LittleEndian.Uint64(records[at+32:])))
			}
		}
	}
	if k.Duplicates > 0 {
		out.collapse()
	}
	return out, nil
}

// shelfRange returns the shelves that hold a bucket, and whether they hold nothing else.
func shelfRange(cut psi.Buckets, number int) (from, to int, whole bool) {
	if cut.Bits > shelfBits {
		p := number >> (cut.Bits - shelfBits)
		return p, p + 1, false
	}
	per := 1 << (shelfBits - cut.Bits)
	return number * per, (number + 1) * per, true
}

// collapse brings equal items together, in the order of their first rows.
func (b *bucket) collapse() {
	place := make(map[psi.Item]uint32, len(b.items))
	which := make([]uint32, len(b.items))
	var distinct []psi.Item
	for i, item := range b.items {
		at, ok := place[item]
		if !ok {
			at = uint32(len(distinct))
			place[item] = at
			distinct = append(distinct, item)
		}
		which[i] = at
	}
	first := make([]uint32, len(distinct)+1)
	for _, at := range which {
		first[at+1]++
	}
	for i := range distinct {
		first[i+1] += first[i]
	}
	rows, next := make([]uint32, len(b.rows)), slices.Clone(first)
	for i, at := range which {
		rows[next[at]] = b.rows[i]
		next[at]++
	}
	*b = bucket{items: distinct, rows: rows, first: first}
}
