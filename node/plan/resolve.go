package plan

import (
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
)

// opBuild is the Op of every refusal of a Spec.
const opBuild = "plan.Build"

// order returns the steps of spec so that each comes after what it reads; of those that may come next the smallest id
// does.
//
// Errors: fault.Invalid when a step or release names nothing, or steps wait for each other.
func order(spec job.Spec) ([]job.Step, error) {
	known := make(map[string]bool, len(spec.Inputs)+len(spec.Steps))
	done := make(map[string]bool, len(spec.Inputs)+len(spec.Steps))
	for _, in := range spec.Inputs {
		known[in.ID], done[in.ID] = true, true
	}
	for _, s := range spec.Steps {
		known[s.ID] = true
	}
	if err := resolve(spec, known); err != nil {
		return nil, err
	}
	left := slices.Clone(spec.Steps)
	slices.SortFunc(left, func(a, b job.Step) int { return compare(a.ID, b.ID) })
	out := make([]job.Step, 0, len(left))
	for len(left) > 0 {
		i := slices.IndexFunc(left, func(s job.Step) bool {
			return !slices.ContainsFunc(s.In, func(id string) bool { return !done[id] })
		})
		if i < 0 {
			return nil, fault.New(fault.Invalid, opBuild, "step %q waits for itself through other steps", left[0].ID)
		}
		out, done[left[i].ID] = append(out, left[i]), true
		left = slices.Delete(left, i, i+1)
	}
	return out, nil
}

func resolve(spec job.Spec, known map[string]bool) error {
	for _, s := range spec.Steps {
		for _, id := range s.In {
			if !known[id] {
				return fault.New(fault.Invalid, opBuild, "step %q reads %q, which is no input or step", s.ID, id)
			}
		}
	}
	for _, r := range spec.Releases {
		if !known[r.From] {
			return fault.New(fault.Invalid, opBuild, "release %q is from %q, which is no input or step", r.ID, r.From)
		}
	}
	return nil
}

func compare[T ~string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
