package intersect

import (
	"context"
	"encoding/binary"
	"io"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/table"
	"github.com/tacit-data/tacit/engine/table/parquet"
)

// MatchedColumn is the first column of a left, right or full join: 1 where the row has a partner, 0 where it has none.
const MatchedColumn = "psi_matched"

// checkColumns refuses, before anything is sent, an input whose columns cannot be written.
func (r *runner) checkColumns(ctx context.Context) error {
	src, err := r.in.open(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // read only: nothing is lost
	if r.cfg.marked() && src.Schema().HasField(MatchedColumn) {
		return fault.New(fault.Invalid, "intersect.checkColumns", "column %q is in the input, and a %s join adds one of that name: rename it", MatchedColumn, r.cfg.Join)
	}
	return nil
}

// write puts the rows of this party in aligned order into the output file: whole or not at all.
func (r *runner) write(ctx context.Context) error {
	r.result.Matched, r.result.Output = -1, -1
	if !r.cfg.learns() {
		return nil
	}
	plan, err := r.layOut()
	if err != nil {
		return err
	}
	src, err := r.in.open(ctx, nil)
	if err != nil {
		return err
	}
	a := &arranged{
		r: r, src: src, layout: plan, schema: src.Schema(), mem: r.in.mem,
		shelves: newSpill(r.cfg.State, int((plan.total+engine.MaxBatchRows-1)/engine.MaxBatchRows), r.cfg.Memory/2, r.cfg.Rand),
	}
	defer func() { _ = a.Close() }() // read only: nothing is lost
	if r.cfg.marked() {
		a.schema = withMark(a.schema)
	}
	r.report.Enter(Event{Phase: Writing, Total: int64(len(plan.places)) + plan.total})
	written, err := createOutput(ctx, r.cfg.Output, r.in.mem, a)
	if err != nil {
		return outputFault(err)
	}
	r.result.Output = written.Rows
	if r.result.Matched == 0 && r.keys.Keys > 0 && r.state.peerKeys > 0 {
		r.result.Profiles, err = profiles(ctx, r.in, r.cfg.Columns)
	}
	return err
}

func createOutput(ctx context.Context, path string, mem memory.Allocator, s engine.Stream) (table.Written, error) {
	if isParquet(path) {
		return parquet.Create(ctx, path, mem, s)
	}
	return table.Create(ctx, path, mem, s)
}

// outputFault adds what to do when the output cannot be written.
func outputFault(err error) error {
	if fault.CodeOf(err) != fault.Unavailable {
		return err
	}
	return fault.Wrap(fault.Unavailable, "intersect.write", err, "%s (no part of an output was left behind); make room or name another --output and run the same command again: the result is kept in the state directory and the peer is not needed", fault.ReasonOf(err))
}

func withMark(s *arrow.Schema) *arrow.Schema {
	return arrow.NewSchema(append([]arrow.Field{table.Field(MatchedColumn, arrow.PrimitiveTypes.Int64)}, s.Fields()...), nil)
}

// arranged is the stream of the output. The input is read once, in its own order; its rows wait on shelves, one per
// batch of the output, until their batch is due.
type arranged struct {
	r       *runner
	src     engine.Stream
	layout  layout
	schema  *arrow.Schema
	mem     memory.Allocator
	shelves *spill
	ready   bool
	next    int64
}

// Schema implements engine.Stream.
func (a *arranged) Schema() *arrow.Schema { return a.schema }

// Close implements engine.Stream.
func (a *arranged) Close() error {
	a.shelves.close()
	if a.src == nil {
		return nil
	}
	err := a.src.Close()
	a.src = nil
	return err
}

// Next implements engine.Stream.
func (a *arranged) Next(ctx context.Context) (arrow.Record, error) {
	if !a.ready {
		if err := a.gather(ctx); err != nil {
			return nil, err
		}
		a.ready = true
	}
	if a.next >= a.layout.total {
		return nil, io.EOF
	}
	shelf := int(a.next / engine.MaxBatchRows)
	n := min(a.layout.total-a.next, engine.MaxBatchRows)
	b, err := a.shelves.read(shelf)
	if err != nil {
		return nil, err
	}
	rec, err := a.batch(b, a.next, int(n))
	if err != nil {
		return nil, err
	}
	a.shelves.drop(shelf)
	a.next += n
	a.r.report.Set(int64(len(a.layout.places)) + a.next)
	return rec, nil
}

// gather reads the input and puts each row on the shelves of its places.
func (a *arranged) gather(ctx context.Context) error {
	places := a.layout.places
	var buf []byte
	done := int64(0)
	_, err := table.Each(ctx, a.src, func(rec arrow.Record) error {
		end := done + rec.NumRows()
		for len(places) > 0 && places[0].row() < end {
			at := places[0].at()
			buf = binary.LittleEndian.AppendUint16(buf[:0], uint16(at%engine.MaxBatchRows))
			buf = appendRow(buf, rec, int(places[0].row()-done))
			if err := a.shelves.add(int(at/engine.MaxBatchRows), buf); err != nil {
				return err
			}
			places = places[1:]
		}
		done = end
		a.r.report.Set(int64(len(a.layout.places) - len(places)))
		return nil
	})
	if err == nil && len(places) > 0 {
		return fault.New(fault.Invalid, "intersect.gather", "the data file has become shorter")
	}
	return err
}

// appendRow encodes a row: per cell 0 for null, else a length above 0 and the text, or 1 and eight bytes.
func appendRow(dst []byte, rec arrow.Record, row int) []byte {
	for _, col := range rec.Columns() {
		if col.IsNull(row) {
			dst = append(dst, 0)
			continue
		}
		switch c := col.(type) {
		case *array.String:
			v := c.Value(row)
			dst = binary.AppendUvarint(dst, uint64(len(v))+1)
			dst = append(dst, v...)
		case *array.Int64:
			dst = binary.LittleEndian.AppendUint64(append(dst, 1), uint64(c.Value(row)))
		case *array.Float64:
			dst = binary.LittleEndian.AppendUint64(append(dst, 1), math.Float64bits(c.Value(row)))
		}
	}
	return dst
}

// batch decodes the rows of one shelf and builds n rows of the output, from position base on; a position without a row is
// one of nulls.
func (a *arranged) batch(b []byte, base int64, n int) (arrow.Record, error) {
	columns := a.schema.Fields()
	if a.r.cfg.marked() {
		columns = columns[1:]
	}
	at := make([]int, n)
	for off := 0; off < len(b); {
		local := int(binary.LittleEndian.Uint16(b[off:]))
		if local >= n {
			return nil, fault.New(fault.Internal, "intersect.batch", "a row beyond its batch")
		}
		off += 2
		at[local] = off
		off = skipRow(b, off, columns)
	}
	builder := array.NewRecordBuilder(a.mem, a.schema)
	defer builder.Release()
	for i := range n {
		fields := builder.Fields()
		if a.r.cfg.marked() {
			matched, _ := fields[0].(*array.Int64Builder)
			if base+int64(i) < a.layout.matched {
				matched.Append(1)
			} else {
				matched.Append(0)
			}
			fields = fields[1:]
		}
		emitRow(fields, b, at[i])
	}
	return builder.NewRecord(), nil
}

// skipRow returns the offset behind the row at off.
func skipRow(b []byte, off int, columns []arrow.Field) int {
	for _, f := range columns {
		v, w := binary.Uvarint(b[off:])
		off += w
		switch {
		case v == 0:
		case f.Type.ID() == arrow.STRING:
			off += int(v) - 1
		default:
			off += 8
		}
	}
	return off
}

// emitRow appends the row at off to the builders; off 0 is a row of nulls.
func emitRow(fields []array.Builder, b []byte, off int) {
	for _, f := range fields {
		if off == 0 {
			f.AppendNull()
			continue
		}
		v, w := binary.Uvarint(b[off:])
		off += w
		if v == 0 {
			f.AppendNull()
			continue
		}
		switch f := f.(type) {
		case *array.StringBuilder:
			n := int(v) - 1
			f.BinaryBuilder.Append(b[off : off+n])
			off += n
		case *array.Int64Builder:
			f.Append(int64(binary.LittleEndian.Uint64(b[off:])))
			off += 8
		case *array.Float64Builder:
			f.Append(math.Float64frombits(binary.LittleEndian.Uint64(b[off:])))
			off += 8
		}
	}
}
