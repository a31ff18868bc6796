package audit

import "github.com/tacit-data/tacit/api/fault"

// fields reads a parsed object field by field. Every field is required and of one type; the first failure sticks.
type fields struct {
	m   map[string]any
	op  string
	err error
}

func field[T any](f *fields, name string) (out T) {
	v, ok := f.m[name]
	if !ok {
		f.fail("field %s is missing", name)
		return out
	}
	if out, ok = v.(T); !ok {
		f.fail("field %s has the wrong type", name)
	}
	return out
}

func (f *fields) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fault.New(fault.Invalid, f.op, format, args...)
	}
}

func (f *fields) text(name string) string           { return field[string](f, name) }
func (f *fields) integer(name string) int64         { return field[int64](f, name) }
func (f *fields) object(name string) map[string]any { return field[map[string]any](f, name) }

// texts reads an object whose values are all strings.
func (f *fields) texts(name string) map[string]string {
	out := make(map[string]string)
	for k, v := range f.object(name) {
		s, ok := v.(string)
		if !ok {
			f.fail("field %s holds a value that is not a string", name)
		}
		out[k] = s
	}
	return out
}

// rows reads the array of row changes; at most MaxRows are read before the count is refused by the leaf's own check.
func (f *fields) rows(name string) []RowChange {
	list := field[[]any](f, name)
	out := make([]RowChange, 0, min(len(list), MaxRows+1))
	for _, v := range list[:min(len(list), MaxRows+1)] {
		m, ok := v.(map[string]any)
		if !ok {
			f.fail("field %s holds a value that is not an object", name)
			return nil
		}
		r := fields{m: m, op: f.op}
		out = append(out, RowChange{Table: r.text("table"), Key: r.text("key"), Revision: r.integer("revision"), Digest: r.text("digest")})
		if err := r.done(4); err != nil && f.err == nil {
			f.err = err
		}
	}
	return out
}

// done returns the first failure, or fault.Invalid when the object has other than want fields.
func (f *fields) done(want int) error {
	if f.err == nil && len(f.m) != want {
		f.fail("%d fields, %d expected", len(f.m), want)
	}
	return f.err
}
