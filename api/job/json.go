package job

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/tacit-data/tacit/api/fault"
)

// fromJSON reads one JSON value token by token, so that positions, duplicate fields and number literals stay visible.
func fromJSON(b []byte) (*tree, error) {
	if !json.Valid(b) {
		return nil, notJSON(b)
	}
	r := &jsonReader{dec: json.NewDecoder(bytes.NewReader(b)), src: b, line: 1}
	r.dec.UseNumber()
	t := &tree{}
	return t, r.value(t)
}

// notJSON says where b stops being JSON. The library's own text quotes the input, so only its offset is used.
func notJSON(b []byte) error {
	err := json.Unmarshal(b, new(json.RawMessage))
	at := len(b)
	if syn, ok := err.(*json.SyntaxError); ok {
		at = int(syn.Offset)
	}
	line := 1 + bytes.Count(b[:min(at, len(b))], []byte{'\n'})
	return fault.New(fault.Invalid, opParse, "line %d: not a JSON document", line)
}

// jsonReader turns tokens into a tree. Line and column advance with the decoder's offset.
type jsonReader struct {
	dec       *json.Decoder
	src       []byte
	at        int // offset up to which line is counted
	line      int
	lineStart int // offset of the line's first byte
}

// place sets t's position to the next token's first byte.
func (r *jsonReader) place(t *tree) {
	next := int(r.dec.InputOffset())
	for next < len(r.src) && bytes.IndexByte([]byte(" \t\r\n,:"), r.src[next]) >= 0 {
		next++
	}
	for ; r.at < next; r.at++ {
		if r.src[r.at] == '\n' {
			r.line, r.lineStart = r.line+1, r.at+1
		}
	}
	t.line, t.col = r.line, r.at-r.lineStart+1
}

func (r *jsonReader) value(t *tree) error {
	line, col := t.line, t.col
	r.place(t)
	if line != 0 { // a member is where its name is, as in YAML
		t.line, t.col = line, col
	}
	tok, err := r.dec.Token()
	if err != nil {
		return fault.Wrap(fault.Invalid, opParse, err, "line %d, column %d: not a JSON document", t.line, t.col)
	}
	switch v := tok.(type) {
	case nil:
		t.shape = isNull
	case bool:
		t.shape, t.text = isBool, fmt.Sprint(v)
	case json.Number:
		t.shape, t.text = isNumber, v.String()
	case string:
		t.shape, t.text = isString, v
		return checkString(t, v)
	case json.Delim:
		if t.depth() >= MaxDepth {
			return t.tooDeep()
		}
		if v == '[' {
			return r.list(t)
		}
		return r.object(t)
	}
	return nil
}

func (r *jsonReader) list(t *tree) error {
	t.shape = isList
	for r.dec.More() {
		k := &tree{parent: t, index: len(t.kids)}
		if err := r.value(k); err != nil {
			return err
		}
		t.kids = append(t.kids, k)
	}
	return r.end()
}

func (r *jsonReader) object(t *tree) error {
	t.shape = isObject
	for r.dec.More() {
		k := &tree{}
		r.place(k)
		name, err := r.dec.Token()
		if err != nil {
			return fault.Wrap(fault.Invalid, opParse, err, "line %d, column %d: not a JSON document", k.line, k.col)
		}
		k.key, _ = name.(string)
		if err := t.add(k); err != nil {
			return err
		}
		if err := r.value(k); err != nil {
			return err
		}
	}
	return r.end()
}

// end reads the closing delimiter, which json.Valid has vouched for.
func (r *jsonReader) end() error {
	_, err := r.dec.Token()
	return fault.Wrap(fault.Invalid, opParse, err, "not a JSON document")
}
