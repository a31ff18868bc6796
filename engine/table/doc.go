// Package table turns files into streams of Arrow batches and streams into files: CSV, TSV and Arrow IPC here, Parquet
// in the package beside it, which alone links what Arrow's Parquet needs.
//
// A table has three kinds of column and no others: int64, float64 and utf8, all nullable. Whatever a file stores is
// brought to one of these or refused with the column named, so that every later step knows three types. Rows are
// numbered from 1 in errors, the header not counted; errors name the row and the column and never quote a cell.
//
// A file is pinned by its version digest, SHA-256 over a tag and the file's bytes: equal bytes, equal digest. Memory
// is bounded by one batch of at most engine.MaxBatchRows rows, whatever the size of the file.
package table

// The bounds of a table. A file beyond them is refused with fault.LimitExceeded that names the bound.
const (
	// MaxColumns bounds the columns of a file: a batch of this width and full height is 2 GiB of numbers.
	MaxColumns = 4096
	// MaxNameBytes bounds a column name: names appear in plans, errors and leakage statements.
	MaxNameBytes = 255
	// MaxCellBytes bounds one text cell; a longer one is nearly always an unbalanced quote.
	MaxCellBytes = 1 << 20
	// MaxRowBytes bounds one CSV row: it is all the reader holds besides its batch and 64 KiB read ahead.
	MaxRowBytes = 16 << 20
	// MaxBatchBytes bounds the text of one CSV batch: a batch is cut short before its cells outgrow it.
	MaxBatchBytes = 64 << 20
	// MaxMessageBytes bounds one Arrow IPC message, which its reader holds whole.
	MaxMessageBytes = 1 << 30
	// MaxMetadataBytes bounds the metadata of one Arrow IPC message.
	MaxMetadataBytes = 16 << 20
)
