package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/tacit-data/tacit/api/fault"
)

// head opens every JSON object.
type head struct {
	Kind    string `json:"kind"`
	Version int    `json:"version"`
}

func kind(name string) head { return head{Kind: name, Version: 1} }

// page is every JSON list.
type page[T any] struct {
	head
	Items         []T    `json:"items"`
	NextPageToken string `json:"next_page_token"`
}

func listOf[V, T any](name string, in []V, f func(V) T) page[T] {
	out := page[T]{head: kind(name), Items: make([]T, 0, len(in))}
	for _, v := range in {
		out.Items = append(out.Items, f(v))
	}
	return out
}

// clean removes what could steer a terminal: names and reasons come from other parties.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}

// show prints v as JSON, or runs text.
func (a *app) show(v any, text func() error) error {
	if a.format == "json" {
		return a.json(v)
	}
	return text()
}

func (a *app) json(v any) error {
	return wrote(json.NewEncoder(a.out).Encode(v))
}

// say prints a result, note everything else.
func (a *app) say(format string, args ...any) error  { return say(a.out, format, args...) }
func (a *app) note(format string, args ...any) error { return say(a.err, format, args...) }

func say(w io.Writer, format string, args ...any) error {
	_, err := io.WriteString(w, clean(fmt.Sprintf(format, args...)))
	return wrote(err)
}

func wrote(err error) error {
	return fault.Wrap(fault.Unavailable, "tacit.Print", err, "the output cannot be written")
}

// table prints rows in columns; an empty list says so on stderr.
func (a *app) table(title []string, rows [][]string) error {
	if len(rows) == 0 {
		return a.note("none\n")
	}
	return table(a.out, append([][]string{title}, rows...))
}

func table(w io.Writer, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = strings.Map(oneLine, clean(cell))
		}
		if _, err := fmt.Fprintln(t, strings.TrimRight(strings.Join(cells, "\t"), "\t")); err != nil {
			return wrote(err)
		}
	}
	return wrote(t.Flush())
}

func oneLine(r rune) rune {
	if r == '\n' || r == '\t' {
		return ' '
	}
	return r
}

// save writes a result to path, readable by its owner only; an empty path or "-" is stdout.
func (a *app) save(path string, b []byte) error {
	if path == "" || path == "-" {
		_, err := a.out.Write(b)
		return wrote(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return fault.Wrap(fault.Unavailable, "tacit.Save", err, "the result cannot be written")
	}
	return nil
}

// stamp is a time in RFC 3339 UTC, empty for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// stampMillis is stamp of UTC milliseconds, 0 for none.
func stampMillis(ms int64) string {
	if ms == 0 {
		return ""
	}
	return stamp(time.UnixMilli(ms))
}

// short is the prefix of an id that is shown; every command accepts it.
func short(id string) string {
	digest, ok := strings.CutPrefix(id, "sha256:")
	if ok {
		return "sha256:" + digest[:min(len(digest), 12)]
	}
	return id[:min(len(id), 12)]
}

// size is a count of bytes for people.
func size(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}

// join lists names.
func join[T ~string](in []T, sep string) string {
	out := make([]string, len(in))
	for i, v := range in {
		out[i] = string(v)
	}
	return strings.Join(out, sep)
}

// plain is a list of names as strings; never nil, so that JSON has a list.
func plain[T ~string](in []T) []string {
	out := make([]string, 0, len(in))
	for _, v := range in {
		out = append(out, string(v))
	}
	return out
}

// readFile reads a file the user named, at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	const op = "tacit.ReadFile"
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, op, err, "the file cannot be opened")
	}
	defer func() { _ = f.Close() }() // read only: nothing is lost
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err, "the file cannot be read")
	}
	if int64(len(b)) > limit {
		return nil, fault.New(fault.LimitExceeded, op, "the file has more than %d bytes", limit)
	}
	return b, nil
}
