package feature_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/engine/table"
)

// BenchmarkKeys reads a file of identifiers as an intersection does. The identifiers of raw are what the advertising
// industry exchanges for an email address, "e:" and 64 hexadecimal digits.
func BenchmarkKeys(b *testing.B) {
	hashed := func(sum [32]byte) string { return "e:" + hex.EncodeToString(sum[:]) }
	for _, c := range []struct {
		rule feature.Rule
		cell func(sum [32]byte) string
	}{
		{feature.Raw, hashed},
		{feature.Text, hashed},
		{feature.Email, func(sum [32]byte) string { return hex.EncodeToString(sum[:10]) + "@Example.com" }},
		{feature.Int, func(sum [32]byte) string { return fmt.Sprint(binary.LittleEndian.Uint64(sum[:])) }},
	} {
		for _, n := range []int{1 << 16, 1 << 20} {
			if n > 1<<16 && c.rule != feature.Raw {
				continue
			}
			path := keyFile(b, n, c.cell)
			b.Run(fmt.Sprintf("file/%v/n=%d", c.rule, n), func(b *testing.B) {
				perRow(b, n, func() { readKeyFile(b, path, c.rule) })
			})
			b.Run(fmt.Sprintf("stream/%v/n=%d", c.rule, n), func(b *testing.B) {
				recs := held(b, path)
				perRow(b, n, func() {
					s := &batches{schema: recs[0].Schema(), left: recs}
					if _, err := feature.Keys(b.Context(), s, []string{"id"}, []feature.Rule{c.rule}); err != nil {
						b.Fatal(err)
					}
				})
			})
		}
	}
}

func perRow(b *testing.B, n int, f func()) {
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/row")
}

// keyFile writes n identifiers below the header "id".
func keyFile(b *testing.B, n int, cell func([32]byte) string) string {
	path := filepath.Join(b.TempDir(), "keys.csv")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "id")
	for i := range n {
		fmt.Fprintln(w, cell(sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))))
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return path
}

func openKeyFile(b *testing.B, path string) engine.Stream {
	schema := arrow.NewSchema([]arrow.Field{table.Field("id", arrow.BinaryTypes.String)}, nil)
	s, err := table.Open(b.Context(), path, memory.DefaultAllocator, table.Options{Schema: schema})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func readKeyFile(b *testing.B, path string, r feature.Rule) {
	s := openKeyFile(b, path)
	defer s.Close()
	if _, err := feature.Keys(b.Context(), s, []string{"id"}, []feature.Rule{r}); err != nil {
		b.Fatal(err)
	}
}

// held reads the whole file, so that reading is not part of a measurement.
func held(b *testing.B, path string) (recs []arrow.Record) {
	s := openKeyFile(b, path)
	defer s.Close()
	_, err := table.Each(b.Context(), s, func(rec arrow.Record) error {
		rec.Retain()
		recs = append(recs, rec)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		for _, rec := range recs {
			rec.Release()
		}
	})
	return recs
}
