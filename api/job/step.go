package job

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
)

func (d *decoder) step(t *tree) Step {
	o := d.object(t, "id", "op", "in", "with")
	s := Step{ID: d.id(o.need("id")), Op: Op(d.str(o.need("op"), MaxName))}
	for _, k := range d.list(o.need("in"), 1, MaxFanIn) {
		id := d.id(k)
		if d.err == nil && slices.Contains(s.In, id) {
			d.fail(k, fault.Invalid, "%q listed twice", id)
		}
		s.In = append(s.In, id)
	}
	if d.err != nil {
		return s
	}
	fields, ok := Fields(s.Op)
	if !ok {
		d.fail(o.get("op"), fault.Unsupported, "unknown op; known are %q", Ops())
		return s
	}
	s.With = d.with(t, o.get("with"), fields)
	d.coupled(t, s)
	return s
}

// with reads the parameters of a step in the order of its table and fills the defaults.
func (d *decoder) with(step, t *tree, fields []Field) []Param {
	if t == nil {
		t = &tree{shape: isObject, parent: step, key: "with", line: step.line, col: step.col}
	}
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.Name
	}
	o := d.object(t, known...)
	var out []Param
	for _, f := range fields {
		at := o.get(f.Name)
		if at == nil && f.Default != "" && d.err == nil {
			at, d.err = fromJSON([]byte(f.Default))
		}
		if at == nil && f.Required {
			at = o.need(f.Name)
		}
		if at == nil || d.err != nil {
			continue
		}
		out = append(out, Param{Name: f.Name, Value: d.value(at, f)})
	}
	return out
}

// coupled checks what one field demands of another.
func (d *decoder) coupled(t *tree, s Step) {
	if d.err != nil || s.Op != Aggregate {
		return
	}
	_, labelled := s.Param("label")
	needs := slices.Contains(s.List("measures"), "sum") || slices.Contains(s.List("measures"), "rate")
	switch {
	case needs && !labelled:
		d.fail(t, fault.Invalid, "measures sum and rate need a label")
	case labelled && !needs:
		d.fail(t, fault.Invalid, "a label that no measure uses")
	}
}

// value reads one parameter of the kind and bounds that f states.
func (d *decoder) value(t *tree, f Field) Value {
	v := Value{Kind: f.Kind}
	switch f.Kind {
	case Bool:
		v.Bool = d.ready(t, isBool) && t.text == "true"
	case Int:
		v.Int = d.integer(t, int64(f.Min), int64(f.Max))
	case Dec:
		v.Dec = d.decimal(t, f)
	case Amount:
		v.Int = d.amount(t, f)
	case Word:
		v.Text = d.word(t, f)
	case Text:
		v.Text = d.name(t)
	case Words, Texts, IDs:
		v.List = d.strings(t, f)
	case Keys:
		return d.keys(t, f)
	default:
		d.fail(t, fault.Internal, "field %q has no kind", f.Name)
	}
	return v
}

// decimal reads a finite double, correctly rounded; −0 becomes 0.
func (d *decoder) decimal(t *tree, f Field) float64 {
	if !d.ready(t, isNumber) {
		return 0
	}
	v, err := strconv.ParseFloat(t.text, 64)
	if err != nil || !f.admits(v) {
		d.fail(t, fault.Invalid, "a number %s wanted", f.interval())
		return 0
	}
	if v == 0 {
		return 0
	}
	return v
}

// amount reads a decimal of at most 12 places exactly, as a string or a number, into units of 10⁻¹².
func (d *decoder) amount(t *tree, f Field) int64 {
	if d.err != nil {
		return 0
	}
	if t.shape != isNumber && (t.shape != isString || !isDecimal(t.text)) {
		d.fail(t, fault.Invalid, "an exact decimal wanted")
		return 0
	}
	v, ok := pico(t.text)
	if !ok || !f.admits(float64(v)/1e12) {
		d.fail(t, fault.Invalid, "a decimal %s with at most 12 places wanted", f.interval())
		return 0
	}
	return v
}

// pico reads [-]digits[.digits] into units of 10⁻¹²; false when it has more places, an exponent, or does not fit.
func pico(s string) (int64, bool) {
	whole, frac, _ := strings.Cut(s, ".")
	if len(frac) > 12 {
		return 0, false
	}
	v, err := strconv.ParseInt(whole+frac+strings.Repeat("0", 12-len(frac)), 10, 64)
	return v, err == nil
}

// admits reports whether v is within f's bounds.
func (f Field) admits(v float64) bool {
	if f.Open {
		return v > f.Min && v < f.Max
	}
	return v >= f.Min && v <= f.Max
}

// interval renders f's bounds.
func (f Field) interval() string {
	lo, hi := strconv.FormatFloat(f.Min, 'g', -1, 64), strconv.FormatFloat(f.Max, 'g', -1, 64)
	if f.Open {
		return "above " + lo + " and below " + hi
	}
	return "from " + lo + " to " + hi
}

// word reads one of f's words.
func (d *decoder) word(t *tree, f Field) string {
	s := d.str(t, MaxName)
	switch {
	case d.err != nil || slices.Contains(f.Words, s):
	case slices.Contains(f.Later, s):
		d.fail(t, fault.Unsupported, "%q is not built yet; use one of %q", s, f.Words)
	default:
		d.fail(t, fault.Invalid, "one of %q wanted", f.Words)
	}
	return s
}

// strings reads a list of words, names or party ids, at least one.
func (d *decoder) strings(t *tree, f Field) []string {
	kids := d.list(t, 1, f.MaxLen)
	out := make([]string, 0, len(kids))
	for _, k := range kids {
		var s string
		switch f.Kind {
		case Words:
			s = d.word(k, f)
		case IDs:
			s = d.id(k)
		default:
			s = d.name(k)
		}
		if d.err == nil && f.Set && slices.Contains(out, s) {
			d.fail(k, fault.Invalid, "%q listed twice", s)
		}
		out = append(out, s)
	}
	if f.Set {
		slices.Sort(out)
	}
	return out
}

// keys reads a list of distinct names or of distinct integers.
func (d *decoder) keys(t *tree, f Field) Value {
	kids := d.list(t, 1, f.MaxLen)
	if d.err != nil {
		return Value{}
	}
	if kids[0].shape == isString {
		return Value{Kind: Texts, List: d.names(t, f.MaxLen)}
	}
	v := Value{Kind: Ints}
	seen := make(map[int64]bool, len(kids))
	for _, k := range kids {
		n := d.integer(k, math.MinInt64, math.MaxInt64)
		if d.err == nil && seen[n] {
			d.fail(k, fault.Invalid, "a key listed twice")
		}
		seen[n] = true
		v.Ints = append(v.Ints, n)
	}
	return v
}
