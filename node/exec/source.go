package exec

import (
	"context"
	"math"
	"path/filepath"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/engine/table"
	"github.com/tacit-data/tacit/engine/table/parquet"
	"github.com/tacit-data/tacit/node/plan"
)

// OpenFile opens a registered file by its ending.
func OpenFile(ctx context.Context, path string, mem memory.Allocator, o table.Options) (engine.Stream, error) {
	if strings.EqualFold(filepath.Ext(path), ".parquet") {
		return parquet.Open(ctx, path, mem, o)
	}
	return table.Open(ctx, path, mem, o)
}

// ownInput returns this party's input among the job's, with the place of its file.
func (r *Run) ownInput() (plan.Input, Source, error) {
	for _, in := range r.task.Plan.Inputs {
		if in.Party != r.engine.cfg.Self {
			continue
		}
		for _, s := range r.task.Sources {
			if s.Input == in.ID {
				return in, s, nil
			}
		}
	}
	return plan.Input{}, Source{}, fault.New(fault.NotFound, "exec.ownInput", "this party has no input in the job")
}

// open starts reading this party's input: exactly the approved columns of exactly the registered bytes.
//
// Errors: fault.NotFound (the file is gone), fault.Corrupt (its bytes changed).
func (r *Run) open(ctx context.Context) (plan.Input, engine.Stream, error) {
	in, src, err := r.ownInput()
	if err != nil {
		return plan.Input{}, nil, err
	}
	s, err := OpenFile(ctx, src.Path, memory.NewGoAllocator(), table.Options{
		Keys: names(in.Keys), Schema: in.Type.Schema, Digest: src.Digest,
	})
	return in, s, err
}

func names(columns []plan.Column) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.Name
	}
	return out
}

// precheck reads the whole input once, in batches, and refuses what no step could use: a feature that is not finite or
// never varies, a label other than 0 and 1. It runs before anything is charged or sent.
func (r *Run) precheck(ctx context.Context) error {
	in, s, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // reading: nothing to lose
	checks := make([]columnCheck, len(in.Columns))
	rows, err := table.Each(ctx, s, func(rec arrow.Record) error {
		for i, c := range in.Columns {
			at := rec.Schema().FieldIndices(c.Name)
			if len(at) != 1 {
				return fault.New(fault.SchemaMismatch, "exec.precheck", "column %q: %d found", c.Name, len(at))
			}
			checks[i].add(rec.Column(at[0]))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, c := range in.Columns {
		if err := checks[i].verdict(c); err != nil {
			return err
		}
	}
	if rows == 0 {
		return fault.New(fault.Invalid, "exec.precheck", "%s: input %q has no rows", feature.TooFewRows, in.ID)
	}
	return nil
}

// columnCheck is what one pass remembers of a column.
type columnCheck struct {
	numeric   bool
	present   int64
	min, max  float64
	infinite  int64
	notBinary int64
}

func (c *columnCheck) add(col arrow.Array) {
	value := numericCell(col)
	c.numeric = value != nil
	if !c.numeric {
		return
	}
	for i := range col.Len() {
		if col.IsNull(i) {
			continue
		}
		v := value(i)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			c.infinite++
			continue
		}
		if c.present == 0 {
			c.min, c.max = v, v
		}
		c.present++
		c.min, c.max = min(c.min, v), max(c.max, v)
		if v != 0 && v != 1 {
			c.notBinary++
		}
	}
}

func numericCell(col arrow.Array) func(int) float64 {
	switch a := col.(type) {
	case *array.Int64:
		return func(i int) float64 { return float64(a.Value(i)) }
	case *array.Float64:
		return a.Value
	}
	return nil
}

// verdict judges a column by what the plan uses it as; key and group columns may hold anything.
func (c *columnCheck) verdict(col plan.Column) error {
	const op = "exec.precheck"
	if col.Use != plan.UseFeature && col.Use != plan.UseLabel {
		return nil
	}
	switch {
	case !c.numeric:
		return fault.New(fault.Invalid, op, "column %q is not numeric", col.Name)
	case c.infinite > 0:
		return fault.New(fault.Invalid, op, "column %q holds NaN or an infinity in %d rows", col.Name, c.infinite)
	case c.present == 0:
		return fault.New(fault.Invalid, op, "column %q has no value", col.Name)
	case col.Use == plan.UseLabel && c.notBinary > 0:
		return fault.New(fault.Invalid, op, "label %q is neither \"0\" nor \"1\" in %d rows", col.Name, c.notBinary)
	case col.Use == plan.UseFeature && c.min == c.max:
		return fault.New(fault.Invalid, op, "column %q has zero variance: every row holds the same value", col.Name)
	case col.Use == plan.UseLabel && c.min == c.max:
		return fault.New(fault.Invalid, op, "label %q has one class only", col.Name)
	}
	return nil
}
