package aes

import (
	"bytes"
	"crypto/aes"
	"encoding/hex"
	"testing"
)

func block(t *testing.T, s string) (b Block) {
	t.Helper()
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != len(b) {
		t.Fatal("bad test block")
	}
	copy(b[:], raw)
	return b
}

// NIST SP 800-38A, F.5.1: CTR-AES128.Encrypt, the key stream of the first two blocks.
func TestStreamVector(t *testing.T) {
	s := NewStream(block(t, "2b7e151628aed2a6abf7158809cf4f3c"), block(t, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"))
	got := make([]byte, 32)
	s.Fill(got)
	want := "ec8cdf7398607cb0f2d21675ea9ea1e4362b7c3c6773516318a077d7fc5073ae"
	if hex.EncodeToString(got) != want {
		t.Errorf("got %x, want %s", got, want)
	}
}

func TestStreamIsOneSequence(t *testing.T) {
	whole, parts := make([]byte, 1000), make([]byte, 1000)
	NewStream(Block{1}, Block{2}).Fill(whole)
	s := NewStream(Block{1}, Block{2})
	for at := 0; at < len(parts); {
		n := min(1+at%37, len(parts)-at)
		s.Fill(parts[at : at+n])
		at += n
	}
	if !bytes.Equal(whole, parts) {
		t.Error("the stream depends on how it is read")
	}
	sum := make([]byte, 1000)
	NewStream(Block{1}, Block{2}).XOR(sum, whole)
	if !bytes.Equal(sum, make([]byte, 1000)) {
		t.Error("XOR is not the stream of Fill")
	}
}

// TestHashIsTMMO computes π(π(x) ⊕ i) ⊕ π(x) block by block with the standard library.
func TestHashIsTMMO(t *testing.T) {
	key := Block{9, 8, 7}
	h := NewHash(key)
	src := make([]Block, 65)
	for i := range src {
		NewStream(Block{3}, Block{byte(i)}).Fill(src[i][:])
	}
	dst := make([]Block, len(src))
	const first = 1<<40 + 5
	h.Blocks(dst, src, first)
	pi, err := aes.NewCipher(key[:])
	if err != nil {
		t.Fatal(err)
	}
	for j := range src {
		var p, q Block
		pi.Encrypt(p[:], src[j][:])
		q = p
		for b := range 8 {
			q[b] ^= byte((first + uint64(j)) >> (8 * b))
		}
		pi.Encrypt(q[:], q[:])
		for b := range q {
			q[b] ^= p[b]
		}
		if q != dst[j] {
			t.Fatalf("block %d differs", j)
		}
	}
	h.Blocks(src, src, first)
	if src[64] != dst[64] {
		t.Error("in place differs")
	}
}

func BenchmarkHash(b *testing.B) {
	h, buf := NewHash(Block{1}), make([]Block, 4096)
	b.SetBytes(int64(len(buf) * 16))
	for b.Loop() {
		h.Blocks(buf, buf, 0)
	}
}

func BenchmarkStream(b *testing.B) {
	s, buf := NewStream(Block{1}, Block{2}), make([]byte, 64<<10)
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		s.Fill(buf)
	}
}
