package psi

import (
	"crypto/rand"
	"fmt"
	"go/doc/comment"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/protocols"
)

func TestNewParams(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*ParamsLiteral)
		want   fault.Code
	}{
		"no method":       {func(l *ParamsLiteral) { l.Method = "" }, fault.Invalid},
		"no method known": {func(l *ParamsLiteral) { l.Method = "kkrt" }, fault.Invalid},
		"rr22 cardinality": {func(l *ParamsLiteral) {
			l.Method, l.Suite, l.Output = MethodRR22, "", OutputCardinality
		}, fault.Unsupported},
		"minimum of a join":   {func(l *ParamsLiteral) { l.MinMatches = 1 }, fault.Unsupported},
		"negative minimum":    {func(l *ParamsLiteral) { l.Output, l.MinMatches = OutputCardinality, -1 }, fault.Invalid},
		"huge minimum":        {func(l *ParamsLiteral) { l.Output, l.MinMatches = OutputCardinality, MaxItems+1 }, fault.Invalid},
		"sum without bound":   {func(l *ParamsLiteral) { l.Output = OutputSum }, fault.Invalid},
		"sum of large values": {func(l *ParamsLiteral) { l.Output, l.MaxValue = OutputSum, MaxValueBound+1 }, fault.Precision},
		"largest values":      {func(l *ParamsLiteral) { l.Output, l.MaxValue = OutputSum, MaxValueBound }, fault.Internal},
		"bound of a join":     {func(l *ParamsLiteral) { l.MaxValue = 1 }, fault.Invalid},
		"sum over buckets": {func(l *ParamsLiteral) {
			l.Output, l.MaxValue, l.SenderItems = OutputSum, 1, MaxItems+1
		}, fault.Unsupported},
		"rr22 sum": {func(l *ParamsLiteral) {
			l.Method, l.Suite, l.Output, l.MaxValue = MethodRR22, "", OutputSum, 1
		}, fault.Unsupported},
		"largest minimum":  {func(l *ParamsLiteral) { l.Output, l.MinMatches = OutputCardinality, MaxItems }, fault.Internal},
		"every suite":      {func(l *ParamsLiteral) { l.Suite = SuiteSM2 }, fault.Internal},
		"malicious":        {func(l *ParamsLiteral) { l.Malicious = true }, fault.Unsupported},
		"no suite":         {func(l *ParamsLiteral) { l.Suite = "secp" }, fault.Invalid},
		"interop":          {func(l *ParamsLiteral) { l.Suite = SuiteInterop }, fault.Unsupported},
		"no output":        {func(l *ParamsLiteral) { l.Output = "" }, fault.Invalid},
		"ssp 39":           {func(l *ParamsLiteral) { l.SSP = 39 }, fault.Invalid},
		"negative":         {func(l *ParamsLiteral) { l.SenderItems = -1 }, fault.Invalid},
		"over MaxCutItems": {func(l *ParamsLiteral) { l.ReceiverItems = MaxCutItems + 1 }, fault.LimitExceeded},
		"tags too long":    {func(l *ParamsLiteral) { l.SSP = 117 }, fault.LimitExceeded},
		"longest tags":     {func(l *ParamsLiteral) { l.SSP = 116 }, fault.Internal},
		"at MaxItems":      {func(l *ParamsLiteral) { l.ReceiverItems = MaxItems }, fault.Internal},
		"empty is legal":   {func(l *ParamsLiteral) { l.ReceiverItems, l.SenderItems = 0, 0 }, fault.Internal},
	} {
		l := literal(OutputBoth)
		c.change(&l)
		p, err := NewParams(l)
		switch {
		case c.want == fault.Internal && (err != nil || p.Literal() != l):
			t.Errorf("%s: %v", name, err)
		case c.want != fault.Internal && fault.CodeOf(err) != c.want:
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// The lengths that the specification names, and the bound itself in real numbers.
func TestTagBytes(t *testing.T) {
	for _, c := range []struct{ ssp, nr, ns, want int }{
		{40, 1 << 20, 1 << 20, 10}, {40, 1 << 24, 1 << 24, 11}, {40, 0, 0, 5}, {40, 1, 1, 5}, {40, 2, 1, 6}, {40, 1, 257, 7},
	} {
		if got := tagBytes(c.ssp, c.nr, c.ns); got != c.want {
			t.Errorf("tagBytes(%d, %d, %d) = %d, want %d", c.ssp, c.nr, c.ns, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		ssp, nr, ns := rapid.IntRange(40, 80).Draw(t, "ssp"), rapid.IntRange(1, MaxItems).Draw(t, "nr"), rapid.IntRange(1, MaxItems).Draw(t, "ns")
		want := int(math.Ceil((float64(ssp) + math.Log2(float64(nr)*float64(ns))) / 8))
		if got := tagBytes(ssp, nr, ns); got != want {
			t.Fatalf("got %d, want %d", got, want)
		}
	})
}

// The formula of doc.go and of the specification: 77.6 MB at 2^20.
func TestCostFormula(t *testing.T) {
	const n, frames = 1 << 20, 64
	for suite, point := range map[Suite]int{SuiteX25519: 32, SuiteRistretto255: 32, SuiteP256: 33, SuiteSM2: 33} {
		for _, out := range outputs() {
			l := literal(out).of(suite)
			l.ReceiverItems, l.SenderItems = n, n
			p, err := NewParams(l)
			if err != nil {
				t.Fatal(err)
			}
			sent := 72 + point*n + 9*frames + 45
			if out == OutputBoth {
				sent += n/8 + 9
			}
			want := protocols.Cost{
				Rounds: 4, SentBytes: int64(sent),
				RecvBytes: int64(72 + point*n + 9*frames + 10*n + 9*frames + 45),
			}
			got := p.Cost(n, n)
			if got != want {
				t.Errorf("%s, %s: %+v, want %+v", suite, out, got, want)
			}
			if total := float64(got.SentBytes+got.RecvBytes) / 1e6; point == 32 && math.Abs(total-77.6) > 0.2 {
				t.Errorf("%.1f MB in all, the specification says 77.6", total)
			}
		}
	}
}

func TestLeaksAreTheDocumentedOnes(t *testing.T) {
	src, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	documented := regexp.MustCompile(`(?m)^// (reveals: .*)$`).FindAllStringSubmatch(string(src), -1)
	var got, want []string
	for _, m := range documented {
		got = append(got, m[1])
	}
	for _, out := range outputs() {
		for _, l := range small(t, literal(out), 4).Leaks() {
			want = append(want, fmt.Sprintf("reveals: %s to %s", l.Detail, l.To))
		}
	}
	for _, l := range small(t, sumLiteral(1), 4).Leaks() {
		want = append(want, fmt.Sprintf("reveals: %s to %s", l.Detail, l.To))
	}
	min := literal(OutputCardinality)
	min.MinMatches = 10
	for _, l := range small(t, min, 4).Leaks()[2:] {
		want = append(want, fmt.Sprintf("reveals: %s to %s", l.Detail, l.To))
	}
	for _, l := range small(t, literalRR22(OutputReceiver, true, 9), 4).Leaks()[2:] {
		want = append(want, fmt.Sprintf("reveals: %s to %s", l.Detail, l.To))
	}
	for _, everyone := range []bool{false, true} {
		p, err := NewMultiParams(MultiLiteral{
			Leader: Declared{"a", 1}, Members: []Declared{{"b", 1}, {"c", 1}}, Everyone: everyone, SSP: 40,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range p.Leaks() {
			want = append(want, fmt.Sprintf("reveals: %s to %s", l.Detail, l.To))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("doc.go says %q, Leaks %q", got, want)
	}
	for _, out := range []Output{OutputReceiver, OutputBoth} {
		ecdh, rr22 := small(t, literal(out), 4).Leaks(), small(t, literalRR22(out, false, 9), 4).Leaks()
		if !slices.Equal(ecdh, rr22) {
			t.Errorf("%s: method ecdh leaks %q, method rr22 %q", out, ecdh, rr22)
		}
	}
	var p comment.Parser
	var headings []string
	for _, b := range p.Parse(strings.ReplaceAll(strings.ReplaceAll(string(src), "// ", ""), "//\n", "\n")).Content {
		if h, ok := b.(*comment.Heading); ok {
			headings = append(headings, string(h.Text[0].(comment.Plain)))
		}
	}
	if want := []string{"Protocol", "Security", "Cost", "Limits", "References"}; !slices.Equal(headings, want) {
		t.Errorf("headings %q, want %q", headings, want)
	}
}

func TestDistinctNamesOnlyTheCount(t *testing.T) {
	item := itemOfKey([32]byte{}, 7)
	err := distinct([]Item{item, {1}, item, {2}, item})
	if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "2 of 5") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(err.Error(), fmt.Sprintf("%x", item[:4])) {
		t.Error("the error quotes an item")
	}
}

func TestBitmapRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.SliceOfN(rapid.SampledFrom([]int32{-1, 3}), 0, 40).Draw(t, "at")
		order := make([]int32, len(at))
		var want []int32
		for j := range order {
			order[j] = int32(len(at) - j)
			if at[j] >= 0 {
				want = append(want, order[j])
			}
		}
		got, err := unmap(bitmap(at), order)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%v, %v; want %v", got, err, want)
		}
	})
}

func TestBitmapThatCannotBeTrue(t *testing.T) {
	order := []int32{0, 1, 2}
	if _, err := matched([]byte{0b111}, order, 2); fault.CodeOf(err) != fault.Misbehaved {
		t.Errorf("more matches than items: %v", err)
	}
	if _, err := matched([]byte{0b1000}, order, 3); fault.CodeOf(err) != fault.Misbehaved {
		t.Errorf("a bit beyond the stream: %v", err)
	}
}

// Uniformity over the 24 orders of four items, 48000 seeded draws: χ² with 23 degrees of freedom exceeds 58.6 by chance
// once in 15000 runs; with a fixed seed the test is deterministic.
func TestShuffleIsUniform(t *testing.T) {
	const draws, orders = 48000, 24
	r := aes.NewStream(aes.Block{1}, aes.Block{})
	seen := make(map[[4]int32]int)
	for range draws {
		p, err := shuffle(r, 4)
		if err != nil {
			t.Fatal(err)
		}
		seen[[4]int32(p)]++
	}
	chi := 0.0
	for _, n := range seen {
		d := float64(n) - draws/orders
		chi += d * d / (draws / orders)
	}
	if len(seen) != orders || chi > 58.6 {
		t.Errorf("%d orders, χ² = %.1f", len(seen), chi)
	}
}

func TestShuffleIsAPermutation(t *testing.T) {
	for _, n := range []int{0, 1, 2, 5000} {
		p, err := shuffle(rand.Reader, n)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(p)
		for i, v := range p {
			if int(v) != i {
				t.Fatalf("n=%d: %d at %d", n, v, i)
			}
		}
	}
	if _, err := shuffle(strings.NewReader("31 bytes are not enough, really"), 3); fault.CodeOf(err) != fault.Internal {
		t.Errorf("short randomness: %v", err)
	}
}
