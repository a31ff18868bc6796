// Package engine is local work on Arrow batches: pull-based streams and the contract of a local step. It never sees
// the network.
package engine

import (
	"context"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/label"
)

// MaxBatchRows bounds a batch: with 4,096 columns of eight bytes it is 2 GiB, with a dozen it stays in cache.
const MaxBatchRows = 1 << 16

// Stream is a pull-based sequence of record batches.
type Stream interface {
	// Schema is the schema of every batch.
	Schema() *arrow.Schema
	// Next returns the next batch of 1 to MaxBatchRows rows; the caller releases it. io.EOF ends the stream.
	Next(ctx context.Context) (arrow.Record, error)
	// Close releases what the stream holds. It may be called once, at any time, also before io.EOF.
	Close() error
}

// Type is the static type of a stream: its schema and, per column, who may see it.
type Type struct {
	Schema *arrow.Schema
	Labels []label.Label // one per field
}

// NewType returns the type of schema with every column labelled l.
func NewType(schema *arrow.Schema, l label.Label) Type {
	labels := make([]label.Label, schema.NumFields())
	for i := range labels {
		labels[i] = l
	}
	return Type{Schema: schema, Labels: labels}
}

// Column returns the index of the field called name.
//
// Errors: fault.SchemaMismatch when there is none, or more than one.
func (t Type) Column(name string) (int, error) {
	idx := t.Schema.FieldIndices(name)
	if len(idx) != 1 {
		return 0, fault.New(fault.SchemaMismatch, "engine.Type", "column %q: %d found, 1 wanted", name, len(idx))
	}
	return idx[0], nil
}

// Operator is one local step.
type Operator interface {
	// Bind is pure: it computes the output type or refuses, before any data moves.
	Bind(in []Type) (Type, error)
	// Open starts the step on streams of exactly the bound types. The result owns in and closes it.
	Open(ctx context.Context, mem memory.Allocator, in []Stream) (Stream, error)
}
