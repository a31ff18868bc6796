package parquet

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/table"
)

// Open reads the Parquet file as table.Open reads the others.
//
// Errors: those of table.Open; fault.Corrupt where the file is no Parquet or damaged.
func Open(ctx context.Context, path string, mem memory.Allocator, o table.Options) (engine.Stream, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	f, err := table.OpenVerified(ctx, path, o.Digest)
	if err != nil {
		return nil, err
	}
	var src *groups
	err = table.Guard("parquet.Open", func() (err error) {
		src, err = newGroups(f, o)
		return err
	})
	if err != nil {
		f.Close()
		return nil, err
	}
	return table.Conform(src, mem, o)
}

// Describe reads the file once and returns its schema, counts and digest.
//
// Errors: those of Open and of its stream.
func Describe(ctx context.Context, path string, mem memory.Allocator, o table.Options) (table.Description, error) {
	if err := o.Check(); err != nil {
		return table.Description{}, err
	}
	return table.DescribeStream(ctx, path, mem, o, Open)
}

// groups streams the row groups of a file in the types that it stores.
type groups struct {
	file   *os.File
	r      *file.Reader
	schema *arrow.Schema
	leaf   []int // per field, its leaf column
	next   int   // the row group to open
	left   int64 // rows of the open row group
	chunks []file.ColumnChunkReader
	pages  pages
}

func newGroups(f *os.File, o table.Options) (*groups, error) {
	if info, err := f.Stat(); err == nil && info.Size() == 0 {
		return nil, fault.New(fault.Invalid, "parquet.Open", "the file is empty: a Parquet footer is expected")
	}
	props := parquet.NewReaderProperties(&table.Scratch{})
	props.BufferedStreamEnabled = true
	r, err := file.NewParquetReader(f, file.WithReadProps(props))
	if err != nil {
		return nil, damaged(err)
	}
	meta := r.MetaData()
	manifest, err := pqarrow.NewSchemaManifest(meta.Schema, meta.KeyValueMetadata(), &pqarrow.ArrowReadProperties{})
	if err != nil {
		return nil, damaged(err)
	}
	g := &groups{file: f, r: r}
	if err := declared(manifest, o); err != nil {
		return nil, err
	}
	var fields []arrow.Field
	for _, sf := range manifest.Fields {
		if !wanted(o, sf.Field.Name) {
			continue
		}
		fd := *sf.Field
		fd.Nullable = true
		if sf.IsLeaf() && meta.Schema.Column(sf.ColIndex).MaxRepetitionLevel() == 0 {
			fd.Type = stored(fd.Type)
		}
		fields = append(fields, fd)
		g.leaf = append(g.leaf, sf.ColIndex)
	}
	g.schema = arrow.NewSchema(fields, nil)
	return g, nil
}

// declared refuses a declared schema that the file has no column of; table.Conform, which sees the wanted columns only,
// names any other that is absent.
func declared(m *pqarrow.SchemaManifest, o table.Options) error {
	if len(m.Fields) == 0 || slices.ContainsFunc(m.Fields, func(f pqarrow.SchemaField) bool { return wanted(o, f.Field.Name) }) {
		return nil
	}
	return fault.New(fault.SchemaMismatch, "parquet.Open", "column %q is declared and not in the file", o.Schema.Field(0).Name)
}

// wanted reports whether the column is to be read.
func wanted(o table.Options, name string) bool {
	return o.Schema == nil || o.Schema.HasField(name) || slices.Contains(o.Keys, name)
}

// stored returns the Arrow type in which the pages of a flat column are read, and t itself for one that is not read.
func stored(t arrow.DataType) arrow.DataType {
	switch t.ID() {
	case arrow.INT8, arrow.INT16, arrow.INT32:
		return arrow.PrimitiveTypes.Int32
	case arrow.UINT8, arrow.UINT16, arrow.UINT32:
		return arrow.PrimitiveTypes.Uint32
	case arrow.LARGE_STRING:
		return arrow.BinaryTypes.String
	case arrow.DICTIONARY:
		if d, ok := t.(*arrow.DictionaryType); ok {
			return stored(d.ValueType)
		}
	}
	return t
}

// Schema implements engine.Stream.
func (g *groups) Schema() *arrow.Schema { return g.schema }

// Close implements engine.Stream.
func (g *groups) Close() error {
	g.file.Close() // read only: nothing can be lost
	return nil
}

// Next implements engine.Stream. table.Conform guards it against the panics of a damaged file.
func (g *groups) Next(ctx context.Context) (arrow.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.CodeOf(err), "parquet.Next", err, "stopped while reading")
	}
	for g.left == 0 {
		if g.next == g.r.NumRowGroups() {
			return nil, io.EOF
		}
		if err := g.open(); err != nil {
			return nil, err
		}
	}
	n := int(min(g.left, engine.MaxBatchRows))
	b := array.NewRecordBuilder(&table.Scratch{}, g.schema)
	defer b.Release()
	for i, c := range g.chunks {
		if err := g.pages.read(b.Field(i), c, n); err != nil {
			return nil, damaged(err)
		}
	}
	g.left -= int64(n)
	return b.NewRecord(), nil
}

func (g *groups) open() error {
	rg := g.r.RowGroup(g.next)
	g.next++
	g.chunks = g.chunks[:0]
	for _, leaf := range g.leaf {
		c, err := rg.Column(leaf)
		if err != nil {
			return damaged(err)
		}
		g.chunks = append(g.chunks, c)
	}
	if g.left = rg.NumRows(); g.left < 0 {
		return damaged(errShort)
	}
	return nil
}

var errShort = errors.New("a column chunk ends before its row group")

// damaged gives an error of the Parquet reader its code.
func damaged(err error) error {
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return fault.Wrap(fault.Unavailable, "parquet.Next", err, "the data file cannot be read")
	}
	return fault.Wrap(fault.Corrupt, "parquet.Next", err, "the Parquet file is damaged or cut short")
}
