package job

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/tacit-data/tacit/api/party"
)

// The written form: fields in the order of the reference example, absent ones left out.
type (
	specJSON struct {
		Version     int           `json:"version"`
		Name        string        `json:"name"`
		Purpose     string        `json:"purpose"`
		Contract    string        `json:"contract,omitempty"`
		Trust       Trust         `json:"trust"`
		Parties     []party.ID    `json:"parties"`
		Coordinator party.ID      `json:"coordinator"`
		Compiler    int           `json:"compiler,omitempty"`
		Inputs      []inputJSON   `json:"inputs"`
		Steps       []stepJSON    `json:"steps,omitempty"`
		Releases    []releaseJSON `json:"releases,omitempty"`
		Limits      *limitsJSON   `json:"limits,omitempty"`
		Inherit     *inheritJSON  `json:"inherit,omitempty"`
	}
	inputJSON struct {
		ID      string   `json:"id"`
		Party   party.ID `json:"party"`
		Dataset string   `json:"dataset"`
		Key     []string `json:"key,omitempty"`
		Target  string   `json:"target,omitempty"`
		Columns []string `json:"columns,omitempty"`
	}
	stepJSON struct {
		ID   string          `json:"id"`
		Op   Op              `json:"op"`
		In   []string        `json:"in"`
		With json.RawMessage `json:"with,omitempty"`
	}
	releaseJSON struct {
		ID      string     `json:"id"`
		From    string     `json:"from"`
		To      []party.ID `json:"to"`
		MinRows int64      `json:"min_rows,omitempty"`
		Form    string     `json:"form,omitempty"`
		Columns []string   `json:"columns,omitempty"`
	}
	limitsJSON struct {
		Rows      int64  `json:"rows,omitempty"`
		SentBytes int64  `json:"sent_bytes,omitempty"`
		CPUs      int64  `json:"cpu_s,omitempty"`
		Expires   string `json:"expires,omitempty"`
	}
	inheritJSON struct {
		Job   string   `json:"job"`
		Steps []string `json:"steps"`
	}
)

// MarshalJSON returns AppendJSON(nil).
func (s Spec) MarshalJSON() ([]byte, error) { return s.AppendJSON(nil), nil }

// AppendJSON appends s as JSON without white space. For a Spec that Parse returned, Parse gives back an equal one, and
// equal Specs give equal bytes.
func (s Spec) AppendJSON(dst []byte) []byte {
	out := specJSON{
		Version: s.Version, Name: s.Name, Purpose: s.Purpose, Contract: s.Contract, Trust: s.Trust, Parties: s.Parties,
		Coordinator: s.Coordinator, Compiler: s.Compiler, Limits: s.Limits.json(),
	}
	for _, in := range s.Inputs {
		out.Inputs = append(out.Inputs, inputJSON(in))
	}
	for _, st := range s.Steps {
		out.Steps = append(out.Steps, stepJSON{ID: st.ID, Op: st.Op, In: st.In, With: appendWith(st.With)})
	}
	for _, r := range s.Releases {
		out.Releases = append(out.Releases, releaseJSON(r))
	}
	if s.Inherit != nil {
		out.Inherit = &inheritJSON{Job: s.Inherit.Job.String(), Steps: s.Inherit.Steps}
	}
	return append(dst, encode(out)...)
}

// MarshalJSON returns the parameter as an object of one field: the form in which a plan lists it.
func (p Param) MarshalJSON() ([]byte, error) { return appendWith([]Param{p}), nil }

// AppendJSON appends v as it stands in a Spec.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.Kind {
	case Bool:
		return strconv.AppendBool(dst, v.Bool)
	case Int:
		return strconv.AppendInt(dst, v.Int, 10)
	case Dec:
		return append(dst, encode(v.Dec)...)
	case Amount:
		return append(dst, encode(formatPico(v.Int))...)
	case Word, Text:
		return append(dst, encode(v.Text)...)
	case Words, Texts, IDs:
		return append(dst, encode(v.List)...)
	case Ints:
		return append(dst, encode(v.Ints)...)
	}
	return append(dst, "null"...)
}

// String returns v as it stands in a Spec.
func (v Value) String() string { return string(v.AppendJSON(nil)) }

func appendWith(with []Param) []byte {
	if len(with) == 0 {
		return nil
	}
	b := []byte{'{'}
	for i, p := range with {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, encode(p.Name)...)
		b = append(b, ':')
		b = p.Value.AppendJSON(b)
	}
	return append(b, '}')
}

func (l Limits) json() *limitsJSON {
	if l == (Limits{}) {
		return nil
	}
	out := &limitsJSON{Rows: l.Rows, SentBytes: l.SentBytes, CPUs: l.CPUs}
	if !l.Expires.IsZero() {
		out.Expires = l.Expires.UTC().Format("2006-01-02T15:04:05Z")
	}
	return out
}

// formatPico writes p units of 10⁻¹² as a decimal without trailing zeros.
func formatPico(p int64) string {
	sign, abs := "", uint64(p)
	if p < 0 {
		sign, abs = "-", -abs
	}
	s := strconv.FormatUint(abs/1e12, 10)
	if frac := abs % 1e12; frac != 0 {
		digits := strconv.FormatUint(1e12+frac, 10)[1:]
		s += "." + string(bytes.TrimRight([]byte(digits), "0"))
	}
	return sign + s
}

// encode is JSON of a value that always has one: what does not (a NaN in a Spec built by hand) becomes null, which Parse
// refuses.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return []byte("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}
