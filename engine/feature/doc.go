// Package feature is the local work on rows before and after a protocol: key canonicalisation, take-by-index,
// imputation, scaling, quantisation, the train/test split, and the guards that refuse bad input before it costs a
// protocol run. Nothing here sends a message.
//
// Columns are read from engine.Streams of int64, float64 and utf8 (package table). A stream is borrowed: read, never
// closed. Errors name columns and counts, never a cell.
package feature

// The bounds of this package. Beyond them fault.LimitExceeded names the bound.
const (
	// MaxRows bounds a key column and an Index: 2 GiB of row numbers, 8 GiB of digests.
	MaxRows = 1 << 28
	// MaxCells bounds a Matrix and a Take: 2 GiB of float64.
	MaxCells = 1 << 28
	// MaxColumns bounds the columns of a Matrix, as those of a table.
	MaxColumns = 4096
	// MaxTextBytes bounds the text gathered from one column.
	MaxTextBytes = 1 << 30
)
