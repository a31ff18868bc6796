package job

import (
	"errors"
	"slices"
	"strconv"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// decoder gives a tree its meaning. The first failure sticks: later reads return zero values.
type decoder struct{ err error }

func (d *decoder) fail(t *tree, c fault.Code, format string, args ...any) {
	if d.err == nil {
		d.err = t.fail(c, format, args...)
	}
}

// object is a decoded object's fields; null members are absent.
type object struct {
	d  *decoder
	at *tree
}

// object checks that t is an object of known fields only.
func (d *decoder) object(t *tree, known ...string) object {
	if d.err != nil {
		return object{d: d}
	}
	if t.shape != isObject {
		d.fail(t, fault.Invalid, "an object wanted, %s found", shapeNames[t.shape])
		return object{d: d}
	}
	for _, k := range t.kids {
		if !slices.Contains(known, k.key) {
			d.fail(k, fault.Invalid, "unknown field; known here are %q", known)
			return object{d: d}
		}
	}
	return object{d: d, at: t}
}

// get returns the member called name, or nil when it is absent or null.
func (o object) get(name string) *tree {
	if o.at == nil {
		return nil
	}
	for _, k := range o.at.kids {
		if k.key == name && k.shape != isNull {
			return k
		}
	}
	return nil
}

// need returns the member called name; its absence is a failure.
func (o object) need(name string) *tree {
	t := o.get(name)
	if t == nil && o.at != nil {
		o.d.fail(o.at, fault.Invalid, "field %q is missing", name)
	}
	return t
}

// ready reports whether t can be read: it is present, and nothing has failed.
func (d *decoder) ready(t *tree, want shape) bool {
	if d.err != nil || t == nil {
		return false
	}
	if t.shape != want {
		d.fail(t, fault.Invalid, "%s wanted, %s found", shapeNames[want], shapeNames[t.shape])
		return false
	}
	return true
}

// str reads a string of at most maxBytes; absent is "".
func (d *decoder) str(t *tree, maxBytes int) string {
	if !d.ready(t, isString) {
		return ""
	}
	if len(t.text) > maxBytes {
		d.fail(t, fault.LimitExceeded, "a string of %d bytes, at most %d", len(t.text), maxBytes)
		return ""
	}
	return t.text
}

// name reads a column name or the like: any text of 1 to MaxName bytes.
func (d *decoder) name(t *tree) string {
	s := d.str(t, MaxName)
	if d.err == nil && t != nil && s == "" {
		d.fail(t, fault.Invalid, "an empty name")
	}
	return s
}

// id reads an id of the form [a-z][a-z0-9-]{0,62}.
func (d *decoder) id(t *tree) string {
	s := d.str(t, MaxName)
	if d.err == nil && t != nil && !party.Valid(s) {
		d.fail(t, fault.Invalid, "an id is 1 to 63 of a-z, 0-9 and '-', first a letter")
	}
	return s
}

// integer reads a 64-bit integer in [lo, hi]; absent is 0.
func (d *decoder) integer(t *tree, lo, hi int64) int64 {
	if !d.ready(t, isNumber) {
		return 0
	}
	v, err := strconv.ParseInt(t.text, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrSyntax):
		d.fail(t, fault.Invalid, "an integer wanted, a decimal found")
	case err != nil || v < lo || v > hi:
		d.fail(t, fault.Invalid, "an integer from %d to %d wanted", lo, hi)
	}
	return v
}

// list returns the entries of t, lo to hi of them; absent is none.
func (d *decoder) list(t *tree, lo, hi int) []*tree {
	if !d.ready(t, isList) {
		return nil
	}
	if len(t.kids) > hi {
		d.fail(t, fault.LimitExceeded, "%d entries, at most %d", len(t.kids), hi)
		return nil
	}
	if len(t.kids) < lo {
		d.fail(t, fault.Invalid, "%d entries, at least %d", len(t.kids), lo)
		return nil
	}
	return t.kids
}

// names reads a list of at most hi distinct names; absent and empty are nil.
func (d *decoder) names(t *tree, hi int) []string {
	kids := d.list(t, 0, hi)
	if len(kids) == 0 {
		return nil
	}
	out := make([]string, 0, len(kids))
	seen := make(map[string]bool, len(kids))
	for _, k := range kids {
		s := d.name(k)
		if d.err == nil && seen[s] {
			d.fail(k, fault.Invalid, "%q listed twice", s)
		}
		seen[s] = true
		out = append(out, s)
	}
	return out
}
