package dp

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
)

func TestAggregateRefusals(t *testing.T) {
	ok := Params{Keys: []string{"a", "b"}, Measures: []Measure{Count}, Kind: Laplace, Epsilon: One}
	with := func(f func(*Params)) Params {
		p := ok
		f(&p)
		return p
	}
	for name, c := range map[string]struct {
		p    Params
		want fault.Code
	}{
		"fine":             {ok, fault.Internal},
		"zero value":       {Params{}, fault.Invalid},
		"no keys":          {with(func(p *Params) { p.Keys = nil }), fault.Invalid},
		"empty key":        {with(func(p *Params) { p.Keys = []string{"a", ""} }), fault.Invalid},
		"repeated key":     {with(func(p *Params) { p.Keys = []string{"a", "b", "a"} }), fault.SchemaMismatch},
		"not UTF-8":        {with(func(p *Params) { p.Keys = []string{"\xff"} }), fault.SchemaMismatch},
		"longest key":      {with(func(p *Params) { p.Keys = []string{strings.Repeat("k", MaxKeyBytes)} }), fault.Internal},
		"key too long":     {with(func(p *Params) { p.Keys = []string{strings.Repeat("k", MaxKeyBytes+1)} }), fault.LimitExceeded},
		"too many cells":   {with(func(p *Params) { p.Keys = make([]string, MaxCells+1) }), fault.LimitExceeded},
		"too many, doubly": {with(func(p *Params) { p.Keys = make([]string, MaxCells/2+1); p.Measures = []Measure{Rate} }), fault.LimitExceeded},
		"no measure":       {with(func(p *Params) { p.Measures = nil }), fault.Invalid},
		"measure twice":    {with(func(p *Params) { p.Measures = []Measure{Sum, Sum} }), fault.Invalid},
		"unknown measure":  {with(func(p *Params) { p.Measures = []Measure{Rate + 1} }), fault.Invalid},
		"ε zero":           {with(func(p *Params) { p.Epsilon = 0 }), fault.Invalid},
		"ε negative":       {with(func(p *Params) { p.Epsilon = -One }), fault.Invalid},
		"ε 20":             {with(func(p *Params) { p.Epsilon = 20 * One }), fault.Internal},
		"ε over 20":        {with(func(p *Params) { p.Epsilon = 20*One + 1 }), fault.Invalid},
		"ε over 20, split": {with(func(p *Params) { p.Epsilon = 21 * One; p.Measures = []Measure{Rate} }), fault.Invalid},
		"no noise":         {with(func(p *Params) { p.Kind = 0 }), fault.Invalid},
		"Laplace with δ":   {with(func(p *Params) { p.Delta = 2 }), fault.Invalid},
		"Gauss without δ":  {with(func(p *Params) { p.Kind = Gauss }), fault.Invalid},
		"δ split to zero":  {with(func(p *Params) { p.Kind, p.Delta, p.Measures = Gauss, 1, []Measure{Rate} }), fault.Invalid},
		"Gauss":            {with(func(p *Params) { p.Kind, p.Delta = Gauss, 1_000_000 }), fault.Internal},
	} {
		if _, err := NewAggregate(c.p); codeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestAggregateOnce(t *testing.T) {
	a, err := NewAggregate(Params{Keys: []string{"x"}, Measures: []Measure{Sum}, Kind: Laplace, Epsilon: One})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Release(); err != nil {
		t.Fatal(err)
	}
	if tab, charge, err := a.Release(); fault.CodeOf(err) != fault.Invalid || charge != (Charge{}) || tab.Keys != nil {
		t.Errorf("second Release: %+v, %+v, %v", tab, charge, err)
	}
	for _, key := range []string{"x", "undeclared"} {
		if err := a.Add(key, 1); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("Add after Release: %v", err)
		}
		if err := a.AddAbsent(key); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("AddAbsent after Release: %v", err)
		}
	}
}

// TestAggregateExactPart reads the cells before noise and compares with a plain map.
func TestAggregateExactPart(t *testing.T) {
	keys := []string{"n", "e", "s", "w"}
	rapid.Check(t, func(t *rapid.T) {
		a, err := NewAggregate(Params{Keys: keys, Measures: []Measure{Rate}, Kind: Laplace, Epsilon: One})
		if err != nil {
			t.Fatal(err)
		}
		count, sum := map[string]int64{}, map[string]int64{}
		for range rapid.IntRange(0, 60).Draw(t, "rows") {
			key := rapid.SampledFrom([]string{"n", "e", "s", "elsewhere", ""}).Draw(t, "key")
			label := rapid.SampledFrom([]int64{0, 1, -3, 9, math.MinInt64, math.MaxInt64}).Draw(t, "label")
			if rapid.Bool().Draw(t, "absent") {
				err, label = a.AddAbsent(key), 0
			} else {
				err = a.Add(key, label)
			}
			if err != nil {
				t.Fatal(err)
			}
			count[key]++
			if label > 0 {
				sum[key]++
			}
		}
		gotCount, _ := a.count.take()
		gotSum, _ := a.sum.take()
		for i, k := range a.keys {
			if gotCount[i] != count[k] || gotSum[i] != sum[k] {
				t.Fatalf("key %s: %d rows, sum %d, want %d and %d", k, gotCount[i], gotSum[i], count[k], sum[k])
			}
		}
	})
}

// TestAggregateShapeIsPublic: neighbours, and tables that share nothing, give the same keys, lengths, widths, charges.
func TestAggregateShapeIsPublic(t *testing.T) {
	p := Params{Keys: []string{"b", "a", "c"}, Measures: []Measure{Rate, Count, Sum}, Kind: Gauss, Epsilon: One, Delta: 2_000_000}
	quote, width, err := p.Quote()
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range [][]string{nil, {"a"}, {"a", "a"}, {"zzz"}, slices.Repeat([]string{"b"}, 500)} {
		a, err := NewAggregate(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range rows {
			if err := a.Add(k, 1); err != nil {
				t.Fatal(err)
			}
		}
		tab, charge, err := a.Release()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(tab.Keys, []string{"a", "b", "c"}) || len(tab.Count) != 3 || len(tab.Sum) != 3 || len(tab.Rate) != 3 {
			t.Errorf("%d rows: shape %d %d %d %d", len(rows), len(tab.Keys), len(tab.Count), len(tab.Sum), len(tab.Rate))
		}
		if charge != quote || tab.HalfWidth95 != width {
			t.Errorf("%d rows: charge %+v width %g, quoted %+v and %g", len(rows), charge, tab.HalfWidth95, quote, width)
		}
		for _, r := range tab.Rate {
			if !(r >= 0 && r <= 1) {
				t.Errorf("rate %g", r)
			}
		}
	}
}

func TestQuote(t *testing.T) {
	for _, c := range []struct {
		measures []Measure
		rho      Pico
		width    float64
	}{
		{[]Measure{Count}, One / 2, math.Log(20)},
		{[]Measure{Sum}, One / 2, math.Log(20)},
		{[]Measure{Rate}, One / 4, 2 * math.Log(20)}, // two histograms of ε/2 each: 2·(1/2)²/2
		{[]Measure{Count, Sum, Rate}, One / 4, 2 * math.Log(20)},
	} {
		p := Params{Measures: c.measures, Kind: Laplace, Epsilon: One}
		charge, width, err := p.Quote()
		if err != nil || charge != (Charge{Rho: c.rho}) || math.Abs(width-c.width) > 1e-9 {
			t.Errorf("Quote(%v) = %+v, %g, %v", c.measures, charge, width, err)
		}
	}
	for _, p := range []Params{{}, {Measures: []Measure{Count}}, {Measures: []Measure{Count}, Epsilon: One}} {
		if _, _, err := p.Quote(); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("Quote(%+v): %v", p, err)
		}
	}
}

// TestAggregateMeasures: what is not asked for is not shown.
func TestAggregateMeasures(t *testing.T) {
	a, err := NewAggregate(Params{Keys: []string{"x", "y"}, Measures: []Measure{Rate}, Kind: Laplace, Epsilon: One})
	if err != nil {
		t.Fatal(err)
	}
	tab, _, err := a.Release()
	if err != nil || tab.Count != nil || tab.Sum != nil || len(tab.Rate) != 2 {
		t.Errorf("Release = %+v, %v", tab, err)
	}
}

func TestRates(t *testing.T) {
	got := rates([]int64{10, 0, -5, 4, 8}, []int64{5, 3, 2, 9, -1})
	if want := []float64{0.5, 1, 1, 1, 0}; !slices.Equal(got, want) {
		t.Errorf("rates = %v, want %v", got, want)
	}
}

// ExampleNewAggregate asks for the default rate per region. At ε = 20 and a thousand rows the noise hardly shows.
func ExampleNewAggregate() {
	a, _ := NewAggregate(Params{
		Keys:     []string{"south", "north"},
		Measures: []Measure{Rate},
		Kind:     Laplace,
		Epsilon:  20 * One,
	})
	for i := range int64(1000) {
		_ = a.Add("north", i%4/3) // every fourth defaults
		_ = a.Add("south", i%2)
		_ = a.Add("nowhere", 1) // undeclared: falls in no cell
	}
	table, charge, _ := a.Release()
	for i, key := range table.Keys {
		fmt.Printf("%s %.1f\n", key, math.Round(table.Rate[i]*10-0.01)/10)
	}
	fmt.Println("charged ρ =", charge.Rho)
	// Output:
	// north 0.2
	// south 0.5
	// charged ρ = 100
}
