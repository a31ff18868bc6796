package table_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/table"
)

// file writes content under name and returns its path.
func file(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func types(s *arrow.Schema) string {
	var out []string
	for _, f := range s.Fields() {
		out = append(out, f.Name+":"+f.Type.Name())
	}
	return strings.Join(out, " ")
}

func TestInference(t *testing.T) {
	for _, c := range []struct{ cells, want string }{
		{"1\n-2\n300", "int64"},
		{"1\n2.5", "float64"},
		{"1\n ", "int64"},
		{" 1\n2 ", "int64"},
		{"1e3\n2", "float64"},
		{"-0.6685760000000001", "float64"},
		{"nan\n1", "float64"},
		{"-inf\nInfinity", "float64"},
		{"0\n0.5", "float64"},
		{"999999999999999", "int64"},
		{"1234567890123456", "utf8"},
		{"110101199003078515", "utf8"},
		{"11010119900307851X", "utf8"},
		{"007", "utf8"},
		{"00.5", "utf8"},
		{"+8613800000000", "utf8"},
		{"0x10", "utf8"},
		{"1_000", "utf8"},
		{"1e999", "utf8"},
		{"true\nfalse", "utf8"},
		{"1\nx", "utf8"},
		{"-", "utf8"},
		{".", "utf8"},
		{`""` + "\n" + `""`, "float64"},
	} {
		path := file(t, "a.csv", "v,pad\n"+strings.ReplaceAll(c.cells, "\n", ",x\n")+",x\n")
		d, err := table.Describe(t.Context(), path, memory.DefaultAllocator, table.Options{})
		if err != nil {
			t.Errorf("%q: %v", c.cells, err)
			continue
		}
		if got := d.Schema.Field(0).Type.Name(); got != c.want {
			t.Errorf("%q: %s, want %s", c.cells, got, c.want)
		}
	}
}

func TestDescribeCSV(t *testing.T) {
	path := file(t, "a.tsv", "\ufeffid\t age \tcity\r\n01\t5\t\"a\tb\"\r\n\r\n02\t\t \r\n\t \tc")
	d, err := table.Describe(t.Context(), path, memory.DefaultAllocator, table.Options{Keys: []string{"id"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := types(d.Schema), "id:utf8 age:int64 city:utf8"; got != want {
		t.Errorf("schema %s, want %s", got, want)
	}
	if d.Rows != 3 || fmt.Sprint(d.Nulls) != "[1 2 0]" {
		t.Errorf("%d rows, nulls %v, want 3 and [1 2 0]", d.Rows, d.Nulls)
	}
	// A key is text even where it looks like a number.
	path = file(t, "b.csv", "id,x\n1,1\n2,2\n")
	if d, err = table.Describe(t.Context(), path, memory.DefaultAllocator, table.Options{Keys: []string{"id"}}); err != nil ||
		types(d.Schema) != "id:utf8 x:int64" {
		t.Errorf("schema %v (%v), want the key as utf8", d.Schema, err)
	}
}

// TestDigest pins the version digest: SHA-256 of the tag and the file's bytes, as sha256sum computes it.
func TestDigest(t *testing.T) {
	path := file(t, "a.csv", "a\n1\n")
	d, err := table.Describe(t.Context(), path, memory.DefaultAllocator, table.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const want = "a28d3fc73b7500b37cbdc1f99cad79bceedc3cec808dddf282ad96e3421f08f8" // printf 'tacit/dataset/v1a\n1\n' | sha256sum
	if got := fmt.Sprintf("%x", d.Digest); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}

func TestBadText(t *testing.T) {
	wide := strings.Repeat("c,", table.MaxColumns) + "c\n"
	for _, c := range []struct {
		name, content string
		want          fault.Code
		reason        string
	}{
		{"empty", "", fault.Invalid, "empty"},
		{"only a mark", "\ufeff", fault.Invalid, "empty"},
		{"name twice", "a,b,a\n1,2,3\n", fault.Invalid, "columns 1 and 3 have the same name"},
		{"no name", "a,,b\n", fault.Invalid, "column 2 of 3"},
		{"long name", strings.Repeat("n", table.MaxNameBytes+1) + "\n", fault.LimitExceeded, "MaxNameBytes"},
		{"too wide", wide, fault.LimitExceeded, "MaxColumns"},
		{"ragged", "a,b\n1,2\n3\n4,5,6\n7,8\n", fault.Invalid, "2 rows do not have the 2 cells of the header, the first is row 2"},
		{"latin-1", "a\nsecret\nsecr\xe9t\n", fault.Invalid, `row 2, column "a": not UTF-8`},
		{"latin-1 header", "\xe9\n", fault.Invalid, "header is not UTF-8"},
		{"quote inside", "a,b\n1,2\nsec\"ret,4\n", fault.Invalid, "row 2: a quote"},
		{"quote open", "a,b\n1,\"secret\n", fault.Invalid, "row 1: a quote"},
		{"long cell", "a\n" + strings.Repeat("s", table.MaxCellBytes+1) + "\n", fault.LimitExceeded, "MaxCellBytes: row 1"},
		{"long row", "a\n\"" + strings.Repeat("s\n", table.MaxRowBytes/2+1<<16), fault.LimitExceeded, "MaxRowBytes"},
	} {
		path := file(t, "a.csv", c.content)
		_, err := table.Describe(t.Context(), path, memory.DefaultAllocator, table.Options{})
		if fault.CodeOf(err) != c.want || !strings.Contains(fault.ReasonOf(err), c.reason) {
			t.Errorf("%s: %v, want %v with %q", c.name, err, c.want, c.reason)
		}
		if err != nil && strings.Contains(err.Error(), "secr") {
			t.Errorf("%s: the error holds a cell", c.name)
		}
	}
}

func TestCellFault(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	path := file(t, "a.csv", "id,age\n1,30\n2,\n3,forty\n")
	for _, typ := range []arrow.DataType{arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Float64} {
		schema := arrow.NewSchema([]arrow.Field{table.Field("age", typ)}, nil)
		s, err := table.Open(t.Context(), path, mem, table.Options{Schema: schema})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the fault sticks
			_, err = s.Next(t.Context())
			if fault.CodeOf(err) != fault.Invalid || !strings.Contains(fault.ReasonOf(err), `row 3, column "age"`) {
				t.Errorf("%s: %v, want Invalid at row 3", typ, err)
			}
			if strings.Contains(err.Error(), "forty") {
				t.Error("the error holds the cell")
			}
		}
		s.Close()
		if _, err := s.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("Next after Close: %v, want io.EOF", err)
		}
	}
}

func TestFormatOf(t *testing.T) {
	for name, want := range map[string]table.Format{
		"a.csv": table.CSV, "A.CSV.GZ": table.CSV, "dir.csv/b.tsv": table.TSV, "b.tsv.gz": table.TSV, "c.arrow": table.IPC, "c.ipc": table.IPC,
	} {
		if got, gz, err := table.FormatOf(name); err != nil || got != want || gz != strings.HasSuffix(strings.ToLower(name), ".gz") {
			t.Errorf("%s: %v, %v, %v", name, got, gz, err)
		}
	}
	for _, name := range []string{"", "csv", "a.txt", "a.parquet", "a.arrow.gz", "a.gz"} {
		if _, _, err := table.FormatOf(name); fault.CodeOf(err) != fault.Unsupported {
			t.Errorf("%q: %v, want Unsupported", name, err)
		}
	}
}

func TestCutGzip(t *testing.T) {
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	io.WriteString(z, "a,b\n"+strings.Repeat("1,2\n", 10_000))
	z.Close()
	path := file(t, "a.csv.gz", buf.String()[:buf.Len()/2])
	if _, err := table.Describe(t.Context(), path, memory.DefaultAllocator, table.Options{}); fault.CodeOf(err) != fault.Corrupt {
		t.Errorf("cut in half: %v, want Corrupt", err)
	}
	if _, err := table.Describe(t.Context(), file(t, "b.csv.gz", "a,b\n"), memory.DefaultAllocator, table.Options{}); fault.CodeOf(err) != fault.Corrupt {
		t.Errorf("not gzip: %v, want Corrupt", err)
	}
}

// foreign writes a record of other Arrow types in the stream form of IPC.
func foreign(t *testing.T, fields []arrow.Field, fill func(*array.RecordBuilder)) string {
	t.Helper()
	schema := arrow.NewSchema(fields, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	fill(b)
	rec := b.NewRecord()
	defer rec.Release()
	var buf bytes.Buffer
	w := ipc.NewWriter(&buf, ipc.WithSchema(schema), ipc.WithLZ4())
	if err := w.Write(rec); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return file(t, "a.ipc", buf.String())
}

func TestForeignTypes(t *testing.T) {
	dict := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	path := foreign(t, []arrow.Field{
		{Name: "i8", Type: arrow.PrimitiveTypes.Int8},
		{Name: "u32", Type: arrow.PrimitiveTypes.Uint32},
		{Name: "f32", Type: arrow.PrimitiveTypes.Float32},
		{Name: "flag", Type: arrow.FixedWidthTypes.Boolean},
		{Name: "day", Type: arrow.FixedWidthTypes.Date32},
		{Name: "city", Type: dict},
		{Name: "long", Type: arrow.BinaryTypes.LargeString},
	}, func(b *array.RecordBuilder) {
		b.Field(0).(*array.Int8Builder).Append(-3)
		b.Field(1).(*array.Uint32Builder).Append(math.MaxUint32)
		b.Field(2).(*array.Float32Builder).Append(0.5)
		b.Field(3).(*array.BooleanBuilder).Append(true)
		b.Field(4).(*array.Date32Builder).Append(arrow.Date32(365))
		if err := b.Field(5).(*array.BinaryDictionaryBuilder).AppendString("北京"); err != nil {
			t.Fatal(err)
		}
		b.Field(6).(*array.LargeStringBuilder).Append("x")
	})
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	s, err := table.Open(t.Context(), path, mem, table.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rec, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	var got []string
	for _, c := range rec.Columns() {
		got = append(got, c.DataType().Name()+"="+c.ValueStr(0))
	}
	want := "int64=-3 int64=4294967295 float64=0.5 int64=1 utf8=1971-01-01 utf8=北京 utf8=x"
	if strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}

func TestForeignRefusals(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	stamp := foreign(t, []arrow.Field{{Name: "at", Type: arrow.FixedWidthTypes.Timestamp_s}}, func(b *array.RecordBuilder) {
		b.Field(0).(*array.TimestampBuilder).Append(1)
	})
	list := foreign(t, []arrow.Field{{Name: "tags", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64)}}, func(b *array.RecordBuilder) {
		b.Field(0).(*array.ListBuilder).AppendNull()
	})
	for path, column := range map[string]string{stamp: `"at"`, list: `"tags"`} {
		if _, err := table.Open(t.Context(), path, mem, table.Options{}); fault.CodeOf(err) != fault.Unsupported ||
			!strings.Contains(err.Error(), column) {
			t.Errorf("%v, want Unsupported naming %s", err, column)
		}
	}
	big := foreign(t, []arrow.Field{{Name: "u", Type: arrow.PrimitiveTypes.Uint64}}, func(b *array.RecordBuilder) {
		b.Field(0).(*array.Uint64Builder).AppendValues([]uint64{1, math.MaxUint64}, nil)
	})
	s, err := table.Open(t.Context(), big, mem, table.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Next(t.Context()); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), `row 2, column "u"`) {
		t.Errorf("%v, want Invalid at row 2", err)
	}
}

func TestTimeout(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	path := file(t, "a.csv", "a\n1\n")
	if err := table.Verify(ctx, path, [32]byte{1}); fault.CodeOf(err) != fault.Timeout {
		t.Errorf("%v, want Timeout", err)
	}
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("a,b\n1,\"x\"\"y\"\n,2.5\n"))
	f.Add([]byte("\xef\xbb\xbfid\r\n007\r\n"))
	f.Add([]byte("a\n\"\n"))
	f.Fuzz(func(t *testing.T, raw []byte) { drain(t, "a.csv", raw) })
}

func FuzzIPC(f *testing.F) {
	f.Add([]byte("ARROW1\x00\x00"))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) { drain(t, "a.arrow", raw) })
}

// drain describes and reads a file of any bytes: a value or a coded fault, never a panic or a leak.
func drain(t *testing.T, name string, raw []byte) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	path := file(t, name, string(raw))
	d, err := table.Describe(t.Context(), path, mem, table.Options{})
	if err != nil {
		if fault.CodeOf(err) == fault.Internal {
			t.Fatalf("%v", err)
		}
		return
	}
	s, err := table.Open(t.Context(), path, mem, table.Options{Schema: d.Schema, Digest: d.Digest})
	if err != nil {
		t.Fatalf("described, then not opened: %v", err)
	}
	defer s.Close()
	rows, err := table.Each(t.Context(), s, func(arrow.Record) error { return nil })
	if err != nil || rows != d.Rows {
		t.Fatalf("%d rows (%v), described %d", rows, err, d.Rows)
	}
}

func BenchmarkOpenCSV(b *testing.B) {
	line := "123456,-1.486041,-0.695628,0.25,17,Shanghai\n"
	path := file(b, "a.csv", "id,a,b,c,n,city\n"+strings.Repeat(line, 200_000))
	d, err := table.Describe(b.Context(), path, memory.DefaultAllocator, table.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(d.Bytes)
	b.Run("describe", func(b *testing.B) {
		b.SetBytes(d.Bytes)
		for b.Loop() {
			if _, err := table.Describe(b.Context(), path, memory.DefaultAllocator, table.Options{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(d.Bytes)
		for b.Loop() {
			s, err := table.Open(b.Context(), path, memory.DefaultAllocator, table.Options{Schema: d.Schema})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := table.Each(b.Context(), s, func(arrow.Record) error { return nil }); err != nil {
				b.Fatal(err)
			}
			s.Close()
		}
	})
}
