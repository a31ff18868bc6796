package right

import (
	"maps"
	"math"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/sandbox/catalog"
)

// Unlimited is the value of a limit that is none. Zero is not: a zero limit permits nothing.
const Unlimited = math.MaxInt64

// MaxLeaks bounds the leak kinds of a grant; there are fewer in the product.
const MaxLeaks = 32

// Use is what a step does with a column.
type Use string

// The uses.
const (
	UseKey       Use = "key"       // aligned on
	UseFeature   Use = "feature"   // read by a model
	UseLabel     Use = "label"     // predicted by a model, or compared with a prediction
	UseGroup     Use = "group"     // grouped by
	UseAggregate Use = "aggregate" // summed, counted, averaged
	UseFilter    Use = "filter"    // decides which rows count
)

// Known reports whether u is one of the uses.
func (u Use) Known() bool {
	switch u {
	case UseKey, UseFeature, UseLabel, UseGroup, UseAggregate, UseFilter:
		return true
	}
	return false
}

// Action is what a job does with an asset.
type Action string

// The actions.
const (
	ActionAlign     Action = "align"     // find common rows
	ActionTrain     Action = "train"     // fit a model
	ActionPredict   Action = "predict"   // apply a model
	ActionAggregate Action = "aggregate" // statistics over groups
	ActionEvaluate  Action = "evaluate"  // measure a model
	ActionExport    Action = "export"    // hand out raw columns; nothing else allows that
)

// Known reports whether a is one of the actions.
func (a Action) Known() bool {
	switch a {
	case ActionAlign, ActionTrain, ActionPredict, ActionAggregate, ActionEvaluate, ActionExport:
		return true
	}
	return false
}

// OutputKind is the form of what leaves a job.
type OutputKind string

// The kinds of output.
const (
	OutputStatistic OutputKind = "statistic" // a few numbers about all rows: a metric, a report
	OutputModel     OutputKind = "model"     // coefficients or trees
	OutputScore     OutputKind = "score"     // one number per row
	OutputAggregate OutputKind = "aggregate" // numbers per group
	OutputRows      OutputKind = "rows"      // raw columns; needs ActionExport besides a rule
)

// Known reports whether k is one of the kinds.
func (k OutputKind) Known() bool {
	switch k {
	case OutputStatistic, OutputModel, OutputScore, OutputAggregate, OutputRows:
		return true
	}
	return false
}

// OutputRule says under which conditions one kind of output may leave.
type OutputRule struct {
	MinRows    int64      // at least this many units behind the output, or behind every group of it; ≥ 1
	Noised     bool       // only with differentially private noise
	Recipients []party.ID // who may receive it
}

// Limits cap a grant over its life. The budget counts against them; the decision refuses what exceeds one at once.
type Limits struct {
	Uses        int64 // runs
	Rows        int64 // rows of the asset in one run
	EpsilonPico int64 // ε of one run in units of 1e-12; 0 allows exact outputs only where a rule does not ask for noise
}

// Grant is one owner's permission over one dataset version.
type Grant struct {
	ID          string // 1 to 128 printable ASCII characters, unique at its owner
	Owner       party.ID
	Grantees    []party.ID // who may take part in a run or receive from it, the owner aside
	Asset       string     // "loans@1"
	Agreement   string     // content id of the agreement that pays; empty when there is none
	Purpose     string
	Columns     map[string][]Use // column → uses; a column that is absent may not be touched
	Actions     []Action
	TrustModels []string // "2pc-semihonest", …: under which assumption the owner lets its data be used
	Leaks       []string // kinds of leakage it accepts ("intersection-size", …); none by default
	Outputs     map[OutputKind]OutputRule
	Limits      Limits
	NotBefore   int64 // UTC milliseconds, first instant
	NotAfter    int64 // UTC milliseconds, last instant
	Revoked     int64 // UTC milliseconds of revocation; 0 while it stands. Not part of what is signed
}

// Normal returns g with its sets sorted and without repeats: the form that is encoded and signed.
func (g Grant) Normal() Grant {
	g.Grantees = party.Sorted(g.Grantees)
	g.Actions, g.TrustModels, g.Leaks = sorted(g.Actions), sorted(g.TrustModels), sorted(g.Leaks)
	g.Columns = maps.Clone(g.Columns)
	for name, uses := range g.Columns {
		g.Columns[name] = sorted(uses)
	}
	g.Outputs = maps.Clone(g.Outputs)
	for kind, rule := range g.Outputs {
		rule.Recipients = party.Sorted(rule.Recipients)
		g.Outputs[kind] = rule
	}
	return g
}

func sorted[T ~string](in []T) []T {
	out := slices.Clone(in)
	slices.Sort(out)
	return slices.Compact(out)
}

// Check verifies every field; the order of sets does not matter.
//
// Errors: fault.Invalid (a name, use, action, rule, limit or time out of its range, a required set empty, a recipient
// who is neither owner nor grantee), fault.LimitExceeded (MaxParties, catalog.MaxColumns, MaxLeaks).
func (g Grant) Check() error {
	const op = "right.Grant"
	switch {
	case !catalog.ValidToken(g.ID):
		return fault.New(fault.Invalid, op, "a grant id is 1 to %d printable ASCII characters", catalog.MaxTokenBytes)
	case !party.Valid(string(g.Owner)):
		return fault.New(fault.Invalid, op, "the owner of grant %s is not a party id", g.ID)
	case len(g.Grantees) > MaxParties || len(g.Columns) > catalog.MaxColumns || len(g.Leaks) > MaxLeaks || len(g.TrustModels) > MaxLeaks || len(g.Actions) > MaxLeaks:
		return fault.New(fault.LimitExceeded, op, "grant %s: %d grantees, %d columns, %d leak kinds; at most %d, %d, %d", g.ID, len(g.Grantees), len(g.Columns), len(g.Leaks), MaxParties, catalog.MaxColumns, MaxLeaks)
	case len(g.Grantees) == 0 || len(g.Columns) == 0 || len(g.Actions) == 0 || len(g.TrustModels) == 0:
		return fault.New(fault.Invalid, op, "grant %s permits nothing: it needs grantees, columns, actions and trust models", g.ID)
	case !party.Valid(g.Purpose):
		return fault.New(fault.Invalid, op, "the purpose of grant %s is 1 to 63 of a-z, 0-9 and '-', first a letter", g.ID)
	case g.Agreement != "" && !validContentID(g.Agreement):
		return fault.New(fault.Invalid, op, "the agreement of grant %s is not sha256: and 64 hex digits", g.ID)
	case g.NotBefore < 0 || g.NotAfter < g.NotBefore || g.Revoked < 0:
		return fault.New(fault.Invalid, op, "the term of grant %s ends before it begins", g.ID)
	case g.Limits.Uses < 1 || g.Limits.Rows < 1 || g.Limits.EpsilonPico < 0:
		return fault.New(fault.Invalid, op, "grant %s permits nothing: uses and rows are at least 1, ε at least 0", g.ID)
	}
	if _, _, err := catalog.ParseID(g.Asset); err != nil {
		return err
	}
	return g.checkSets()
}

func (g Grant) checkSets() error {
	const op = "right.Grant"
	for _, p := range g.Grantees {
		if !party.Valid(string(p)) || p == g.Owner {
			return fault.New(fault.Invalid, op, "a grantee of grant %s is its owner or no party id", g.ID)
		}
	}
	for name, uses := range g.Columns {
		if !catalog.ValidColumn(name) {
			return fault.New(fault.Invalid, op, "grant %s names a column that is empty, too long or not printable", g.ID)
		}
		if len(uses) == 0 || slices.ContainsFunc(uses, func(u Use) bool { return !u.Known() }) {
			return fault.New(fault.Invalid, op, "grant %s: column %q has no use, or an unknown one", g.ID, name)
		}
	}
	if slices.ContainsFunc(g.Actions, func(a Action) bool { return !a.Known() }) {
		return fault.New(fault.Invalid, op, "grant %s has an unknown action", g.ID)
	}
	for _, code := range slices.Concat(g.TrustModels, g.Leaks) {
		if !catalog.ValidToken(code) {
			return fault.New(fault.Invalid, op, "grant %s has a trust model or leak kind that is not a name", g.ID)
		}
	}
	return g.checkOutputs()
}

func (g Grant) checkOutputs() error {
	const op = "right.Grant"
	for kind, rule := range g.Outputs {
		switch {
		case !kind.Known():
			return fault.New(fault.Invalid, op, "grant %s has an unknown kind of output", g.ID)
		case rule.MinRows < 1:
			return fault.New(fault.Invalid, op, "grant %s: output %s needs at least one row behind it", g.ID, kind)
		case len(rule.Recipients) > MaxParties+1:
			return fault.New(fault.LimitExceeded, op, "grant %s: output %s to %d recipients, at most %d", g.ID, kind, len(rule.Recipients), MaxParties+1)
		case kind == OutputRows && !slices.Contains(g.Actions, ActionExport):
			return fault.New(fault.Invalid, op, "grant %s lets rows out without the action export", g.ID)
		}
		for _, p := range rule.Recipients {
			if p != g.Owner && !slices.Contains(g.Grantees, p) {
				return fault.New(fault.Invalid, op, "grant %s: recipient %s of %s is neither owner nor grantee", g.ID, p, kind)
			}
		}
	}
	return nil
}

func validContentID(s string) bool {
	if len(s) != 7+64 || s[:7] != "sha256:" {
		return false
	}
	for i := 7; i < len(s); i++ {
		if (s[i] < '0' || s[i] > '9') && (s[i] < 'a' || s[i] > 'f') {
			return false
		}
	}
	return true
}
