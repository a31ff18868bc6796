package intersect

import (
	"path/filepath"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/protocols/psi"
)

// MaxTries bounds how often a bucket is begun, and how many plans a run may have: whoever breaks off and comes back may
// bring other items each time, and so would test more of them than the number it declared.
const MaxTries = 8

const (
	triesFile = "tries"
	triesTag  = "tacit/intersect/tries/v1"
)

// tries counts, for a job, how often each bucket was begun, and at 0 how many plans there were. It outlives every plan.
type tries [1 + 1<<psi.MaxBucketBits]byte

func (s *state) loadTries() (*tries, error) {
	out := new(tries)
	b, err := ReadSealed(filepath.Join(s.dir, triesFile), int64(len(triesTag)+len(out)+8))
	if err != nil || b == nil {
		return out, damaged(s.dir, err)
	}
	d := wire.NewDecoder(b, "intersect.loadTries")
	if d.String(len(triesTag)) != triesTag {
		d.Fail(fault.Corrupt, "the counts of another program or version")
	}
	copy(out[:], d.Fixed(len(out)))
	if err := d.Done(); err != nil {
		return nil, damaged(s.dir, wire.Stored("intersect.loadTries", err))
	}
	return out, nil
}

// try counts one more beginning, durably, before it is made. at is 0 for a plan, else a bucket's number plus one.
//
// Errors: fault.LimitExceeded (MaxTries), fault.Corrupt, fault.Unavailable.
func (s *state) try(at int) error {
	t, err := s.loadTries()
	if err != nil {
		return err
	}
	if t[at] >= MaxTries {
		what := "the bucket was"
		if at == 0 {
			what = "new plans were"
		}
		return fault.New(fault.LimitExceeded, "intersect.try",
			"MaxTries: %s begun %d times without an end, and each time tells the other party something: ask it why; to start anew all the same, remove the state directories of both parties and use a new invite", what, MaxTries)
	}
	t[at]++
	var e wire.Encoder
	e.String(triesTag)
	e.Fixed(t[:])
	return WriteSealed(filepath.Join(s.dir, triesFile), e.B)
}
