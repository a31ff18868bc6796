package parquet

import (
	"errors"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"

	"github.com/tacit-data/tacit/engine"
)

// pages holds the buffers into which the values of one column are decoded; they are shared by all columns.
type pages struct {
	levels  []int16
	bools   []bool
	int32s  []int32
	int64s  []int64
	float32 []float32
	float64 []float64
	bytes   []parquet.ByteArray
}

// batchReader is the part of Arrow's typed column readers that is used here: up to n rows, their definition levels and,
// packed, the values that are not null.
type batchReader[T any] interface {
	ReadBatch(n int64, values []T, levels, repeats []int16) (rows int64, present int, err error)
}

// read appends n rows of the column chunk to b.
func (p *pages) read(b array.Builder, c file.ColumnChunkReader, n int) error {
	if p.levels == nil {
		p.levels = make([]int16, engine.MaxBatchRows)
	}
	b.Reserve(n)
	top := c.Descriptor().MaxDefinitionLevel()
	switch c := c.(type) {
	case *file.BooleanColumnChunkReader:
		if b, ok := b.(*array.BooleanBuilder); ok {
			return fill(c, &p.bools, p.levels, n, top, b, b.Append)
		}
	case *file.Int32ColumnChunkReader:
		switch b := b.(type) {
		case *array.Int32Builder:
			return fill(c, &p.int32s, p.levels, n, top, b, b.Append)
		case *array.Uint32Builder:
			return fill(c, &p.int32s, p.levels, n, top, b, func(v int32) { b.Append(uint32(v)) })
		case *array.Date32Builder:
			return fill(c, &p.int32s, p.levels, n, top, b, func(v int32) { b.Append(arrow.Date32(v)) })
		}
	case *file.Int64ColumnChunkReader:
		switch b := b.(type) {
		case *array.Int64Builder:
			return fill(c, &p.int64s, p.levels, n, top, b, b.Append)
		case *array.Uint64Builder:
			return fill(c, &p.int64s, p.levels, n, top, b, func(v int64) { b.Append(uint64(v)) })
		}
	case *file.Float32ColumnChunkReader:
		if b, ok := b.(*array.Float32Builder); ok {
			return fill(c, &p.float32, p.levels, n, top, b, b.Append)
		}
	case *file.Float64ColumnChunkReader:
		if b, ok := b.(*array.Float64Builder); ok {
			return fill(c, &p.float64, p.levels, n, top, b, b.Append)
		}
	case *file.ByteArrayColumnChunkReader:
		if b, ok := b.(*array.StringBuilder); ok {
			return fill(c, &p.bytes, p.levels, n, top, b, func(v parquet.ByteArray) { b.BinaryBuilder.Append(v) })
		}
	}
	return errMismatch
}

var errMismatch = errors.New("stored and declared type of a column differ")

// fill appends n rows: what put makes of each value, or null.
func fill[T any](c batchReader[T], buf *[]T, levels []int16, n int, top int16, b array.Builder, put func(T)) error {
	if *buf == nil {
		*buf = make([]T, engine.MaxBatchRows)
	}
	for n > 0 {
		rows, present, err := c.ReadBatch(int64(n), *buf, levels, nil)
		if err != nil {
			return err
		}
		if rows <= 0 || rows > int64(n) {
			return errShort
		}
		values := (*buf)[:present]
		for _, level := range levels[:rows] {
			if top > 0 && level < top {
				b.AppendNull()
				continue
			}
			put(values[0])
			values = values[1:]
		}
		n -= int(rows)
	}
	return nil
}
