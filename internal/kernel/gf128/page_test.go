//go:build linux && amd64 && !purego

package gf128

import (
	"os"
	"syscall"
	"testing"
	"unsafe"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// fenced returns n blocks that end where readable memory ends.
func fenced(t *testing.T, n int) []aes.Block {
	t.Helper()
	page := os.Getpagesize()
	m, err := syscall.Mmap(-1, 0, 2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Skip("no anonymous mapping:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(m); err != nil {
			t.Error(err)
		}
	})
	if err := syscall.Mprotect(m[page:], syscall.PROT_NONE); err != nil {
		t.Skip("no protected page:", err)
	}
	return unsafe.Slice((*aes.Block)(unsafe.Pointer(&m[page-16*n])), n)
}

// TestNoAccessBeyondSlices: a last group touches nothing behind its blocks; a fault would kill the test.
func TestNoAccessBeyondSlices(t *testing.T) {
	for _, n := range []int{1, 3, 4, 5, 15, 16, 17, 31} {
		dst, a, b := fenced(t, n), fenced(t, n), fenced(t, n)
		MulBatch(dst, a, b)
		MulConst(dst, a, &b[n-1])
		MulConstAdd(dst, a, &b[n-1])
		Horner(dst, a, b[:1])
		InnerProduct(a, b)
	}
}
