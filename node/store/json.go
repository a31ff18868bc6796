package store

import (
	"encoding/json"

	"github.com/tacit-data/tacit/api/fault"
)

// GetJSON reads a row whose value is JSON into v.
//
// Errors: those of Get; fault.Corrupt (the value does not decode).
func (tx *Tx) GetJSON(t Table, key string, v any) error {
	row, err := tx.Get(t, key)
	if err != nil {
		return err
	}
	return decodeJSON(t, row.Value, v)
}

// PutJSON writes v as a row of JSON.
//
// Errors: those of Put; fault.Internal (v has no JSON).
func (tx *Tx) PutJSON(t Table, key string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fault.Wrap(fault.Internal, "store.PutJSON", err, "a row of table %s does not encode", t)
	}
	return tx.Put(t, key, b)
}

// ScanJSON calls fn with every row of a table of JSON whose key has the prefix, in key order, until fn fails.
//
// Errors: those of Scan and fn; fault.Corrupt (a value does not decode).
func ScanJSON[T any](tx *Tx, t Table, prefix string, fn func(key string, v T) error) error {
	return tx.Scan(t, prefix, func(r Row) error {
		var v T
		if err := decodeJSON(t, r.Value, &v); err != nil {
			return err
		}
		return fn(r.Key, v)
	})
}

func decodeJSON(t Table, b []byte, v any) error {
	return fault.Wrap(fault.Corrupt, "store.GetJSON", json.Unmarshal(b, v), "a row of table %s does not decode", t)
}
