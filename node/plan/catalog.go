package plan

import (
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine"
)

// MaxRows bounds the declared rows of a dataset: products of two of them still fit an int64.
const MaxRows = 1 << 30

// Catalog answers what a plan must know of data and parties. Answers are declarations: no value, no statistic. The
// caller gathers them beforehand; Build calls it once per input and once per party, in sorted order.
type Catalog interface {
	// Describe returns the dataset called dataset ("name" or "name@version") at party p.
	//
	// Errors: fault.NotFound when p has none of that name.
	Describe(p party.ID, dataset string) (Dataset, error)
	// Root returns the fingerprint of p's root key: SHA-256 of its SPKI, as pinned.
	//
	// Errors: fault.NotFound when p is not pinned.
	Root(p party.ID) ([32]byte, error)
}

// Dataset is one catalogue answer. DESIGN §3 sketches it as (type, rows); the plan's digest also covers the version, so
// that a republished dataset is another plan.
type Dataset struct {
	Type    engine.Type // every column labelled Private(owner) or Public
	Rows    int64       // declared bound on rows, 1 to MaxRows; the owner may round up
	Version [32]byte    // digest of the dataset version
}
