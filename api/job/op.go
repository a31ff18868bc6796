package job

// Op names an operation. Unknown ones are fault.Unsupported.
type Op string

// The operations.
const (
	Align     Op = "align"     // match rows of inputs by key
	Split     Op = "split"     // training part and test part
	Scale     Op = "scale"     // standardise feature columns at their owner
	TrainGLM  Op = "train.glm" // joint generalised linear model
	Predict   Op = "predict"   // joint scores
	Evaluate  Op = "evaluate"  // quality of scores against labels
	Aggregate Op = "aggregate" // differentially private counts and sums per group
)

// Ops lists every operation, in the order of a usual job.
func Ops() []Op { return []Op{Align, Split, Scale, TrainGLM, Predict, Evaluate, Aggregate} }

// Field is one parameter an op takes: what the decoder admits and what documentation says.
type Field struct {
	Name     string
	Kind     Kind
	Default  string   // JSON of the value used when absent; empty = none
	Required bool     // absent without a default is refused
	Min, Max float64  // Int, Dec, Amount: inclusive bounds
	Open     bool     // the bounds themselves are excluded
	Words    []string // Word, Words: what may be said
	Later    []string // Word, Words: known, and Unsupported in this version
	MaxLen   int      // lists: the longest
	Set      bool     // lists: order has no meaning; sorted, a repeat is refused
	Doc      string
}

// Fields returns the parameters of op in canonical order, and whether op is known. The result is a fresh copy.
func Fields(op Op) ([]Field, bool) {
	switch op {
	case Align:
		return alignFields(), true
	case Split:
		return splitFields(), true
	case Scale:
		return scaleFields(), true
	case TrainGLM:
		return glmFields(), true
	case Predict:
		return predictFields(), true
	case Evaluate:
		return evaluateFields(), true
	case Aggregate:
		return aggregateFields(), true
	}
	return nil, false
}

func alignFields() []Field {
	return []Field{
		{
			Name: "index", Kind: IDs, Required: true, MaxLen: MaxParties, Set: true,
			Doc: "the owners that learn which of their rows matched",
		},
		{
			Name: "protocol", Kind: Word, Default: `"ecdh"`, Words: []string{"ecdh", "rr22"}, Later: []string{"oprf"},
			Doc: "how the intersection is computed",
		},
		{
			Name: "suite", Kind: Word, Default: `"x25519-ell2"`, Words: []string{"x25519-ell2", "ristretto255", "p256", "sm2"},
			Later: []string{"ic-x25519-direct"}, Doc: "the group, of protocol ecdh",
		},
		{
			Name: "rules", Kind: Words, MaxLen: MaxKeys,
			Words: []string{"raw", "text", "digits", "phone-cn", "idcard-cn", "int", "date", "email", "uuid"},
			Doc:   "how each key column is made canonical, in key order; absent = raw for every column",
		},
	}
}

func splitFields() []Field {
	return []Field{
		{Name: "test", Kind: Dec, Default: `0.2`, Min: 0, Max: 1, Open: true, Doc: "share of rows in the test part"},
		{Name: "seed", Kind: Int, Default: `0`, Min: 0, Max: 1 << 53, Doc: "seed of the choice; a stratified choice mixes in randomness of the label holder"},
		{Name: "stratify", Kind: Bool, Default: `true`, Doc: "keep the classes' shares in both parts"},
	}
}

func scaleFields() []Field {
	return []Field{
		{
			Name: "method", Kind: Word, Default: `"zscore"`, Words: []string{"zscore"}, Later: []string{"minmax", "robust"},
			Doc: "own mean and standard deviation",
		},
		{Name: "clip", Kind: Dec, Default: `8`, Min: 0, Max: 64, Open: true, Doc: "largest magnitude kept, in deviations"},
	}
}

func glmFields() []Field {
	return []Field{
		{
			Name: "link", Kind: Word, Default: `"logit"`, Words: []string{"logit"},
			Later: []string{"identity", "log"}, Doc: "link function",
		},
		{Name: "max_iter", Kind: Int, Default: `50`, Min: 1, Max: 1000, Doc: "iterations at most"},
		{Name: "tol", Kind: Dec, Default: `0.001`, Min: 0, Max: 1, Doc: "stop when no coefficient moves further"},
		{Name: "lambda", Kind: Dec, Default: `1`, Min: 0, Max: 1e6, Doc: "L2 penalty"},
	}
}

func predictFields() []Field {
	return []Field{
		{
			Name: "part", Kind: Word, Default: `"all"`, Words: []string{"all", "train", "test"},
			Doc: "which part of the rows is scored",
		},
	}
}

func evaluateFields() []Field {
	return []Field{
		{
			Name: "metrics", Kind: Words, Default: `["auc","ks"]`, MaxLen: 16, Set: true,
			Words: []string{"auc", "ks", "lift", "logloss", "confusion", "roc"}, Doc: "what is measured",
		},
	}
}

func aggregateFields() []Field {
	return []Field{
		{Name: "group", Kind: Text, Required: true, Doc: "the column that names a row's group"},
		{
			Name: "keys", Kind: Keys, Required: true, MaxLen: MaxColumns,
			Doc: "the public list of groups; others are not counted",
		},
		{
			Name: "measures", Kind: Words, Default: `["count"]`, MaxLen: 3, Set: true,
			Words: []string{"count", "sum", "rate"}, Doc: "what is released per group",
		},
		{
			Name: "epsilon", Kind: Amount, Required: true, Min: 932e-12, Max: 20, // the noise samplers' range, 2⁻³⁰ to 20
			Doc: "ε of the whole answer",
		},
		{
			Name: "noise", Kind: Word, Default: `"laplace"`, Words: []string{"laplace"}, Later: []string{"gauss"},
			Doc: "the noise distribution",
		},
		{Name: "label", Kind: Text, Doc: "the column, 0 or 1, that sum and rate are over"},
	}
}
