package table

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// kind is which of the three types an Arrow type is naturally read as.
type kind uint8

const (
	unknown kind = iota
	ints
	floats
	texts
)

func kindOf(t arrow.DataType) kind {
	switch t.ID() {
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64, arrow.BOOL:
		return ints
	case arrow.FLOAT32, arrow.FLOAT64:
		return floats
	case arrow.STRING, arrow.LARGE_STRING, arrow.DATE32, arrow.DATE64:
		return texts
	case arrow.DICTIONARY:
		if d, ok := t.(*arrow.DictionaryType); ok && (d.ValueType.ID() == arrow.STRING || d.ValueType.ID() == arrow.LARGE_STRING) {
			return texts
		}
	}
	return unknown
}

func natural(k kind) arrow.DataType {
	switch k {
	case ints:
		return arrow.PrimitiveTypes.Int64
	case floats:
		return arrow.PrimitiveTypes.Float64
	case texts:
		return arrow.BinaryTypes.String
	}
	return nil
}

// The reasons why a cell does not convert. They never hold the cell.
const (
	notInteger = "not an integer that int64 holds"
	notNumber  = "not a number that float64 holds exactly"
	notUTF8    = "not UTF-8"
	tooLong    = "longer than MaxCellBytes"
)

// convert appends rows from..to of src to dst. It returns the first row that does not convert and why, or −1.
func convert(dst array.Builder, src arrow.Array, from, to int) (bad int, why string) {
	dst.Reserve(to - from)
	switch kindOf(src.DataType()) {
	case ints:
		return each(dst, src, from, to, intAt(src), putInt)
	case floats:
		return each(dst, src, from, to, floatAt(src), putFloat)
	case texts:
		return each(dst, src, from, to, textAt(src), putText)
	}
	return from, "a type that is not read"
}

// each appends the rows one by one: null, or what put makes of at(i).
func each[T any](dst array.Builder, src arrow.Array, from, to int, at func(int) (T, string),
	put func(array.Builder, T) string,
) (bad int, why string) {
	for i := from; i < to; i++ {
		if src.IsNull(i) {
			dst.AppendNull()
			continue
		}
		v, why := at(i)
		if why == "" {
			why = put(dst, v)
		}
		if why != "" {
			return i, why
		}
	}
	return -1, ""
}

func whole[T ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32](v []T) func(int) (int64, string) {
	return func(i int) (int64, string) { return int64(v[i]), "" }
}

func intAt(a arrow.Array) func(int) (int64, string) {
	switch a := a.(type) {
	case *array.Int64:
		return whole(a.Int64Values())
	case *array.Int32:
		return whole(a.Int32Values())
	case *array.Int16:
		return whole(a.Int16Values())
	case *array.Int8:
		return whole(a.Int8Values())
	case *array.Uint32:
		return whole(a.Uint32Values())
	case *array.Uint16:
		return whole(a.Uint16Values())
	case *array.Uint8:
		return whole(a.Uint8Values())
	case *array.Uint64:
		return func(i int) (int64, string) {
			v := a.Value(i)
			if v > math.MaxInt64 {
				return 0, notInteger
			}
			return int64(v), ""
		}
	case *array.Boolean:
		return func(i int) (int64, string) {
			if a.Value(i) {
				return 1, ""
			}
			return 0, ""
		}
	}
	return func(int) (int64, string) { return 0, notInteger }
}

func floatAt(a arrow.Array) func(int) (float64, string) {
	switch a := a.(type) {
	case *array.Float64:
		return func(i int) (float64, string) { return a.Value(i), "" }
	case *array.Float32:
		return func(i int) (float64, string) { return float64(a.Value(i)), "" }
	}
	return func(int) (float64, string) { return 0, notNumber }
}

func textAt(a arrow.Array) func(int) (string, string) {
	switch a := a.(type) {
	case *array.String:
		return func(i int) (string, string) { return checkText(a.Value(i)) }
	case *array.LargeString:
		return func(i int) (string, string) { return checkText(a.Value(i)) }
	case *array.Date32:
		return func(i int) (string, string) { return a.Value(i).ToTime().Format(time.DateOnly), "" }
	case *array.Date64:
		return func(i int) (string, string) { return a.Value(i).ToTime().Format(time.DateOnly), "" }
	case *array.Dictionary:
		values := textAt(a.Dictionary())
		return func(i int) (string, string) { return values(a.GetValueIndex(i)) }
	}
	return func(int) (string, string) { return "", notUTF8 }
}

func checkText(s string) (string, string) {
	switch {
	case len(s) > MaxCellBytes:
		return "", tooLong
	case !utf8.ValidString(s):
		return "", notUTF8
	}
	return s, ""
}

func putInt(b array.Builder, v int64) string {
	switch b := b.(type) {
	case *array.Int64Builder:
		b.Append(v)
	case *array.Float64Builder:
		f := float64(v)
		if !integral(f) {
			return notNumber
		}
		b.Append(f)
	case *array.StringBuilder:
		b.Append(strconv.FormatInt(v, 10))
	}
	return ""
}

func putFloat(b array.Builder, v float64) string {
	switch b := b.(type) {
	case *array.Int64Builder:
		if !integral(v) {
			return notInteger
		}
		b.Append(int64(v))
	case *array.Float64Builder:
		b.Append(v)
	case *array.StringBuilder:
		b.Append(formatFloat(v))
	}
	return ""
}

// putText treats a text as a CSV cell when a number is wanted, except that an empty utf8 value stays one.
func putText(b array.Builder, v string) string {
	if t, ok := b.(*array.StringBuilder); ok {
		t.Append(v)
		return ""
	}
	if appendCell(b, v) {
		return ""
	}
	if _, ok := b.(*array.Int64Builder); ok {
		return notInteger
	}
	return notNumber
}

// formatFloat writes the shortest text that reads back as v.
func formatFloat(v float64) string { return string(appendFloat(nil, v)) }

func appendFloat(b []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(b, "nan"...)
	case math.IsInf(v, 1):
		return append(b, "inf"...)
	case math.IsInf(v, -1):
		return append(b, "-inf"...)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}
