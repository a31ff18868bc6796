package feature_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/feature"
)

func TestSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(10, 500).Draw(t, "n")
		f := rapid.Float64Range(0.1, 0.8).Draw(t, "f")
		seed := rapid.SliceOf(rapid.Byte()).Draw(t, "seed")
		var strata []uint8
		if rapid.Bool().Draw(t, "stratified") {
			strata = make([]uint8, n)
			for i := range strata {
				strata[i] = uint8(i * 3 / n)
			}
		}
		train, test, err := feature.Split(n, f, seed, strata)
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		if len(test) != int(math.Ceil(float64(n)*f)) {
			t.Fatalf("%d test rows of %d, fraction %v", len(test), n, f)
		}
		all := slices.Concat(train, test)
		slices.Sort(all)
		for i, v := range all {
			if int(v) != i {
				t.Fatalf("position %d is in no part or in two", i)
			}
		}
		if !slices.IsSorted(train) || !slices.IsSorted(test) {
			t.Fatal("a part is not ascending")
		}
		again, _, _ := feature.Split(n, f, seed, strata)
		if !slices.Equal(again, train) {
			t.Fatal("the same seed gives another split")
		}
		if strata == nil {
			return
		}
		var size, in [3]float64
		for _, c := range strata {
			size[c]++
		}
		for _, i := range test {
			in[strata[i]]++
		}
		for c := range size {
			if math.Abs(in[c]-size[c]*f) >= 1 {
				t.Fatalf("stratum %d: %v of %v rows in test, fraction %v", c, in[c], size[c], f)
			}
		}
	})
}

// splitVector was computed with OpenSSL's AES-128-CTR and a Fisher–Yates of its own.
const splitVector = "[5 6 9 14 18]"

// TestSplitVector pins the order: parties of different releases must part alike.
func TestSplitVector(t *testing.T) {
	_, test, err := feature.Split(20, 0.25, []byte("42"), nil)
	if got := fmt.Sprint(test); err != nil || got != splitVector {
		t.Errorf("test part %s (%v), want %s", got, err, splitVector)
	}
}

// TestSplitUniform: every position is in the test part equally often. 2,000 splits of 10 with one test row each; the
// count is binomial with mean 200 and sd 13.4, and the bound of 5 sd is missed by chance once in 10^5.
func TestSplitUniform(t *testing.T) {
	var hits [10]int
	for k := range 2000 {
		_, test, err := feature.Split(10, 0.1, fmt.Appendf(nil, "seed %d", k), nil)
		if err != nil || len(test) != 1 {
			t.Fatal(test, err)
		}
		hits[test[0]]++
	}
	for i, h := range hits {
		if h < 200-67 || h > 200+67 {
			t.Errorf("position %d: %d times, want about 200", i, h)
		}
	}
}

func TestSplitRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		n      int
		f      float64
		strata []uint8
		want   fault.Code
	}{
		{"none", 0, 0.5, nil, fault.Invalid},
		{"one", 1, 0.5, nil, fault.Invalid},
		{"zero fraction", 10, 0, nil, fault.Invalid},
		{"whole", 10, 1, nil, fault.Invalid},
		{"NaN", 10, math.NaN(), nil, fault.Invalid},
		{"nothing to train on", 2, 0.9, nil, fault.Invalid},
		{"strata", 10, 0.5, make([]uint8, 9), fault.Invalid},
		{"stratum without training", 4, 0.75, []uint8{0, 1, 1, 1}, fault.Invalid},
		{"too many", feature.MaxRows + 1, 0.5, nil, fault.LimitExceeded},
	} {
		if _, _, err := feature.Split(c.n, c.f, nil, c.strata); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if train, test, err := feature.Split(2, 0.5, nil, nil); err != nil || len(train) != 1 || len(test) != 1 {
		t.Errorf("two rows: %v %v (%v)", train, test, err)
	}
}

func ExampleSplit() {
	// Two parties with the same seed part their aligned rows alike, without a message.
	train, test, err := feature.Split(1000, 0.2, []byte("job 7"), nil)
	fmt.Println(len(train), len(test), err)
	// Output:
	// 800 200 <nil>
}
