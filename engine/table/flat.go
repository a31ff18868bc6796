package table

import (
	"encoding/binary"

	"github.com/tacit-data/tacit/api/fault"
)

// Arrow v17 allocates the columns, children and annotations of a schema from their counts alone: a damaged count is an
// out-of-memory that no Guard can catch. checkSchema walks the counts first. It reads the FlatBuffers encoding of
// Message.fbs and Schema.fbs (Apache Arrow columnar format), with every offset checked.

// flatTable is one FlatBuffers table inside b. The zero value is absent.
type flatTable struct {
	b   []byte
	pos uint32
}

// The slots of the tables that are walked, in the order of the .fbs files.
const (
	messageHeader  = 2
	schemaFields   = 1
	schemaMetadata = 2
	fieldChildren  = 5
	fieldMetadata  = 6
)

// maxSchemaDepth bounds the nesting of columns, none of which is read beyond the first level.
const maxSchemaDepth = 16

// checkSchema refuses a schema message whose counts do not fit its bytes.
func checkSchema(meta []byte) error {
	left := MaxColumns * 4 // columns and children together, also where damage makes them share bytes
	schema := flatTable{b: meta}.at(0).child(messageHeader)
	if !schema.fields(schemaFields, schemaMetadata, maxSchemaDepth, &left) {
		return fault.New(fault.Corrupt, "table.Open", "the Arrow file is damaged: its schema contradicts itself")
	}
	return nil
}

// fields checks the counts of t's list of columns and of its annotations, then those of each column.
func (t flatTable) fields(list, annotations, depth int, left *int) bool {
	_, _, ok := t.vector(annotations)
	first, n, okList := t.vector(list)
	if !ok || !okList || depth == 0 || n > *left {
		return false
	}
	*left -= n
	for i := range n {
		f := t.at(first + 4*uint32(i))
		if f.b == nil || !f.fields(fieldChildren, fieldMetadata, depth-1, left) {
			return false
		}
	}
	return true
}

func (t flatTable) u32(pos uint32) (uint32, bool) {
	if uint64(pos)+4 > uint64(len(t.b)) {
		return 0, false
	}
	return binary.LittleEndian.Uint32(t.b[pos:]), true
}

// at follows the offset stored at pos.
func (t flatTable) at(pos uint32) flatTable {
	off, ok := t.u32(pos)
	if !ok || uint64(pos)+uint64(off) >= uint64(len(t.b)) {
		return flatTable{}
	}
	return flatTable{b: t.b, pos: pos + off}
}

// slot returns where field number slot of t is stored, 0 when it is absent; ok is false when t is damaged.
func (t flatTable) slot(slot int) (pos uint32, ok bool) {
	back, ok := t.u32(t.pos)
	if !ok {
		return 0, false
	}
	vtable := int64(t.pos) - int64(int32(back))
	entry := vtable + 4 + 2*int64(slot)
	if vtable < 0 || entry+2 > int64(len(t.b)) {
		// The entry may be beyond a short vtable at the very end of the bytes: then it is absent, as below.
		return 0, vtable >= 0 && vtable+2 <= int64(len(t.b))
	}
	if size := binary.LittleEndian.Uint16(t.b[vtable:]); 4+2*slot+2 > int(size) {
		return 0, true
	}
	off := binary.LittleEndian.Uint16(t.b[entry:])
	if off == 0 {
		return 0, true
	}
	return t.pos + uint32(off), true
}

// child returns the table stored in the slot.
func (t flatTable) child(slot int) flatTable {
	pos, ok := t.slot(slot)
	if !ok || pos == 0 {
		return flatTable{}
	}
	return t.at(pos)
}

// vector returns the place of the first entry and the number of entries, of four bytes each, of the list in the slot; an
// absent list is empty. ok is false when they do not fit the bytes.
func (t flatTable) vector(slot int) (first uint32, n int, ok bool) {
	pos, ok := t.slot(slot)
	if !ok || pos == 0 {
		return 0, 0, ok
	}
	v := t.at(pos)
	count, ok := v.u32(v.pos)
	if v.b == nil || !ok || uint64(v.pos)+4+4*uint64(count) > uint64(len(t.b)) {
		return 0, 0, false
	}
	return v.pos + 4, int(count), true
}
