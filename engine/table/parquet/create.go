package parquet

import (
	"context"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/table"
)

// Create writes s as a snappy-compressed Parquet file, one row group per batch, with the guarantees of table.Create.
//
// Errors: fault.Unavailable (not writable), those of s.
func Create(ctx context.Context, path string, mem memory.Allocator, s engine.Stream) (table.Written, error) {
	return table.CreateFile(path, func(w io.WriteSeeker) (int64, error) { return write(ctx, w, mem, s) })
}

func write(ctx context.Context, w io.Writer, mem memory.Allocator, s engine.Stream) (rows int64, err error) {
	props := parquet.NewWriterProperties(parquet.WithAllocator(&table.Scratch{}),
		parquet.WithCompression(compress.Codecs.Snappy), parquet.WithMaxRowGroupLength(engine.MaxBatchRows))
	// Unclosable: the library closes a writer that can be closed, and the file is synced after it.
	out, err := pqarrow.NewFileWriter(s.Schema(), struct{ io.Writer }{w}, props,
		pqarrow.NewArrowWriterProperties(pqarrow.WithAllocator(mem)))
	if err != nil {
		return 0, unwritable(err)
	}
	rows, err = table.Each(ctx, s, func(rec arrow.Record) error { return unwritable(out.Write(rec)) })
	if cerr := out.Close(); err == nil {
		err = unwritable(cerr)
	}
	return rows, err
}

func unwritable(err error) error {
	return fault.Wrap(fault.Unavailable, "parquet.Create", err, "the file cannot be written")
}
