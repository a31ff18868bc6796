package intersect

import (
	"context"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/psi"
)

// The defaults of Config.
const (
	DefaultMemory = 1 << 30
	DefaultWait   = 10 * time.Minute
)

// minMemory is the least budget: one bucket of 2¹⁶ items and the buffers of the spill.
const minMemory = 32_000_000

// Side is which end of the connection a party is; it is its place in a join too.
type Side string

// The sides. The listener's table is the left one.
const (
	Listener  Side = "listener"
	Connector Side = "connector"
)

func (s Side) other() Side {
	if s == Listener {
		return Connector
	}
	return Listener
}

// Join says which rows the output has.
type Join string

// The joins. The matched rows come first, in an order that both parties share and that is random; then the unmatched
// rows of the kept side or sides, left before right, which the other party sees as rows of nulls.
const (
	Inner      Join = "inner"
	Left       Join = "left"
	Right      Join = "right"
	Full       Join = "full"
	Difference Join = "difference" // the left table's unmatched rows, at the left party only
)

// Recipients says who gets an output.
type Recipients string

// The recipients.
const (
	ToBoth      Recipients = "both"
	ToListener  Recipients = "listener"
	ToConnector Recipients = "connector"
)

// Duplicates says what becomes of rows that share a key.
type Duplicates string

// The ways with duplicates.
const (
	Unique Duplicates = "unique" // they are refused, with their number
	Expand Duplicates = "expand" // every pair of rows with the key is a row of the output
)

// MethodAuto leaves the choice of the protocol to the listener's planner.
const MethodAuto psi.Method = "auto"

// Terms are what both parties must say alike before anything else is exchanged. Defaults stand for empty fields.
type Terms struct {
	Rules      []feature.Rule // of the key columns in order; the columns' names are each party's own
	Join       Join           // Inner
	OutputTo   Recipients     // ToBoth; ToListener for Difference
	Duplicates Duplicates     // Unique
	Malicious  bool           // security against a party that departs from the protocol
}

// Link is a connection to the peer, as package direct makes them.
type Link interface {
	protocols.Conn
	Close() error         // in order: the peer gets what was sent
	Abort(why fault.Code) // at once, telling the peer why
	WireBytes() (sent, recvd int64)
}

// Config is one party's part of an intersection.
type Config struct {
	Terms
	Side Side
	Self party.ID
	// Job names this run: 32 bytes that both parties share and no other run has, such as a hash of the invite.
	Job [32]byte
	// Input is a CSV, TSV, Arrow IPC or Parquet file, Columns its key columns, one per rule.
	Input   string
	Columns []string
	// Output is the file this party's rows go to, by its ending CSV, TSV, Arrow IPC or Parquet. It is required where this
	// party gets an output and refused where it does not.
	Output string
	// State is the directory that makes the run resumable. It is created, and removed once both parties are done.
	State string
	// Hold is the state directory where the caller has taken it; nil: Run takes it.
	Hold *Hold
	// MaxRows bounds the rows of the output, which the peer has a say in: 0 is ten times the larger number of keys, at least
	// 2²⁴. Never above the constant.
	MaxRows int64
	// Connect makes a connection to the peer. It is called again when one breaks, until Wait has passed without one.
	Connect func(ctx context.Context) (Link, error)
	Wait    time.Duration // DefaultWait
	// Memory bounds the keys and rows held at once, in bytes; above it they are on disk, encrypted.
	Memory  int64 // DefaultMemory
	Workers int   // goroutines; the number of processors
	// Method and Suite insist on a protocol. The listener's planner chooses where they are empty or MethodAuto.
	Method psi.Method
	Suite  psi.Suite
	Net    Net // what the planner assumes of the network; NetLAN
	// Observe is called with the progress, never concurrently; nil for none.
	Observe func(Event)
	Rand    io.Reader // crypto/rand.Reader outside tests

	bits int // of the cut, in tests; 0 leaves it to the planner
}

// checked returns c with its defaults, or refuses it.
func (c Config) checked() (Config, error) {
	const op = "intersect.Config"
	c.Terms = c.Terms.filled()
	if c.Memory == 0 {
		c.Memory = DefaultMemory
	}
	if c.Wait == 0 {
		c.Wait = DefaultWait
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Method == "" {
		c.Method = MethodAuto
	}
	if c.Net == (Net{}) {
		c.Net = NetLAN()
	}
	if c.Observe == nil {
		c.Observe = func(Event) {}
	}
	switch {
	case c.Side != Listener && c.Side != Connector:
		return c, fault.New(fault.Invalid, op, "no such side")
	case !party.Valid(string(c.Self)) || c.Connect == nil || c.Rand == nil:
		return c, fault.New(fault.Invalid, op, "Self, Connect and Rand are needed")
	case c.State == "":
		return c, fault.New(fault.Invalid, op, "no directory for the state")
	case c.Memory < minMemory:
		return c, fault.New(fault.Invalid, op, "a memory of %d bytes, at least %d", c.Memory, int64(minMemory))
	case c.Wait < 0 || c.Workers < 1 || c.MaxRows < 0:
		return c, fault.New(fault.Invalid, op, "a negative wait or row limit, or no workers")
	case len(c.Columns) == 0 || len(c.Columns) != len(c.Rules):
		return c, fault.New(fault.Invalid, op, "%d key columns with %d rules", len(c.Columns), len(c.Rules))
	}
	if err := c.Terms.check(); err != nil {
		return c, err
	}
	if err := c.checkOutput(); err != nil {
		return c, err
	}
	if err := c.checkPaths(); err != nil {
		return c, err
	}
	if c.Method != MethodAuto {
		return c, c.offered(c.Method, c.Suite)
	}
	if c.Suite != "" {
		return c, c.offered(psi.MethodECDH, c.Suite) // the only method that has suites
	}
	return c, nil
}

// Check refuses what Run would refuse, before anything was made, sent or removed. Connect and Job may be missing.
//
// Errors: fault.Invalid, fault.Unsupported.
func (c Config) Check() error {
	if c.Connect == nil {
		c.Connect = func(context.Context) (Link, error) {
			return nil, fault.New(fault.Invalid, "intersect.Check", "no connection")
		}
	}
	_, err := c.checked()
	return err
}

// checkPaths refuses an output that would destroy the input or cannot be made.
func (c Config) checkPaths() error {
	const op = "intersect.Config"
	if c.Output == "" {
		return nil
	}
	if filepath.Clean(c.Output) == filepath.Clean(c.Input) {
		return fault.New(fault.Invalid, op, "the output is the input: name another --output")
	}
	if dir, err := os.Stat(filepath.Dir(c.Output)); err != nil || !dir.IsDir() {
		return fault.New(fault.Invalid, op, "the directory of the output does not exist: make it, or name another --output")
	}
	out, err := os.Stat(c.Output)
	if err != nil {
		return nil // not there yet
	}
	if !out.Mode().IsRegular() {
		return fault.New(fault.Invalid, op, "the output is a directory or no regular file: name another --output")
	}
	if in, err := os.Stat(c.Input); err == nil && os.SameFile(in, out) {
		return fault.New(fault.Invalid, op, "the output is the input, by another name: name another --output")
	}
	return nil
}

// rowLimit is how many rows the output may have.
func (c Config) rowLimit(own, peer int64) int64 {
	n := c.MaxRows
	if n == 0 {
		n = max(10*max(own, peer), 1<<24)
	}
	return min(n, MaxRows)
}

// offered refuses a method that this program does not have.
func (c Config) offered(m psi.Method, s psi.Suite) error {
	if m == psi.MethodECDH && s == "" {
		s = psi.SuiteX25519 // the planner takes the best one
	}
	_, err := psi.NewParams(psi.ParamsLiteral{Method: m, Suite: s, Output: psi.OutputBoth, SSP: psi.MinSSP, Malicious: c.Malicious})
	return err
}

func (c Config) checkOutput() error {
	const op = "intersect.Config"
	switch {
	case c.learns() && c.Output == "":
		return fault.New(fault.Invalid, op, "this party gets an output: name a file for it")
	case !c.learns() && c.Output != "":
		return fault.New(fault.Invalid, op, "only the %s gets an output: name no file here", c.OutputTo)
	case c.Output == "":
		return nil
	}
	return checkName(c.Output)
}

// learns reports whether this party gets an output.
func (c Config) learns() bool { return c.OutputTo == ToBoth || string(c.OutputTo) == string(c.Side) }

// filled returns t with its defaults.
func (t Terms) filled() Terms {
	if t.Join == "" {
		t.Join = Inner
	}
	if t.Duplicates == "" {
		t.Duplicates = Unique
	}
	if t.OutputTo == "" {
		t.OutputTo = ToBoth
		if t.Join == Difference {
			t.OutputTo = ToListener
		}
	}
	return t
}

func (t Terms) check() error {
	const op = "intersect.Terms"
	switch {
	case !slices.Contains([]Join{Inner, Left, Right, Full, Difference}, t.Join):
		return fault.New(fault.Invalid, op, "a join is inner, left, right, full or difference")
	case !slices.Contains([]Recipients{ToBoth, ToListener, ToConnector}, t.OutputTo):
		return fault.New(fault.Invalid, op, "the output goes to both, listener or connector")
	case t.Duplicates != Unique && t.Duplicates != Expand:
		return fault.New(fault.Invalid, op, "duplicates are unique or expand")
	case t.Join == Difference && t.OutputTo != ToListener:
		return fault.New(fault.Invalid, op, "a difference is the listener's rows and goes to the listener")
	case t.keeps(Connector) && t.OutputTo == ToListener, t.keeps(Listener) && t.OutputTo == ToConnector:
		return fault.New(fault.Invalid, op, "a %s join keeps unmatched rows of a party that gets no output", t.Join)
	case t.Duplicates == Expand && t.Malicious:
		return fault.New(fault.Unsupported, op, "how often a key repeats is each party's word: expand and malicious do not go together")
	case t.Duplicates == Expand && t.OutputTo != ToBoth && t.Join != Difference:
		return fault.New(fault.Invalid, op, "expand tells each party how often the other has the matched keys: it needs an output to both")
	}
	return nil
}

// keeps reports whether the unmatched rows of a side are in the output.
func (t Terms) keeps(s Side) bool {
	switch t.Join {
	case Left, Difference:
		return s == Listener
	case Right:
		return s == Connector
	case Full:
		return true
	}
	return false
}

// marked reports whether the output tells matched rows from others by a column of its own.
func (t Terms) marked() bool { return t.Join == Left || t.Join == Right || t.Join == Full }

// ruleset is the digest of the key rules.
func (t Terms) ruleset() [32]byte { return feature.RulesetDigest(t.Rules) }

// differs names the first difference between what two parties say, for people; empty when there is none.
func (t Terms) differs(o opening) string {
	switch {
	case t.ruleset() != o.ruleset:
		return "key rules"
	case t.Join != o.join:
		return "join"
	case t.OutputTo != o.outputTo:
		return "output-to"
	case t.Duplicates != o.duplicates:
		return "duplicates"
	case t.Malicious != o.malicious:
		return "malicious"
	}
	return ""
}

// digest identifies everything that a resumed run must have in common with the interrupted one.
func (c Config) digest() [32]byte {
	var e wire.Encoder
	e.String("tacit/intersect/config/v1")
	e.Fixed(c.Job[:])
	e.String(string(c.Side))
	e.Strings(c.Columns)
	r := c.ruleset()
	e.Fixed(r[:])
	for _, s := range []string{string(c.Join), string(c.OutputTo), string(c.Duplicates)} {
		e.String(s)
	}
	e.Bool(c.Malicious)
	return sha256.Sum256(e.B)
}

// String is the terms as command line options.
func (t Terms) String() string {
	rules := make([]string, len(t.Rules))
	for i, r := range t.Rules {
		rules[i] = r.String()
	}
	s := "key rules " + strings.Join(rules, ",") + " --join " + string(t.Join) + " --output-to " + string(t.OutputTo) + " --duplicates " + string(t.Duplicates)
	if t.Malicious {
		s += " --malicious"
	}
	return s
}
