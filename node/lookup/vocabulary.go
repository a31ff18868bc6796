package lookup

import (
	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node/intersect"
	"github.com/tacit-data/tacit/protocols/oprf"
)

// The words of other packages that a caller of this one needs.
type (
	Suite  = oprf.Suite
	Rule   = intersect.Rule
	Counts = intersect.Counts
	Event  = intersect.Event
)

// MaxQueries bounds the evaluations under one key.
const MaxQueries = oprf.MaxQueries

// The phases of a publish and of a query, besides intersect.Reading, Waiting, Writing and Done.
const (
	Evaluating intersect.Phase = "evaluating" // the holder's keys
	Fetching   intersect.Phase = "fetching"   // bytes of the tag file
	Asking     intersect.Phase = "asking"     // queries
)

// ParseSuite reads ristretto255 or p256.
//
// Errors: fault.Invalid.
func ParseSuite(name string) (Suite, error) {
	switch name {
	case "ristretto255":
		return oprf.SuiteRistretto255, nil
	case "p256":
		return oprf.SuiteP256, nil
	}
	return "", fault.New(fault.Invalid, "lookup.ParseSuite", "a suite is ristretto255 or p256")
}

// blamed names the peer in errors about its bytes.
func blamed(err error, peer string) error {
	switch fault.CodeOf(err) {
	case fault.Misbehaved, fault.LimitExceeded:
		return fault.Blame(err, peer)
	}
	return err
}
