//go:build linux

package exconv

import (
	"syscall"
	"unsafe"

	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// hugeBytes is the size of a huge page, on every platform that has 4 KiB pages.
const hugeBytes = 1 << 21

// advise asks for huge pages inside x. A refusal changes the speed only.
func advise(x []aes.Block) {
	n := 16 * len(x)
	if n < 4*hugeBytes {
		return
	}
	b := unsafe.Slice(&x[0][0], n)
	at := int(uintptr(unsafe.Pointer(&b[0])) & (hugeBytes - 1))
	b = b[(hugeBytes-at)%hugeBytes:]
	_ = syscall.Madvise(b[:len(b)/hugeBytes*hugeBytes], syscall.MADV_HUGEPAGE)
}
