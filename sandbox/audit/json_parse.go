package audit

import (
	"strconv"
	"unicode/utf8"

	"github.com/tacit-data/tacit/api/fault"
)

// parser accepts canonical JSON and nothing else: no white space, keys strictly ascending (so never twice), shortest
// escapes, integers only. What it accepts, appendValue writes back byte for byte. The first failure sticks.
type parser struct {
	b   []byte
	i   int
	err error
}

// parseObject reads one object that fills b.
func parseObject(b []byte) (map[string]any, error) {
	p := &parser{b: b}
	if p.peek() != '{' {
		p.fail("an object expected")
	}
	m := p.object(1)
	if p.err == nil && p.i != len(b) {
		p.fail("bytes after the object")
	}
	if p.err != nil {
		return nil, p.err
	}
	return m, nil
}

func (p *parser) fail(reason string) {
	if p.err == nil {
		p.err = fault.New(fault.Invalid, "audit.ParseLeaf", "byte %d: %s", p.i, reason)
		p.i = len(p.b)
	}
}

// peek returns the next byte, 0 at the end: no canonical text contains a zero byte.
func (p *parser) peek() byte {
	if p.i < len(p.b) {
		return p.b[p.i]
	}
	return 0
}

func (p *parser) expect(c byte) {
	if p.peek() != c || c == 0 {
		p.fail("'" + string(rune(c)) + "' expected")
		return
	}
	p.i++
}

func (p *parser) value(depth int) any {
	if depth > MaxDepth {
		if p.err == nil {
			p.err = fault.New(fault.LimitExceeded, "audit.ParseLeaf", "JSON nested deeper than %d", MaxDepth)
			p.i = len(p.b)
		}
		return nil
	}
	switch c := p.peek(); {
	case c == '"':
		return p.str()
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '-' || (c >= '0' && c <= '9'):
		return p.integer()
	case p.word("true"):
		return true
	case p.word("false"):
		return false
	}
	p.fail("a string, integer, boolean, array or object expected")
	return nil
}

func (p *parser) word(w string) bool {
	if len(p.b)-p.i < len(w) || string(p.b[p.i:p.i+len(w)]) != w {
		return false
	}
	p.i += len(w)
	return true
}

// object reads {"key":value,…} with keys in strictly ascending order.
func (p *parser) object(depth int) map[string]any {
	m := make(map[string]any)
	p.expect('{')
	last := ""
	for first := true; p.err == nil && p.peek() != '}'; first = false {
		if !first {
			p.expect(',')
		}
		k := p.str()
		if !first && compareKeys(last, k) >= 0 {
			p.fail("keys not in ascending order, or one twice")
		}
		p.expect(':')
		m[k], last = p.value(depth+1), k
	}
	p.expect('}')
	return m
}

func (p *parser) array(depth int) []any {
	out := []any{}
	p.expect('[')
	for first := true; p.err == nil && p.peek() != ']'; first = false {
		if !first {
			p.expect(',')
		}
		out = append(out, p.value(depth+1))
	}
	p.expect(']')
	return out
}

// integer reads an integer without leading zeros, exponent or fraction; −0 is not canonical.
func (p *parser) integer() int64 {
	start := p.i
	if p.peek() == '-' {
		p.i++
	}
	digits := p.i
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.i++
	}
	text := string(p.b[start:p.i])
	if c := p.peek(); c == '.' || c == 'e' || c == 'E' {
		p.fail("a number with fraction or exponent")
		return 0
	}
	if p.i == digits || (p.b[digits] == '0' && len(text) > 1) {
		p.fail("an integer in canonical form expected")
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > maxInt || n < -maxInt {
		p.fail("an integer of magnitude 2^53 or more must be a string")
		return 0
	}
	return n
}

// str reads a string whose escapes are the shortest ones.
func (p *parser) str() string {
	p.expect('"')
	out := p.plain()
	for p.err == nil {
		c := p.peek()
		switch {
		case c == '"':
			p.i++
			if !utf8.Valid(out) {
				p.fail("a string that is not UTF-8")
			}
			return string(out)
		case c == '\\':
			p.i++
			out = append(out, p.escape())
		case c < 0x20:
			p.fail("an unterminated string, or a control character without escape")
		default:
			out = append(out, p.plain()...)
		}
	}
	return ""
}

// plain takes the bytes up to the next quote, backslash, control character or the end. They are borrowed, with no room
// to append into the input.
func (p *parser) plain() []byte {
	start := p.i
	for p.i < len(p.b) && p.b[p.i] >= 0x20 && p.b[p.i] != '"' && p.b[p.i] != '\\' {
		p.i++
	}
	return p.b[start:p.i:p.i]
}

// escape reads what follows a backslash. \u is canonical only for control characters without a short escape.
func (p *parser) escape() byte {
	switch c := p.peek(); c {
	case '"', '\\':
		p.i++
		return c
	}
	for c := range byte(0x20) {
		if short := shortEscape(c); short != 0 && p.peek() == short {
			p.i++
			return c
		} else if short == 0 && p.word(string([]byte{'u', '0', '0', hexDigits[c>>4], hexDigits[c&15]})) {
			return c
		}
	}
	p.fail("an escape that is not canonical")
	return 0
}
