package table

import (
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
)

// Guard runs f, which reads a file through a library that answers damage with a panic, and returns fault.Corrupt where
// it does. The library's text may quote data and is dropped.
func Guard(op string, f func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = fault.New(fault.Corrupt, op, "the file is damaged: its parts contradict each other")
		}
	}()
	return f()
}

// Scratch is the allocator for the inside of a file library: plain garbage-collected memory, so that a damaged file
// leaks nothing of the caller's budget, and at most MaxMessageBytes at a time, so that a damaged length field is no
// out-of-memory. Beyond the bound it hands out nothing, on which the library panics and Guard answers.
type Scratch struct{ memory.GoAllocator }

// Allocate implements memory.Allocator.
func (s *Scratch) Allocate(size int) []byte {
	if size < 0 || size > MaxMessageBytes {
		return nil
	}
	return s.GoAllocator.Allocate(size)
}

// Reallocate implements memory.Allocator.
func (s *Scratch) Reallocate(size int, b []byte) []byte {
	if size < 0 || size > MaxMessageBytes {
		return nil
	}
	return s.GoAllocator.Reallocate(size, b)
}
