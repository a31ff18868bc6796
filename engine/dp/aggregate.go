package dp

import (
	"slices"
	"unicode/utf8"

	"github.com/tacit-data/tacit/api/fault"
)

// MaxKeyBytes bounds one declared key; keys are published with the answer.
const MaxKeyBytes = 256

// Measure is one column of the answer.
type Measure uint8

// The measures. All have sensitivity 1: a row lies in one cell and changes it by at most 1.
const (
	Count Measure = iota + 1 // rows per key
	Sum                      // sum of the 0/1 label per key
	Rate                     // sum ÷ max(1, count), clamped to [0, 1], from the noisy values only
)

// Params declare an aggregate before any row is read.
type Params struct {
	Keys     []string  // the group keys that get a cell; any order, no repeats
	Measures []Measure // what the answer shows, no repeats
	Kind     Kind
	Epsilon  Pico // for the whole answer, split evenly over the histograms drawn
	Delta    Pico // Gauss only, split likewise
}

// Aggregate counts rows and sums a 0/1 label per declared key and releases both once, with noise on every declared key.
// One row is one unit. It is not safe for concurrent use; the zero value is unusable.
type Aggregate struct {
	keys       []string
	index      map[string]int
	measures   []Measure
	sens       Sens
	noise      Noise // of one histogram
	count, sum *Cells
}

// Table is a released aggregate. Its lengths depend on the declared keys and measures only.
type Table struct {
	Keys       []string // sorted
	Count, Sum []int64  // nil when not asked for; may be negative
	Rate       []float64
	// HalfWidth95 bounds the noise of one Count or Sum with probability 95 %, in rows.
	HalfWidth95 float64
}

// NewAggregate checks p and returns an aggregate without rows.
//
// Errors: fault.Invalid (no keys, an empty key, no or repeated measures, ε or δ out of range), fault.SchemaMismatch (a
// repeated key, a key that is not UTF-8), fault.LimitExceeded (more than MaxCells cells, a key over MaxKeyBytes).
func NewAggregate(p Params) (*Aggregate, error) {
	a := &Aggregate{measures: slices.Clone(p.Measures), sens: Sens{L0: 1, LInf: 1}}
	counts, sums, err := p.histograms()
	if err != nil {
		return nil, err
	}
	if a.noise, err = p.split(counts, sums); err != nil {
		return nil, err
	}
	if err := a.noise.check(a.sens); err != nil {
		return nil, err
	}
	if a.keys, a.index, err = indexKeys(p.Keys, p.drawn(counts, sums)); err != nil {
		return nil, err
	}
	if counts {
		if a.count, err = NewCells(len(a.keys)); err != nil {
			return nil, err
		}
	}
	if sums {
		if a.sum, err = NewCells(len(a.keys)); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// Quote returns what Release will charge and the half-width it will report, from the declaration alone.
//
// Errors: as NewAggregate for measures, ε and δ.
func (p Params) Quote() (Charge, float64, error) {
	counts, sums, err := p.histograms()
	if err != nil {
		return Charge{}, 0, err
	}
	n, err := p.split(counts, sums)
	if err != nil {
		return Charge{}, 0, err
	}
	one, err := Cost(Sens{L0: 1, LInf: 1}, n)
	if err != nil {
		return Charge{}, 0, err
	}
	width, err := HalfWidth95(Sens{L0: 1, LInf: 1}, n)
	if err != nil {
		return Charge{}, 0, err
	}
	total := Charge{}
	for range p.drawn(counts, sums) {
		total = total.Plus(one)
	}
	return total, width, nil
}

// histograms returns which exact histograms the measures need.
func (p Params) histograms() (counts, sums bool, err error) {
	seen := [Rate + 1]bool{}
	for _, m := range p.Measures {
		if m < Count || m > Rate || seen[m] {
			return false, false, fault.New(fault.Invalid, "dp.NewAggregate", "a repeated or unknown measure")
		}
		seen[m] = true
	}
	if len(p.Measures) == 0 {
		return false, false, fault.New(fault.Invalid, "dp.NewAggregate", "no measure")
	}
	return seen[Count] || seen[Rate], seen[Sum] || seen[Rate], nil
}

func (p Params) drawn(counts, sums bool) int {
	if counts && sums {
		return 2
	}
	return 1
}

// split returns the noise of one histogram. Rounding down keeps the sum within what was declared.
func (p Params) split(counts, sums bool) (Noise, error) {
	if p.Epsilon <= 0 || p.Epsilon > MaxEpsilon {
		return Noise{}, fault.New(fault.Invalid, "dp.NewAggregate", "ε must be from 2^-30 to 20, it is %s", p.Epsilon)
	}
	k := Pico(p.drawn(counts, sums))
	return Noise{Kind: p.Kind, Epsilon: p.Epsilon / k, Delta: p.Delta / k}, nil
}

func indexKeys(keys []string, histograms int) ([]string, map[string]int, error) {
	const op = "dp.NewAggregate"
	if len(keys) == 0 {
		return nil, nil, fault.New(fault.Invalid, op, "no declared keys")
	}
	if len(keys) > MaxCells/histograms {
		return nil, nil, fault.New(fault.LimitExceeded, op, "%d keys in %d histograms, at most 2^24 cells", len(keys), histograms)
	}
	sorted, index := slices.Clone(keys), make(map[string]int, len(keys))
	slices.Sort(sorted)
	for i, k := range sorted {
		switch {
		case k == "":
			return nil, nil, fault.New(fault.Invalid, op, "an empty key")
		case len(k) > MaxKeyBytes:
			return nil, nil, fault.New(fault.LimitExceeded, op, "a key of %d bytes, at most %d", len(k), MaxKeyBytes)
		case !utf8.ValidString(k):
			return nil, nil, fault.New(fault.SchemaMismatch, op, "a key that is not UTF-8")
		case i > 0 && k == sorted[i-1]:
			return nil, nil, fault.New(fault.SchemaMismatch, op, "a key is declared twice")
		}
		index[k] = i
	}
	return sorted, index, nil
}

// Add takes one row: its group key and its label, clamped to 0 or 1. A row of an undeclared key falls in no cell.
//
// Errors: fault.Invalid after Release, whatever the row.
func (a *Aggregate) Add(key string, label int64) error { return a.add(key, min(max(label, 0), 1)) }

// AddAbsent takes one row without a label: it is counted and adds nothing to a sum.
//
// Errors: fault.Invalid after Release, whatever the row.
func (a *Aggregate) AddAbsent(key string) error { return a.add(key, 0) }

func (a *Aggregate) add(key string, label int64) error {
	if a.index == nil {
		return fault.New(fault.Invalid, "dp.Aggregate.Add", "released before")
	}
	i, ok := a.index[key]
	if !ok {
		return nil
	}
	if a.count != nil {
		if err := a.count.Add(i, 1); err != nil {
			return err
		}
	}
	if a.sum != nil {
		return a.sum.Add(i, label)
	}
	return nil
}

// Release draws the noise and returns the answer with its charge. It works once: a second draw would be a second answer.
//
// Errors: fault.Invalid when called before.
func (a *Aggregate) Release() (Table, Charge, error) {
	if a.index == nil {
		return Table{}, Charge{}, fault.New(fault.Invalid, "dp.Aggregate.Release", "released before")
	}
	a.index = nil
	count, chargeCount, err := a.draw(a.count)
	if err != nil {
		return Table{}, Charge{}, err
	}
	sum, chargeSum, err := a.draw(a.sum)
	if err != nil {
		return Table{}, Charge{}, err
	}
	width, err := HalfWidth95(a.sens, a.noise)
	if err != nil {
		return Table{}, Charge{}, err
	}
	return a.table(count, sum, width), chargeCount.Plus(chargeSum), nil
}

// draw releases one histogram, or nothing when it is not needed.
func (a *Aggregate) draw(c *Cells) ([]int64, Charge, error) {
	if c == nil {
		return nil, Charge{}, nil
	}
	r, charge, err := Release(c, a.sens, a.noise)
	return r.Values, charge, err
}

// table is post-processing: it sees noisy values only.
func (a *Aggregate) table(count, sum []int64, width float64) Table {
	t := Table{Keys: a.keys, HalfWidth95: width}
	for _, m := range a.measures {
		switch m {
		case Count:
			t.Count = count
		case Sum:
			t.Sum = sum
		case Rate:
			t.Rate = rates(count, sum)
		}
	}
	return t
}

func rates(count, sum []int64) []float64 {
	out := make([]float64, len(count))
	for i := range out {
		out[i] = min(max(float64(sum[i])/float64(max(count[i], 1)), 0), 1)
	}
	return out
}
