package table

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
)

// Format is how a file stores its table.
type Format string

// The formats of this package. Parquet is read and written by the package beside it.
const (
	CSV Format = "csv"
	TSV Format = "tsv"
	IPC Format = "arrow"
)

// FormatOf tells the format from the file's name: .csv, .tsv, each also with .gz behind it, .arrow and .ipc.
//
// Errors: fault.Unsupported for any other name.
func FormatOf(path string) (f Format, gzipped bool, err error) {
	name := strings.ToLower(filepath.Base(path))
	if s, ok := strings.CutSuffix(name, ".gz"); ok {
		name, gzipped = s, true
	}
	switch ext := filepath.Ext(name); {
	case ext == ".csv":
		return CSV, gzipped, nil
	case ext == ".tsv":
		return TSV, gzipped, nil
	case !gzipped && (ext == ".arrow" || ext == ".ipc"):
		return IPC, false, nil
	}
	return "", false, fault.New(fault.Unsupported, "table.FormatOf",
		"the file is none of .csv, .tsv, .csv.gz, .tsv.gz, .arrow, .ipc, .parquet") // parquet: its own package
}

// OpenFile opens a regular file for reading; the caller closes it.
//
// Errors: fault.NotFound (no such file), fault.Invalid (not a regular file), fault.Unavailable (not readable now).
func OpenFile(path string) (*os.File, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.Wrap(fault.NotFound, "table.OpenFile", err, "the data file does not exist")
	case err != nil:
		return nil, fault.Wrap(fault.Unavailable, "table.OpenFile", err, "the data file cannot be reached")
	case !info.Mode().IsRegular():
		return nil, fault.New(fault.Invalid, "table.OpenFile", "the data path is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "table.OpenFile", err, "the data file cannot be opened")
	}
	return f, nil
}

// canceled returns the fault of a context that is done, and nil for one that is not.
func canceled(ctx context.Context, op string) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.CodeOf(err), op, err, "stopped while reading")
	}
	return nil
}
