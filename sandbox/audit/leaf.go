package audit

import (
	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// Bounds of a leaf. Beyond them a leaf is refused with fault.LimitExceeded, never shortened.
const (
	MaxLeafBytes = 16 << 10 // C2SP entry bundles allow 65,535; a leaf names things and holds no data
	MaxRows      = 64       // rows one state change touches
	maxNameBytes = 256      // an id, a table name, a row key, a key of refs or c
	maxRefBytes  = 512      // a value of refs: an id or digest, never a text
)

// Version is the leaf format written and read by this code.
const Version = 1

// Leaf is one entry of the log. It is a value; its maps are never changed by this package.
type Leaf struct {
	V     int               // Version
	ID    string            // unique in the log, 1 to 128 printable ASCII characters (a ULID)
	T     int64             // UTC milliseconds
	Type  Type              // what happened
	Actor party.ID          // who did it
	Refs  map[string]string // ids and digests of what it is about: job, plan, grant, dataset
	Body  map[string]any    // names, counts and codes: string, bool, int, int64, []string, []any, map[string]any; parsed as int64 and []any
	C     map[string]string // field → commitment, see Commit
	Rows  []RowChange       // the state rows this change wrote
}

// RowChange names one row of the store after a change. Fold keeps the last per row.
type RowChange struct {
	Table    string
	Key      string
	Revision int64
	Digest   string // lower-case hex of the row's keyed digest; empty says that the row was deleted
}

// Encode returns the canonical bytes of l: what is hashed, stored and proven.
//
// Errors: fault.Invalid (unknown type, bad name, a float, |integer| ≥ 2⁵³, bad UTF-8), fault.Unsupported (another
// version), fault.LimitExceeded (MaxLeafBytes, MaxDepth, MaxRows, a name too long).
func (l Leaf) Encode() ([]byte, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	rows := make([]any, len(l.Rows))
	for i, r := range l.Rows {
		rows[i] = map[string]any{"table": r.Table, "key": r.Key, "revision": r.Revision, "digest": r.Digest}
	}
	body := l.Body
	if body == nil {
		body = map[string]any{}
	}
	out, err := appendValue(nil, map[string]any{
		"v": l.V, "id": l.ID, "t": l.T, "type": string(l.Type), "actor": string(l.Actor),
		"refs": anyMap(l.Refs), "body": body, "c": anyMap(l.C), "rows": rows,
	}, 1)
	if err != nil {
		return nil, err
	}
	if len(out) > MaxLeafBytes {
		return nil, fault.New(fault.LimitExceeded, "audit.Encode", "leaf of %d bytes, at most %d", len(out), MaxLeafBytes)
	}
	return out, nil
}

// ParseLeaf reads the canonical bytes of a leaf. ParseLeaf(b) succeeds exactly for what Encode writes.
//
// Errors: as Encode, and fault.Invalid for bytes that are JSON but not canonical, or a field missing or unknown.
func ParseLeaf(b []byte) (Leaf, error) {
	if len(b) > MaxLeafBytes {
		return Leaf{}, fault.New(fault.LimitExceeded, "audit.ParseLeaf", "leaf of %d bytes, at most %d", len(b), MaxLeafBytes)
	}
	m, err := parseObject(b)
	if err != nil {
		return Leaf{}, err
	}
	f := fields{m: m, op: "audit.ParseLeaf"}
	l := Leaf{
		V: int(f.integer("v")), ID: f.text("id"), T: f.integer("t"), Type: Type(f.text("type")), Actor: party.ID(f.text("actor")),
		Refs: f.texts("refs"), Body: f.object("body"), C: f.texts("c"),
	}
	l.Rows = f.rows("rows")
	if err := f.done(9); err != nil {
		return Leaf{}, err
	}
	if err := l.check(); err != nil {
		return Leaf{}, err
	}
	return l, nil
}

// check verifies everything but the JSON itself.
func (l Leaf) check() error {
	const op = "audit.Leaf"
	switch {
	case l.V != Version:
		return fault.New(fault.Unsupported, op, "leaf version %d, this build reads %d", l.V, Version)
	case !l.Type.Known():
		return fault.New(fault.Invalid, op, "unknown leaf type")
	case !party.Valid(string(l.Actor)):
		return fault.New(fault.Invalid, op, "the actor is not a party id")
	case l.T < 0 || l.T > maxInt:
		return fault.New(fault.Invalid, op, "a time outside the range of milliseconds")
	case len(l.Rows) > MaxRows:
		return fault.New(fault.LimitExceeded, op, "%d row changes, at most %d", len(l.Rows), MaxRows)
	}
	if err := checkName("id", l.ID); err != nil {
		return err
	}
	for k, v := range l.Refs {
		if err := checkName("refs key", k); err != nil {
			return err
		}
		if len(v) > maxRefBytes {
			return fault.New(fault.LimitExceeded, op, "refs.%s of %d bytes, at most %d", k, len(v), maxRefBytes)
		}
	}
	for k, v := range l.C {
		if err := checkName("c key", k); err != nil {
			return err
		}
		if !isHex(v, 64) {
			return fault.New(fault.Invalid, op, "c.%s is not a commitment of 64 hex digits", k)
		}
	}
	return l.checkRows()
}

func (l Leaf) checkRows() error {
	seen := make(map[RowKey]bool, len(l.Rows))
	for _, r := range l.Rows {
		if err := checkName("table", r.Table); err != nil {
			return err
		}
		if err := checkName("row key", r.Key); err != nil {
			return err
		}
		if r.Revision < 0 || r.Revision > maxInt {
			return fault.New(fault.Invalid, "audit.Leaf", "a revision outside 0…2^53−1 in table %s", r.Table)
		}
		if r.Digest != "" && !isHex(r.Digest, 64) {
			return fault.New(fault.Invalid, "audit.Leaf", "a row digest in table %s is not 64 hex digits", r.Table)
		}
		k := RowKey{r.Table, r.Key}
		if seen[k] {
			return fault.New(fault.Invalid, "audit.Leaf", "a row of table %s changed twice in one leaf", r.Table)
		}
		seen[k] = true
	}
	return nil
}

// checkName admits 1 to maxNameBytes printable ASCII characters without space.
func checkName(what, s string) error {
	if len(s) > maxNameBytes {
		return fault.New(fault.LimitExceeded, "audit.Leaf", "%s of %d bytes, at most %d", what, len(s), maxNameBytes)
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return fault.New(fault.Invalid, "audit.Leaf", "%s holds a character that is not printable ASCII", what)
		}
	}
	if s == "" {
		return fault.New(fault.Invalid, "audit.Leaf", "%s is empty", what)
	}
	return nil
}

// isHex reports whether s is n lower-case hex digits.
func isHex(s string, n int) bool {
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && (s[i] < 'a' || s[i] > 'f') {
			return false
		}
	}
	return len(s) == n
}

func anyMap(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}
