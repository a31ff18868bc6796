package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
)

// outline is a result for people: one row per scalar, lists by their length. The whole is what --format json and -o give.
//
// Errors: fault.Corrupt when b is not JSON.
func outline(b []byte) ([][]string, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber() // digits as they were released
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fault.Wrap(fault.Corrupt, "tacit.Get", err, "the result is not JSON")
	}
	return rowsOf(nil, "", v), nil
}

func rowsOf(rows [][]string, path string, v any) [][]string {
	switch x := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(x)) {
			at := name
			if path != "" {
				at = path + "." + name
			}
			rows = rowsOf(rows, at, x[name])
		}
		return rows
	case []any:
		return append(rows, []string{path, fmt.Sprintf("%d entries", len(x))})
	case nil:
		return append(rows, []string{path, "none"})
	}
	return append(rows, []string{path, fmt.Sprint(v)})
}
