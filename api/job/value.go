package job

// Kind is the form of a parameter's value; a closed set.
type Kind uint8

// The kinds.
const (
	Bool   Kind = iota + 1
	Int         // 64-bit integer
	Dec         // IEEE-754 double, finite, never −0
	Amount      // exact decimal in units of 10⁻¹², as ε and δ are counted everywhere
	Word        // one of the words of the field
	Text        // a name
	Words       // a list of words
	Texts       // a list of names
	IDs         // a list of party ids
	Ints        // a list of 64-bit integers
	Keys        // Texts or Ints: a public list of group keys
)

// String returns the kind as it appears in errors and documentation.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "Kind(?)"
}

var kindNames = [...]string{
	"nothing", "true or false", "an integer", "a number", "an exact decimal", "a word", "a name", "a list of words",
	"a list of names", "a list of party ids", "a list of integers", "a list of names or of integers",
}

// Value is one parameter value; the field that Kind names is set, the others are zero.
type Value struct {
	Kind Kind
	Bool bool
	Int  int64 // Int; Amount in 10⁻¹²
	Dec  float64
	Text string   // Word, Text
	List []string // Words, Texts, IDs
	Ints []int64
}

// Param is one named parameter of a step.
type Param struct {
	Name  string
	Value Value
}

// Param returns the parameter called name; a step that came from Parse has all fields of its op that are not optional.
func (s Step) Param(name string) (Value, bool) {
	for _, p := range s.With {
		if p.Name == name {
			return p.Value, true
		}
	}
	return Value{}, false
}

// Word returns the text of parameter name, or "" when it is absent.
func (s Step) Word(name string) string {
	v, _ := s.Param(name)
	return v.Text
}

// Int returns the integer (or the amount in 10⁻¹²) of parameter name, or 0.
func (s Step) Int(name string) int64 {
	v, _ := s.Param(name)
	return v.Int
}

// Dec returns the number of parameter name, or 0.
func (s Step) Dec(name string) float64 {
	v, _ := s.Param(name)
	return v.Dec
}

// Bool returns the flag of parameter name, or false.
func (s Step) Bool(name string) bool {
	v, _ := s.Param(name)
	return v.Bool
}

// List returns the strings of parameter name, or nil. They are borrowed.
func (s Step) List(name string) []string {
	v, _ := s.Param(name)
	return v.List
}
