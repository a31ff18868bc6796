// Package contracttest is the suite that every source and sink of tables passes. Third parties run it on theirs.
package contracttest

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/table"
)

// Format is what is tested: a sink and the source that reads it back.
type Format struct {
	Ext      string // of the files, ".csv"
	Create   func(ctx context.Context, path string, mem memory.Allocator, s engine.Stream) (table.Written, error)
	Open     table.Opener
	Describe func(ctx context.Context, path string, mem memory.Allocator, o table.Options) (table.Description, error)
	// EmptyIsNull says that an empty text reads back as null.
	EmptyIsNull bool
}

// Suite runs the contract on f. Every part ends with the allocator empty.
func Suite(t *testing.T, f Format) {
	t.Run("round trip", func(t *testing.T) { roundTrip(t, f, Sample(f.EmptyIsNull)) })
	t.Run("empty", func(t *testing.T) { roundTrip(t, f, Table{Schema: Sample(false).Schema}) })
	sizes := []int{1, engine.MaxBatchRows - 1, engine.MaxBatchRows, engine.MaxBatchRows + 1}
	if testing.Short() {
		sizes = sizes[:1] // early close and cancel cross the border of a batch too
	}
	for _, rows := range sizes {
		t.Run("rows", func(t *testing.T) { roundTrip(t, f, Counting(rows)) })
	}
	t.Run("projection", func(t *testing.T) { projection(t, f) })
	t.Run("description", func(t *testing.T) { description(t, f) })
	t.Run("cancel", func(t *testing.T) { cancel(t, f) })
	t.Run("early close", func(t *testing.T) { earlyClose(t, f) })
	t.Run("changed source", func(t *testing.T) { changed(t, f) })
	t.Run("damaged source", func(t *testing.T) { damaged(t, f) })
	t.Run("wrong type", func(t *testing.T) { wrongType(t, f) })
	t.Run("refusals", func(t *testing.T) { refusals(t, f) })
	t.Run("failing input", func(t *testing.T) { failingInput(t, f) })
}

// checked returns an allocator that must be empty when the test ends.
func checked(t *testing.T) memory.Allocator {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	return mem
}

// written creates a file of tab and returns its path.
func written(t *testing.T, f Format, mem memory.Allocator, tab Table) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data"+f.Ext)
	w, err := f.Create(t.Context(), path, mem, tab.Stream(mem))
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	if w.Rows != int64(len(tab.Rows)) {
		t.Errorf("Create: %d rows, want %d", w.Rows, len(tab.Rows))
	}
	if err := table.Verify(t.Context(), path, w.Digest); err != nil {
		t.Errorf("Create: digest of the file: %v", err)
	}
	return path
}

// read drains the stream and returns its rows and batch sizes.
func read(ctx context.Context, t *testing.T, s engine.Stream) (tab Table, err error) {
	t.Helper()
	tab.Schema = s.Schema()
	_, err = table.Each(ctx, s, func(rec arrow.Record) error {
		if n := rec.NumRows(); n < 1 || n > engine.MaxBatchRows {
			t.Errorf("batch of %d rows, want 1 to %d", n, engine.MaxBatchRows)
		}
		tab.Rows = append(tab.Rows, rowsOf(rec)...)
		return nil
	})
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	return tab, err
}

func roundTrip(t *testing.T, f Format, want Table) {
	mem := checked(t)
	path := written(t, f, mem, want)
	s, err := f.Open(t.Context(), path, mem, table.Options{Schema: want.Schema})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	got, err := read(t.Context(), t, s)
	if err != nil {
		t.Fatalf("Next: %v", err)
	}
	if diff := want.Diff(got); diff != "" {
		t.Error(diff)
	}
}

func projection(t *testing.T, f Format) {
	mem := checked(t)
	path := written(t, f, mem, Sample(f.EmptyIsNull))
	schema := arrow.NewSchema([]arrow.Field{
		table.Field("number", arrow.PrimitiveTypes.Float64), table.Field("count", arrow.BinaryTypes.String),
	}, nil)
	s, err := f.Open(t.Context(), path, mem, table.Options{Schema: schema, Keys: []string{"count"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(t.Context(), t, s)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Schema.Equal(schema) {
		t.Errorf("schema %v, want %v", got.Schema, schema)
	}
	if got.Rows[0][1] != "0" || got.Rows[0][0] != 0.5 {
		t.Errorf("first row %v, want 0.5 and the text 0", got.Rows[0])
	}
}

func description(t *testing.T, f Format) {
	mem := checked(t)
	want := Sample(f.EmptyIsNull)
	path := written(t, f, mem, want)
	first, err := f.Describe(t.Context(), path, mem, table.Options{Keys: []string{"name"}})
	if err != nil {
		t.Fatal(err)
	}
	if !first.Schema.Equal(want.Schema) {
		t.Errorf("schema %v, want %v", first.Schema, want.Schema)
	}
	if first.Rows != int64(len(want.Rows)) {
		t.Errorf("%d rows, want %d", first.Rows, len(want.Rows))
	}
	for i, n := range want.Nulls() {
		if first.Nulls[i] != n {
			t.Errorf("column %q: %d nulls, want %d", want.Schema.Field(i).Name, first.Nulls[i], n)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Size() != first.Bytes {
		t.Errorf("%d bytes, want those of the file", first.Bytes)
	}
	again, err := f.Describe(t.Context(), path, mem, table.Options{Schema: want.Schema})
	if err != nil || again.Digest != first.Digest || again.Rows != first.Rows {
		t.Errorf("described again: digest or rows differ (%v)", err)
	}
}

func cancel(t *testing.T, f Format) {
	mem := checked(t)
	tab := Counting(engine.MaxBatchRows + 10)
	path := written(t, f, mem, tab)
	s, err := f.Open(t.Context(), path, mem, table.Options{Schema: tab.Schema})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, stop := context.WithCancel(t.Context())
	rec, err := s.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	rec.Release()
	stop()
	if _, err := s.Next(ctx); fault.CodeOf(err) != fault.Canceled {
		t.Errorf("Next after cancel: %v, want Canceled", err)
	}
	if _, err := f.Describe(ctx, path, mem, table.Options{}); fault.CodeOf(err) != fault.Canceled {
		t.Errorf("Describe after cancel: %v, want Canceled", err)
	}
}

func earlyClose(t *testing.T, f Format) {
	mem := checked(t)
	tab := Counting(engine.MaxBatchRows + 10)
	path := written(t, f, mem, tab)
	for range 2 {
		s, err := f.Open(t.Context(), path, mem, table.Options{})
		if err != nil {
			t.Fatal(err)
		}
		rec, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.Close() // the batch outlives its stream
		if got := rec.NumRows(); got != engine.MaxBatchRows {
			t.Errorf("%d rows, want %d", got, engine.MaxBatchRows)
		}
		rec.Release()
	}
}

func changed(t *testing.T, f Format) {
	mem := checked(t)
	path := written(t, f, mem, Sample(f.EmptyIsNull))
	d, err := f.Describe(t.Context(), path, mem, table.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Open(t.Context(), path, mem, table.Options{Digest: d.Digest})
	if err != nil {
		t.Fatalf("unchanged: %v", err)
	}
	s.Close()
	if _, err := f.Create(t.Context(), path, mem, Counting(3).Stream(mem)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Open(t.Context(), path, mem, table.Options{Digest: d.Digest}); fault.CodeOf(err) != fault.Corrupt {
		t.Errorf("Open of a changed file: %v, want Corrupt", err)
	}
	if err := table.Verify(t.Context(), path, d.Digest); fault.CodeOf(err) != fault.Corrupt {
		t.Errorf("Verify of a changed file: %v, want Corrupt", err)
	}
}

// damaged cuts and flips a file in many places: a fault or a value, and nothing leaks.
func damaged(t *testing.T, f Format) {
	mem := checked(t)
	tab := Sample(f.EmptyIsNull)
	raw, err := os.ReadFile(written(t, f, mem, tab))
	if err != nil {
		t.Fatal(err)
	}
	places := 300
	if testing.Short() {
		places = 40
	}
	step := max(1, len(raw)/places)
	path := filepath.Join(t.TempDir(), "damaged"+f.Ext)
	for at := 0; at < len(raw); at += step {
		flipped := append([]byte(nil), raw...)
		flipped[at] ^= 0xA5
		for _, bytes := range [][]byte{raw[:at], flipped} {
			if err := os.WriteFile(path, bytes, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := f.Open(t.Context(), path, mem, table.Options{Schema: tab.Schema})
			if err == nil {
				_, err = read(t.Context(), t, s)
			}
			if err != nil && fault.CodeOf(err) == fault.Internal {
				t.Fatalf("byte %d: %v, want a fault with a code", at, err)
			}
		}
	}
}

func wrongType(t *testing.T, f Format) {
	mem := checked(t)
	tab := Sample(f.EmptyIsNull)
	path := written(t, f, mem, tab)
	schema := arrow.NewSchema([]arrow.Field{table.Field("name", arrow.PrimitiveTypes.Int64)}, nil)
	s, err := f.Open(t.Context(), path, mem, table.Options{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	_, err = read(t.Context(), t, s)
	if fault.CodeOf(err) != fault.Invalid {
		t.Fatalf("text as int64: %v, want Invalid", err)
	}
	for _, part := range []string{"row 1", `"name"`} {
		if !strings.Contains(fault.ReasonOf(err), part) {
			t.Errorf("reason %q does not name %s", fault.ReasonOf(err), part)
		}
	}
	if value := tab.Rows[0][2].(string); strings.Contains(err.Error(), value) {
		t.Error("the error holds the cell")
	}
}

func refusals(t *testing.T, f Format) {
	mem := checked(t)
	dir := t.TempDir()
	path := written(t, f, mem, Sample(f.EmptyIsNull))
	hollow := filepath.Join(dir, "hollow"+f.Ext)
	if err := os.WriteFile(hollow, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"+f.Ext), 0o700); err != nil {
		t.Fatal(err)
	}
	absent := arrow.NewSchema([]arrow.Field{table.Field("absent", arrow.PrimitiveTypes.Int64)}, nil)
	odd := arrow.NewSchema([]arrow.Field{table.Field("name", arrow.FixedWidthTypes.Boolean)}, nil)
	twice := arrow.NewSchema([]arrow.Field{absent.Field(0), absent.Field(0)}, nil)
	number := arrow.NewSchema([]arrow.Field{table.Field("count", arrow.PrimitiveTypes.Int64)}, nil)
	for _, c := range []struct {
		name, path string
		o          table.Options
		want       fault.Code
	}{
		{"missing file", filepath.Join(dir, "missing"+f.Ext), table.Options{}, fault.NotFound},
		{"folder", filepath.Join(dir, "folder"+f.Ext), table.Options{}, fault.Invalid},
		{"empty file", hollow, table.Options{}, fault.Invalid},
		{"absent column", path, table.Options{Schema: absent}, fault.SchemaMismatch},
		{"absent key", path, table.Options{Keys: []string{"absent"}}, fault.SchemaMismatch},
		{"odd type", path, table.Options{Schema: odd}, fault.Unsupported},
		{"column twice", path, table.Options{Schema: twice}, fault.Invalid},
		{"numeric key", path, table.Options{Schema: number, Keys: []string{"count"}}, fault.SchemaMismatch},
		{"another digest", path, table.Options{Digest: [32]byte{1}}, fault.Corrupt},
	} {
		if _, err := f.Open(t.Context(), c.path, mem, c.o); fault.CodeOf(err) != c.want {
			t.Errorf("%s: Open: %v, want %v", c.name, err, c.want)
		}
		if _, err := f.Describe(t.Context(), c.path, mem, c.o); fault.CodeOf(err) != c.want {
			t.Errorf("%s: Describe: %v, want %v", c.name, err, c.want)
		}
	}
}

// failingInput shows that a sink whose input fails passes the fault on and leaves no file.
func failingInput(t *testing.T, f Format) {
	mem := checked(t)
	dir := t.TempDir()
	s := Counting(engine.MaxBatchRows + 1).Stream(mem)
	s.fail = fault.New(fault.Precision, "contracttest", "on purpose")
	if _, err := f.Create(t.Context(), filepath.Join(dir, "data"+f.Ext), mem, s); !errors.Is(err, fault.Precision) {
		t.Errorf("Create: %v, want the input's fault", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%d files left behind (%v)", len(left), err)
	}
	if _, err := f.Create(t.Context(), filepath.Join(dir, "no", "data"+f.Ext), mem, s); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("Create in no folder: %v, want Unavailable", err)
	}
	if _, err := s.Next(t.Context()); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a failed stream goes on: %v", err)
	}
}
