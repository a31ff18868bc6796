package table_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/engine/table"
)

// A file is described once, when it is registered, and from then on opened with what was found.
func Example() {
	dir, _ := os.MkdirTemp("", "table")
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "people.csv")
	os.WriteFile(path, []byte("id,age,score\n007,31,0.5\n008,,0.75\n"), 0o600)

	ctx, mem := context.Background(), memory.DefaultAllocator
	d, err := table.Describe(ctx, path, mem, table.Options{Keys: []string{"id"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, f := range d.Schema.Fields() {
		fmt.Println(f.Name, f.Type, d.Nulls[i], "null")
	}
	s, err := table.Open(ctx, path, mem, table.Options{Schema: d.Schema, Digest: d.Digest})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	rows, err := table.Each(ctx, s, func(rec arrow.Record) error { return nil })
	fmt.Println(rows, "rows", err)
	// Output:
	// id utf8 0 null
	// age int64 1 null
	// score float64 0 null
	// 2 rows <nil>
}
