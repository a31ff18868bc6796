package feature

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/label"
	"github.com/tacit-data/tacit/internal/wire"
)

// maxKeyColumns bounds the columns of one key.
const maxKeyColumns = 16

// KeyDigestColumn is the name of the column that Key makes.
const KeyDigestColumn = "key"

// RulesetDigest is what the parties of an intersection must agree on: SHA-256("tacit/ruleset/v1" ‖ the rules' names in
// order). Column names are each party's own and are not in it.
func RulesetDigest(rules []Rule) [32]byte {
	e := wire.Encoder{B: []byte("tacit/ruleset/v1")}
	e.U32(uint32(len(rules)))
	for _, r := range rules {
		e.String(r.String())
	}
	return sha256.Sum256(e.B)
}

// Key is the operator that turns key columns into one column of digests, SHA-256("tacit/key/v1" ‖ RulesetDigest ‖ per
// column: tag ‖ u32 length ‖ canonical bytes), as fixed_size_binary[32]. A row with a null, empty or malformed cell in
// any key column has a null key and matches nothing. It is immutable and safe for concurrent use.
type Key struct {
	Columns []string
	Rules   []Rule // one per column
}

// check refuses a key that has no meaning on any table.
func (k Key) check() error {
	if n := len(k.Columns); n == 0 || n != len(k.Rules) {
		return fault.New(fault.Invalid, "feature.Key", "%d key columns with %d rules, want as many of both and at least one", n, len(k.Rules))
	}
	if len(k.Columns) > maxKeyColumns {
		return fault.New(fault.LimitExceeded, "feature.Key", "maxKeyColumns: %d key columns, at most %d", len(k.Columns), maxKeyColumns)
	}
	for i, r := range k.Rules {
		if _, err := ParseRule(r.String()); err != nil {
			return fault.New(fault.Invalid, "feature.Key", "key column %q: no rule numbered %d", k.Columns[i], r)
		}
	}
	return nil
}

// Bind implements engine.Operator: one nullable column "key" with the combined label of the key columns.
//
// Errors: fault.Invalid (key or input count), fault.SchemaMismatch (a column is absent, or neither utf8 nor int64),
// those of label.Local.
func (k Key) Bind(in []engine.Type) (engine.Type, error) {
	if err := one(len(in), "feature.Key"); err != nil {
		return engine.Type{}, err
	}
	at, err := k.columns(in[0].Schema)
	if err != nil {
		return engine.Type{}, err
	}
	labels := make([]label.Label, len(at))
	for i, c := range at {
		labels[i] = in[0].Labels[c]
	}
	l, err := label.Local(false, labels...)
	if err != nil {
		return engine.Type{}, err
	}
	return engine.NewType(keySchema(), l), nil
}

func keySchema() *arrow.Schema {
	return arrow.NewSchema([]arrow.Field{{
		Name: KeyDigestColumn, Type: &arrow.FixedSizeBinaryType{ByteWidth: sha256.Size}, Nullable: true,
	}}, nil)
}

// columns returns the places of the key columns.
func (k Key) columns(s *arrow.Schema) ([]int, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	return find(s, k.Columns, "a key is utf8 or int64", fault.SchemaMismatch, arrow.STRING, arrow.INT64)
}

// Open implements engine.Operator.
func (k Key) Open(_ context.Context, mem memory.Allocator, in []engine.Stream) (engine.Stream, error) {
	if err := one(len(in), "feature.Key"); err != nil {
		return nil, err
	}
	at, err := k.columns(in[0].Schema())
	if err != nil {
		return nil, err
	}
	d := k.digester()
	return &mapped{src: in[0], schema: keySchema(), f: func(rec arrow.Record) (arrow.Record, error) {
		return d.record(mem, rec, at), nil
	}}, nil
}

// record returns the digests of rec's rows as the one column of a record.
func (d *digester) record(mem memory.Allocator, rec arrow.Record, at []int) arrow.Record {
	schema, n := keySchema(), int(rec.NumRows())
	digests, valid := memory.NewResizableBuffer(mem), memory.NewResizableBuffer(mem)
	defer digests.Release()
	defer valid.Release()
	digests.Resize(n * sha256.Size)
	valid.Resize(int(bitutil.BytesForBits(int64(n))))
	clear(valid.Bytes())
	nulls, cells := 0, cellsOf(rec, at)
	for row := range n {
		dst := (*[sha256.Size]byte)(digests.Bytes()[row*sha256.Size:])
		if d.row(dst, cells, row) == keyed {
			bitutil.SetBit(valid.Bytes(), row)
		} else {
			*dst = [sha256.Size]byte{}
			nulls++
		}
	}
	data := array.NewData(schema.Field(0).Type, n, []*memory.Buffer{valid, digests}, nil, nulls, 0)
	defer data.Release()
	col := array.NewFixedSizeBinaryData(data)
	defer col.Release()
	return array.NewRecord(schema, []arrow.Array{col}, int64(n))
}

// digester hashes rows; it is not safe for concurrent use. Its buffers serve every row.
type digester struct {
	rules  []Rule
	apply  []func(string) (string, bool) // of each rule
	hash   hash.Hash
	buf    []byte // begins with what every row begins with, prefix bytes
	prefix int
}

func (k Key) digester() *digester {
	ruleset := RulesetDigest(k.Rules)
	buf := append([]byte("tacit/key/v1"), ruleset[:]...)
	d := &digester{rules: k.Rules, hash: sha256.New(), prefix: len(buf), buf: buf}
	for _, r := range k.Rules {
		d.apply = append(d.apply, r.applied())
	}
	return d
}

// rowState is what became of a row's key.
type rowState uint8

const (
	keyed rowState = iota
	null
	malformed
)

// row sets dst to the digest of one row where it is keyed. cells read the key columns.
func (d *digester) row(dst *[sha256.Size]byte, cells []func(int) string, row int) rowState {
	d.buf = d.buf[:d.prefix]
	for i, cell := range cells {
		s := cell(row)
		if s == "" {
			return null
		}
		if !keyText(s) {
			return malformed
		}
		c, ok := d.apply[i](s)
		if !ok {
			return malformed
		}
		d.buf = append(d.buf, byte(d.rules[i]))
		d.buf = binary.BigEndian.AppendUint32(d.buf, uint32(len(c)))
		d.buf = append(d.buf, c...)
	}
	d.hash.Reset()
	d.hash.Write(d.buf) // a hash.Hash never fails
	d.hash.Sum(dst[:0])
	return keyed
}

// cellsOf returns a reader per key column: the text of a cell, empty for null.
func cellsOf(rec arrow.Record, at []int) []func(int) string {
	out := make([]func(int) string, len(at))
	for i, c := range at {
		switch a := rec.Column(c).(type) {
		case *array.String:
			out[i] = func(row int) string {
				if a.IsNull(row) {
					return ""
				}
				return a.Value(row)
			}
		case *array.Int64:
			out[i] = func(row int) string {
				if a.IsNull(row) {
					return ""
				}
				return strconv.FormatInt(a.Value(row), 10)
			}
		}
	}
	return out
}
