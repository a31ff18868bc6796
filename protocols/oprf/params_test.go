package oprf

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
)

func TestNewParams(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*ParamsLiteral)
		want   fault.Code // Internal: accepted
	}{
		"as it is":              {func(*ParamsLiteral) {}, fault.Internal},
		"zero":                  {func(l *ParamsLiteral) { *l = ParamsLiteral{} }, fault.Invalid},
		"p256":                  {func(l *ParamsLiteral) { l.Suite = SuiteP256 }, fault.Internal},
		"unknown suite":         {func(l *ParamsLiteral) { l.Suite = "curve448" }, fault.Invalid},
		"suite not built":       {func(l *ParamsLiteral) { l.Suite = SuiteP384 }, fault.Unsupported},
		"decaf448":              {func(l *ParamsLiteral) { l.Suite = SuiteDecaf448 }, fault.Unsupported},
		"ssp":                   {func(l *ParamsLiteral) { l.SSP = MinSSP - 1 }, fault.Invalid},
		"no items":              {func(l *ParamsLiteral) { l.ServerItems = 0 }, fault.Invalid},
		"no queries":            {func(l *ParamsLiteral) { l.Queries = 0 }, fault.Invalid},
		"no session queries":    {func(l *ParamsLiteral) { l.SessionQueries = 0 }, fault.Invalid},
		"negative values":       {func(l *ParamsLiteral) { l.ValueBytes = -1 }, fault.Invalid},
		"most queries":          {func(l *ParamsLiteral) { l.Queries = MaxQueries }, fault.Internal},
		"over MaxQueries":       {func(l *ParamsLiteral) { l.Queries = MaxQueries + 1 }, fault.LimitExceeded},
		"over session":          {func(l *ParamsLiteral) { l.SessionQueries = MaxSessionQueries + 1 }, fault.LimitExceeded},
		"longest value":         {func(l *ParamsLiteral) { l.ValueBytes = MaxValueBytes }, fault.Internal},
		"over MaxValueBytes":    {func(l *ParamsLiteral) { l.ValueBytes = MaxValueBytes + 1 }, fault.LimitExceeded},
		"longest tag":           {func(l *ParamsLiteral) { l.SSP = 128 - 6 - 20 }, fault.Internal},
		"tag of 17 bytes":       {func(l *ParamsLiteral) { l.SSP = 128 - 6 - 20 + 1 }, fault.LimitExceeded},
		"full tag buffer":       {func(l *ParamsLiteral) { l.ServerItems = MaxTagBuffer / 11 }, fault.Internal},
		"over the tag buffer":   {func(l *ParamsLiteral) { l.ServerItems = MaxTagBuffer/11 + 1 }, fault.LimitExceeded},
		"over it with values":   {func(l *ParamsLiteral) { l.ServerItems, l.ValueBytes = 1<<21, 1000 }, fault.LimitExceeded},
		"items without product": {func(l *ParamsLiteral) { l.ServerItems = 1 << 62 }, fault.LimitExceeded},
	} {
		l := literal()
		c.change(&l)
		p, err := NewParams(l)
		if (err == nil) != (c.want == fault.Internal) || (err != nil && fault.CodeOf(err) != c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err == nil && p.Literal() != l {
			t.Errorf("%s: Literal differs", name)
		}
	}
}

// The formulas of doc.go and of the specification.
func TestCostFormula(t *testing.T) {
	l := literal()
	l.ServerItems, l.Queries, l.SessionQueries = 10_000_000, MaxQueries, 100_000
	p, err := NewParams(l)
	if err != nil {
		t.Fatal(err)
	}
	const q, frames = 100_000, 7
	got := p.Cost(q)
	if got.Rounds != 2 || got.SentBytes != 184+32*q+9*frames || got.RecvBytes != 184+32*q+73*frames {
		t.Errorf("Cost %+v", got)
	}
	if p.tagBytes() != 12 { // (40 + 24 + 32)/8
		t.Errorf("tags of %d bytes", p.tagBytes())
	}
	const n = 10_000_000
	if got := p.FileBytes(n); got != 190+12*n {
		t.Errorf("a file of %d bytes", got)
	}
	chunks := (p.FileBytes(n) + 1048566) / 1048567
	if got := p.TransferCost(n); got.Rounds != 1 || got.SentBytes != 0 || got.RecvBytes != 91+p.FileBytes(n)+9*chunks {
		t.Errorf("TransferCost %+v", got)
	}
	if empty := p.Cost(0); empty.SentBytes != 184 || empty.RecvBytes != 184 {
		t.Errorf("no queries cost %+v", empty)
	}
}

func TestDigestCoversEveryField(t *testing.T) {
	seen := map[[32]byte]string{small(t, literal(), frameItems).Digest(): "as it is"}
	for name, change := range map[string]func(*ParamsLiteral){
		"suite":   func(l *ParamsLiteral) { l.Suite = SuiteP256 },
		"ssp":     func(l *ParamsLiteral) { l.SSP++ },
		"ruleset": func(l *ParamsLiteral) { l.Ruleset[31] = 1 },
		"items":   func(l *ParamsLiteral) { l.ServerItems++ },
		"queries": func(l *ParamsLiteral) { l.Queries++ },
		"session": func(l *ParamsLiteral) { l.SessionQueries-- },
		"value":   func(l *ParamsLiteral) { l.ValueBytes++ },
	} {
		l := literal()
		change(&l)
		d := small(t, l, frameItems).Digest()
		if other, ok := seen[d]; ok {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[d] = name
	}
}

func TestLeaksAreTheDocumentedOnes(t *testing.T) {
	src, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, m := range regexp.MustCompile(`(?m)^// (reveals: .*)$`).FindAllStringSubmatch(string(src), -1) {
		got = append(got, m[1])
	}
	for _, valueBytes := range []int{0, 4} {
		l := literal()
		l.ValueBytes = valueBytes
		for _, leak := range small(t, l, 4).Leaks() {
			want = append(want, fmt.Sprintf("reveals: %s to %s", leak.Detail, leak.To))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("doc.go says %q, Leaks %q", got, want)
	}
}
