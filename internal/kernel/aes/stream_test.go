package aes

import (
	"bytes"
	"crypto/cipher"
	"encoding/hex"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// NIST SP 800-38A, F.5.1: CTR-AES128.Encrypt, four blocks.
func TestStreamVector(t *testing.T) {
	plain, _ := hex.DecodeString("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51" +
		"30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
	want := "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff" +
		"5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee"
	s := NewStream(block(t, "2b7e151628aed2a6abf7158809cf4f3c"), block(t, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"))
	s.XOR(plain, plain)
	if got := hex.EncodeToString(plain); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestStreamIsStandard compares with crypto/cipher where the counter wraps in its low word, in both, and not at all.
func TestStreamIsStandard(t *testing.T) {
	for _, iv := range []string{
		"00000000000000000000000000000000",
		"0123456789abcdeffffffffffffffffd",
		"fffffffffffffffffffffffffffffff0",
		"00000000000000007fffffffffffffff",
	} {
		seed, start := Block{7}, block(t, iv)
		for n := range 600 {
			want := make([]byte, n)
			cipher.NewCTR(newCipher(&seed), start[:]).XORKeyStream(want, want)
			got := bytes.Repeat([]byte{0xee}, n+1)
			NewStream(seed, start).Fill(got[:n:n])
			if !bytes.Equal(got[:n], want) || got[n] != 0xee {
				t.Fatalf("iv %s, %d bytes: not the standard stream, or written past the end", iv, n)
			}
		}
	}
}

// TestStreamIsOneSequence: the bytes do not depend on how they are asked for.
func TestStreamIsOneSequence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cuts := rapid.SliceOfN(rapid.IntRange(0, 300), 1, 20).Draw(t, "lengths")
		iv := Block{15: byte(rapid.IntRange(0, 255).Draw(t, "counter"))}
		for i := range 15 {
			iv[i] = 0xff
		}
		total := 0
		for _, n := range cuts {
			total += n
		}
		whole, parts, src := make([]byte, total), make([]byte, total), bytes.Repeat([]byte{0x5c}, total)
		NewStream(Block{1}, iv).Fill(whole)
		s, at := NewStream(Block{1}, iv), 0
		for i, n := range cuts {
			part := parts[at : at+n]
			if i%2 == 0 {
				s.Fill(part)
			} else {
				s.XOR(part, src[:n])
				for j := range part {
					part[j] ^= 0x5c
				}
			}
			at += n
		}
		if !bytes.Equal(whole, parts) {
			t.Fatal("the stream depends on how it is read")
		}
	})
}

func TestStreamRead(t *testing.T) {
	a, b := make([]byte, 50), make([]byte, 50)
	if n, err := NewStream(Block{3}, Block{}).Read(a); n != 50 || err != nil {
		t.Fatalf("read %d, %v", n, err)
	}
	NewStream(Block{3}, Block{}).Fill(b)
	if !bytes.Equal(a, b) {
		t.Error("Read is not Fill")
	}
}

// TestStreamIsNotPrinted: a Stream holds its seed.
func TestStreamIsNotPrinted(t *testing.T) {
	s := NewStream(Block{0x41, 0x42, 0x43}, Block{})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got := fmt.Sprintf(verb, s); got != "aes.Stream" {
			t.Errorf("%s prints %s", verb, got)
		}
	}
	if got := s.LogValue().String(); got != "aes.Stream" {
		t.Errorf("logged as %s", got)
	}
}

func FuzzStream(f *testing.F) {
	f.Add([]byte("seed and counter of the generator"), uint16(100), uint16(33))
	f.Add(bytes.Repeat([]byte{0xff}, 32), uint16(1000), uint16(5))
	f.Fuzz(func(t *testing.T, raw []byte, n, cut uint16) {
		var seed, iv Block
		copy(iv[:], raw[copy(seed[:], raw):])
		want, got := make([]byte, n), make([]byte, n)
		cipher.NewCTR(newCipher(&seed), iv[:]).XORKeyStream(want, want)
		s := NewStream(seed, iv)
		c := min(cut, n)
		s.Fill(got[:c])
		s.XOR(got[c:], got[c:])
		if !bytes.Equal(got, want) {
			t.Fatalf("%d bytes cut at %d: not the standard stream", n, c)
		}
	})
}
