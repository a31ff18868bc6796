package aes

import (
	"crypto/aes"
	"encoding/hex"
	"testing"

	"pgregory.net/rapid"
)

// maxLen covers four groups of the vector kernels and every last group.
const maxLen = 70

func block(t testing.TB, s string) (b Block) {
	t.Helper()
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != len(b) {
		t.Fatal("bad test block")
	}
	copy(b[:], raw)
	return b
}

// random returns n blocks that depend on the seed alone, from the standard library.
func random(seed byte, n int) []Block {
	out := make([]Block, n)
	pi := newCipher(&Block{seed, 0xa5})
	for i := range out {
		pi.Encrypt(out[i][:], append([]byte{byte(i), byte(i >> 8), byte(i >> 16)}, make([]byte, 13)...))
	}
	return out
}

// encrypt is AES-128 by the standard library.
func encrypt(t testing.TB, key, x Block) (out Block) {
	t.Helper()
	c, err := aes.NewCipher(key[:])
	if err != nil {
		t.Fatal(err)
	}
	c.Encrypt(out[:], x[:])
	return out
}

func sum(a, b Block) (out Block) {
	for i := range out {
		out[i] = a[i] ^ b[i]
	}
	return out
}

// guarded calls f with n blocks between canaries and reports a canary that changed.
func guarded(t testing.TB, n int, f func(dst []Block)) []Block {
	t.Helper()
	canary := Block{0xde, 0xad, 0xbe, 0xef, 15: 0x77}
	buf := make([]Block, n+2)
	buf[0], buf[n+1] = canary, canary
	f(buf[1 : n+1 : n+1])
	if buf[0] != canary || buf[n+1] != canary {
		t.Errorf("n=%d: wrote outside dst", n)
	}
	return buf[1 : n+1]
}

func equal(t testing.TB, what string, got, want []Block) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s: block %d of %d is %x, want %x", what, i, len(want), got[i], want[i])
		}
	}
}

// TestFIPS197 is FIPS 197, appendix C.1, through every door: each kernel is π plus something known.
func TestFIPS197(t *testing.T) {
	key, x := block(t, "000102030405060708090a0b0c0d0e0f"), block(t, "00112233445566778899aabbccddeeff")
	want := block(t, "69c4e0d86a7b0430d8cdb78070b4c55a")
	var out [2]Block
	NewMMO(key).Blocks(out[:1], []Block{x})
	if got := sum(out[0], x); got != want {
		t.Errorf("MMO: %x", got)
	}
	HashKeyed(out[:1], []Block{key}, []Block{x})
	if got := sum(out[0], x); got != want {
		t.Errorf("HashKeyed: %x", got)
	}
	NewTree(key, Block{}).Level(out[:], []Block{x})
	if got := sum(out[0], x); got != want {
		t.Errorf("left child: %x", got)
	}
	NewTree(Block{}, key).Level(out[:], []Block{x})
	if got := sum(out[1], x); got != want {
		t.Errorf("right child: %x", got)
	}
	NewStream(key, x).Fill(out[0][:])
	if out[0] != want {
		t.Errorf("Stream: %x", out[0])
	}
}

// TestHashIsTMMO computes π(π(x) ⊕ i) ⊕ π(x) block by block with the standard library; the index passes 2^64.
func TestHashIsTMMO(t *testing.T) {
	key := Block{9, 8, 7}
	h := NewHash(key)
	for _, first := range []uint64{0, 1<<40 + 5, 1<<64 - 20} {
		for n := range maxLen + 1 {
			src := random(byte(n), n)
			want := make([]Block, n)
			for j := range src {
				p := encrypt(t, key, src[j])
				q := p
				for b := range 8 {
					q[b] ^= byte((first + uint64(j)) >> (8 * b))
				}
				want[j] = sum(encrypt(t, key, q), p)
			}
			equal(t, "hash", guarded(t, n, func(dst []Block) { h.Blocks(dst, src, first) }), want)
			h.Blocks(src, src, first)
			equal(t, "hash in place", src, want)
		}
	}
}

func TestMMO(t *testing.T) {
	key := Block{4, 2}
	h := NewMMO(key)
	for n := range maxLen + 1 {
		src := random(byte(n), n)
		want := make([]Block, n)
		for i, x := range src {
			want[i] = sum(encrypt(t, key, x), x)
		}
		equal(t, "MMO", guarded(t, n, func(dst []Block) { h.Blocks(dst, src) }), want)
		h.Blocks(src, src)
		equal(t, "MMO in place", src, want)
	}
}

func TestHashKeyed(t *testing.T) {
	for n := range maxLen + 1 {
		key, src := random(1, n), random(2, n)
		want := make([]Block, n)
		for i, x := range src {
			want[i] = sum(encrypt(t, key[i], x), x)
		}
		equal(t, "keyed", guarded(t, n, func(dst []Block) { HashKeyed(dst, key, src) }), want)
		other := append([]Block(nil), src...)
		HashKeyed(other, key, other)
		equal(t, "keyed over src", other, want)
		HashKeyed(key, key, src)
		equal(t, "keyed over key", key, want)
	}
}

// TestHashKeyedProperty meets keys and blocks of every weight, which the counter of random does not.
func TestHashKeyedProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		blocks := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 32, 32), 1, 40).Draw(t, "key and block")
		key, src := make([]Block, len(blocks)), make([]Block, len(blocks))
		for i, b := range blocks {
			copy(key[i][:], b[:16])
			copy(src[i][:], b[16:])
		}
		got, want := make([]Block, len(src)), make([]Block, len(src))
		HashKeyed(got, key, src)
		keyedTwin(want, key, src)
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("block %d of %d differs from the twin", i, len(want))
			}
		}
	})
}

func TestShapes(t *testing.T) {
	two, three := make([]Block, 2), make([]Block, 3)
	for name, f := range map[string]func(){
		"hash":          func() { NewHash(Block{}).Blocks(two, three, 0) },
		"mmo":           func() { NewMMO(Block{}).Blocks(three, two) },
		"keyed key":     func() { HashKeyed(two, three, two) },
		"keyed dst":     func() { HashKeyed(three, two, two) },
		"level short":   func() { NewTree(Block{}, Block{1}).Level(two, two) },
		"level long":    func() { NewTree(Block{}, Block{1}).Level(three, two[:1]) },
		"level of none": func() { NewTree(Block{}, Block{1}).Level(two[:1], nil) },
		"stream XOR":    func() { NewStream(Block{}, Block{}).XOR(two[0][:8:8], three[0][:]) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("accepted")
				}
			}()
			f()
		})
	}
}

func FuzzHashKeyed(f *testing.F) {
	f.Add([]byte("0123456789abcdef0123456789abcdef"), uint8(1))
	f.Add(make([]byte, 32), uint8(17))
	f.Fuzz(func(t *testing.T, raw []byte, n uint8) {
		if len(raw) < 32 {
			return
		}
		key, src := make([]Block, n), make([]Block, n)
		for i := range src {
			copy(key[i][:], raw[i%(len(raw)-31):])
			copy(src[i][:], raw[len(raw)-16-i%(len(raw)-31):])
		}
		got, want := make([]Block, n), make([]Block, n)
		HashKeyed(got, key, src)
		keyedTwin(want, key, src)
		equal(t, "keyed", got, want)
	})
}
