//go:build linux && amd64 && !purego

package aes

import (
	"os"
	"syscall"
	"testing"
	"unsafe"
)

// fenced returns n blocks that end where readable memory ends.
func fenced(t *testing.T, n int) []Block {
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
	return unsafe.Slice((*Block)(unsafe.Pointer(&m[page-16*n])), n)
}

// TestNoAccessBeyondSlices: a last group touches nothing behind its blocks; a fault would kill the test.
func TestNoAccessBeyondSlices(t *testing.T) {
	for _, n := range []int{1, 3, 4, 5, 15, 16, 17, 31} {
		dst, key, src := fenced(t, n), fenced(t, n), fenced(t, n)
		NewMMO(Block{1}).Blocks(dst, src)
		NewHash(Block{1}).Blocks(dst, src, 0)
		HashKeyed(dst, key, src)
		NewTree(Block{1}, Block{2}).Level(dst, fenced(t, (n+1)/2))
		raw := unsafe.Slice(&dst[0][0], 16*n)
		NewStream(Block{1}, Block{}).Fill(raw)
		NewStream(Block{1}, Block{}).XOR(raw, unsafe.Slice(&src[0][0], 16*n))
	}
}
