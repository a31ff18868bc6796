package table

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
)

// TestRowsAreThoseOfCSV compares the rows of a file with those of encoding/csv, whichever way the bytes arrive.
func TestRowsAreThoseOfCSV(t *testing.T) {
	piece := rapid.SampledFrom([]string{
		"a", "b", "é", "数据", ",", ",", "\t", "\n", "\n", "\r\n", "\r", "\n\n", "\"", "\"\"", ",\"q\"", "\"x\ny\"\n", " ", "\xff", "word word",
		strings.Repeat("long", 9000), strings.Repeat("line,\n", 15000), strings.Repeat("\r\n", 40000),
	})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 0, 40).Draw(t, "text"), "")
		compareRows(t, text, rapid.SampledFrom([]Format{CSV, TSV}).Draw(t, "format"))
	})
}

func FuzzRowsAreThoseOfCSV(f *testing.F) {
	for _, s := range []string{"", "a", "a,b\nc", "a,\"b\"\nc\n", "\r\n\r\nx", "a\r\r\nb\r", "a\"b\nc", "\"a\nb", "x\n\"a\"\n\ny,\"\n\",z\n", "\xff,\xfe\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { compareRows(t, s, CSV) })
}

func compareRows(t rapid.TB, text string, format Format) {
	t.Helper()
	for name, via := range map[string]func(io.Reader) io.Reader{
		"whole": func(r io.Reader) io.Reader { return r }, "halves": iotest.HalfReader, "error at the end": iotest.DataErrReader,
		"small": func(r io.Reader) io.Reader { return &smallReader{r} },
	} {
		twin := csv.NewReader(strings.NewReader(text))
		twin.FieldsPerRecord = -1
		if format == TSV {
			twin.Comma = '\t'
		}
		r, err := newRows(via(strings.NewReader("header\n"+text)), format, false)
		if err != nil {
			t.Fatal(err)
		}
		for row := 1; ; row++ {
			want, wantErr := twin.Read()
			got, gotErr := r.next()
			if why := differ(got, gotErr, want, wantErr); why != "" {
				t.Fatalf("%s: row %d: %s", name, row, why)
			}
			if gotErr != nil {
				break
			}
			if r.number != int64(row) {
				t.Fatalf("%s: row %d is numbered %d", name, row, r.number)
			}
		}
	}
}

// differ tells how a row differs from that of encoding/csv.
func differ(got []string, gotErr error, want []string, wantErr error) string {
	bad := slices.ContainsFunc(want, func(c string) bool { return strings.ToValidUTF8(c, "") != c })
	switch {
	case errors.Is(wantErr, io.EOF):
		if !errors.Is(gotErr, io.EOF) {
			return fmt.Sprintf("%d cells (%v) behind the end", len(got), gotErr)
		}
	case wantErr != nil, bad:
		if fault.CodeOf(gotErr) != fault.Invalid {
			return fmt.Sprintf("%d cells (%v), want Invalid", len(got), gotErr)
		}
	case gotErr != nil || !slices.Equal(got, want):
		return fmt.Sprintf("%d cells (%v), want %d", len(got), gotErr, len(want))
	}
	return ""
}

// smallReader reads at most 997 bytes at a time.
type smallReader struct{ r io.Reader }

func (s *smallReader) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), 997)]) }
