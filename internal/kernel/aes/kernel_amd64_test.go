//go:build amd64 && !purego

package aes

import (
	"os"
	"testing"
	"unsafe"
)

// FIPS 197, appendix A.1: the expansion of a 128-bit key, first and last round keys.
func TestExpandKey(t *testing.T) {
	key := block(t, "2b7e151628aed2a6abf7158809cf4f3c")
	var rk schedule
	if !rk.expand(&key) {
		t.Skip("no AES-NI here")
	}
	for r, want := range map[int]string{
		0: "2b7e151628aed2a6abf7158809cf4f3c", 1: "a0fafe1788542cb123a339392a6c7605",
		2: "f2c295f27a96b9435935807a7359f67f", 9: "ac7766f319fadc2128d12941575c006e",
		10: "d014f9a8c9ee2589e13f0cc8b6630ca6",
	} {
		if rk[r] != block(t, want) {
			t.Errorf("round key %d is %x, want %s", r, rk[r], want)
		}
	}
}

// TestTiers runs the kernels of one block per register, which a CPU with the wide ones never meets.
func TestTiers(t *testing.T) {
	var rk schedule
	key, iv := Block{5}, Block{14: 1, 15: 0xfe}
	if !rk.expand(&key) {
		t.Skip("no AES-NI here")
	}
	pi := newCipher(&key)
	for n := 1; n <= maxLen; n++ {
		src, keys, want := random(1, n), random(2, n), make([]Block, n)
		mmoTwin(pi, want, src)
		equal(t, "narrowMMO", guarded(t, n, func(dst []Block) { copy(dst, src); narrowMMO(&dst[0][0], &dst[0][0], n, &rk[0][0]) }), want)
		tmmoTwin(pi, want, src, 1<<64-9)
		equal(t, "narrowTMMO", guarded(t, n, func(dst []Block) { narrowTMMO(&dst[0][0], &src[0][0], n, &rk[0][0], 1<<64-9) }), want)
		keyedTwin(want, keys, src)
		equal(t, "narrowKeyed", guarded(t, n, func(dst []Block) { narrowKeyed(&dst[0][0], &keys[0][0], &src[0][0], n) }), want)
		raw := unsafe.Slice(&want[0][0], 16*n)
		clear(raw)
		newCounter(key, iv).XORKeyStream(raw, raw)
		equal(t, "narrowCounter", guarded(t, n, func(dst []Block) { narrowCounter(&dst[0][0], n, &rk[0][0], 0, 1<<8|0xfe) }), want)
		for i := range want {
			want[i] = sum(want[i], src[i])
		}
		equal(t, "narrowCounterXOR", guarded(t, n, func(dst []Block) {
			copy(dst, src)
			narrowCounterXOR(&dst[0][0], &dst[0][0], n, &rk[0][0], 0, 1<<8|0xfe)
		}), want)
		nodes := src[:(n+1)/2]
		tree := NewTree(key, Block{6})
		levelTwin(pi, newCipher(&Block{6}), want, nodes)
		equal(t, "narrowLevel", guarded(t, n, func(dst []Block) {
			copy(dst, nodes)
			narrowLevel(&dst[0][0], &dst[0][0], n, &tree.rk[0][0][0])
		}), want)
	}
}

func TestChoice(t *testing.T) {
	if os.Getenv("TACIT_KERNEL") == "portable" && Accelerated() {
		t.Error("TACIT_KERNEL=portable is ignored")
	}
}

// TestUnaligned: no kernel assumes more than the alignment of bytes.
func TestUnaligned(t *testing.T) {
	const n = 37
	h, src := NewMMO(Block{1}), random(1, n)
	want := make([]Block, n)
	h.Blocks(want, src)
	raw := make([]byte, 16*n+64)
	for at := range 17 {
		in := unsafe.Slice((*Block)(unsafe.Pointer(&raw[at])), n)
		copy(in, src)
		h.Blocks(in, in)
		equal(t, "unaligned", in, want)
	}
}

// The kernels of CPUs without AVX-512.
func BenchmarkNarrow(b *testing.B) {
	var rk schedule
	if !rk.expand(&Block{1}) {
		b.Skip("no AES-NI here")
	}
	buf, key, tree := make([]Block, benchBlocks), make([]Block, benchBlocks), NewTree(Block{1}, Block{2})
	for name, f := range map[string]func(dst *byte, n int){
		"MMO":     func(dst *byte, n int) { narrowMMO(dst, dst, n, &rk[0][0]) },
		"TMMO":    func(dst *byte, n int) { narrowTMMO(dst, dst, n, &rk[0][0], 0) },
		"Keyed":   func(dst *byte, n int) { narrowKeyed(dst, &key[0][0], dst, n) },
		"Counter": func(dst *byte, n int) { narrowCounter(dst, n, &rk[0][0], 0, 0) },
		"Level":   func(dst *byte, n int) { narrowLevel(dst, dst, n, &tree.rk[0][0][0]) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f(&buf[0][0], benchBlocks)
			}
			reportBlocks(b, benchBlocks)
		})
	}
}
