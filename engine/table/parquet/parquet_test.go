package parquet_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/table"
	"github.com/tacit-data/tacit/engine/table/contracttest"
	"github.com/tacit-data/tacit/engine/table/parquet"
)

func TestContract(t *testing.T) {
	contracttest.Suite(t, contracttest.Format{
		Ext: ".parquet", Create: parquet.Create, Open: parquet.Open, Describe: parquet.Describe,
	})
}

// foreign writes one row of types that a table does not have.
func foreign(t *testing.T) string {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "small", Type: arrow.PrimitiveTypes.Int16},
		{Name: "unsigned", Type: arrow.PrimitiveTypes.Uint32},
		{Name: "half", Type: arrow.PrimitiveTypes.Float32, Nullable: true},
		{Name: "flag", Type: arrow.FixedWidthTypes.Boolean},
		{Name: "day", Type: arrow.FixedWidthTypes.Date32},
		{Name: "money", Type: &arrow.Decimal128Type{Precision: 10, Scale: 2}},
		{Name: "tags", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64)},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	b.Field(0).(*array.Int16Builder).Append(-3)
	b.Field(1).(*array.Uint32Builder).Append(1 << 31)
	b.Field(2).(*array.Float32Builder).AppendNull()
	b.Field(3).(*array.BooleanBuilder).Append(true)
	b.Field(4).(*array.Date32Builder).Append(365)
	b.Field(5).(*array.Decimal128Builder).Append(decimal128.FromI64(5))
	b.Field(6).(*array.ListBuilder).AppendEmptyValue()
	rec := b.NewRecord()
	defer rec.Release()
	var buf bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &buf, nil, pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(rec); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.parquet")
	if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestForeignTypes(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	path := foreign(t)
	if _, err := parquet.Open(t.Context(), path, mem, table.Options{}); fault.CodeOf(err) != fault.Unsupported ||
		!strings.Contains(err.Error(), `"money"`) {
		t.Errorf("%v, want Unsupported naming money", err)
	}
	i, f, s := arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Float64, arrow.BinaryTypes.String
	wanted := arrow.NewSchema([]arrow.Field{
		table.Field("day", s), table.Field("small", i), table.Field("unsigned", i), table.Field("half", f), table.Field("flag", i),
	}, nil)
	src, err := parquet.Open(t.Context(), path, mem, table.Options{Schema: wanted})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	rec, err := src.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	var got []string
	for _, c := range rec.Columns() {
		got = append(got, c.ValueStr(0))
	}
	if want := "1971-01-01 -3 2147483648 (null) 1"; strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}

func Example() {
	dir, _ := os.MkdirTemp("", "parquet")
	defer os.RemoveAll(dir)
	path, ctx, mem := filepath.Join(dir, "a.parquet"), context.Background(), memory.DefaultAllocator
	w, err := parquet.Create(ctx, path, mem, contracttest.Counting(3).Stream(mem))
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := parquet.Describe(ctx, path, mem, table.Options{Digest: w.Digest})
	fmt.Println(d.Rows, "rows,", d.Schema.NumFields(), "columns,", err)
	// Output:
	// 3 rows, 3 columns, <nil>
}
