package exec

import (
	"errors"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/node/plan"
)

func splitRun(cfg Config) *Run {
	return &Run{engine: New(cfg), slot: Slot{Step: &plan.Step{ID: "parts", Op: job.Split, With: []job.Param{
		{Name: "test", Value: job.Value{Dec: 0.2}}, {Name: "seed", Value: job.Value{Int: 42}},
	}}}}
}

// A stratified draw whose order the plan fixed would tell the host labels: it is drawn with secret randomness, and keeps
// the proportions. Without strata the draw is the plan's alone, since every party makes it.
func TestStratifiedDrawIsSecret(t *testing.T) {
	labels := make([]uint8, 1000)
	for i := range 220 {
		labels[i] = 1
	}
	r := splitRun(Config{})
	one, err := r.draw(len(labels), labels)
	if err != nil {
		t.Fatal(err)
	}
	two, err := r.draw(len(labels), labels)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Equal(one, two) {
		t.Error("the plan's seed alone decides a stratified draw")
	}
	for _, test := range [][]int32{one, two} {
		ones := 0
		for _, i := range test {
			ones += int(labels[i])
		}
		if len(test) != 200 || ones != 44 {
			t.Errorf("%d test rows with %d of class 1, want 200 with 44", len(test), ones)
		}
	}
	plain, err := r.draw(len(labels), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, want, err := feature.Split(len(labels), 0.2, []byte{0, 0, 0, 0, 0, 0, 0, 42}, nil)
	if err != nil || !slices.Equal(plain, want) {
		t.Errorf("the plain draw does not follow from the plan: %v", err)
	}
	broken := splitRun(Config{Rand: iotest.ErrReader(errors.New("gone"))})
	if _, err := broken.draw(len(labels), labels); !errors.Is(err, fault.Internal) {
		t.Errorf("no randomness: %v", err)
	}
}
