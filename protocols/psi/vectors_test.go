package psi

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/cloudflare/circl/group"
)

func hexBytes(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// lines returns the space-separated fields of each line of a vector file; # starts a comment.
func lines(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out [][]string
	for s := bufio.NewScanner(f); s.Scan(); {
		if line, _, _ := strings.Cut(s.Text(), "#"); strings.TrimSpace(line) != "" {
			out = append(out, strings.Fields(line))
		}
	}
	return out
}

func newScalar(v uint64) group.Scalar { return group.Ristretto255.NewScalar().SetUint64(v) }

// unmasked is the key of scalar 1 of suite ristretto255.
func unmasked() secretKey {
	return secretKey{&ristretto{k: newScalar(1), tag: []byte(hashTag(SuiteRistretto255))}}
}

// RFC 9496 Appendix A.1.
func TestMultiplesOfTheGenerator(t *testing.T) {
	vectors := lines(t, "rfc9496-multiples.txt")
	if len(vectors) != 16 {
		t.Fatalf("%d vectors, want 16", len(vectors))
	}
	for k, v := range vectors {
		want := hexBytes(t, v[0])
		p := group.Ristretto255.NewElement()
		if k == 0 {
			if decodeRistretto(p, want) == nil {
				t.Error("the identity was accepted")
			}
			continue
		}
		got := make([]byte, ristrettoBytes)
		if err := encodeRistretto(got, p.MulGen(newScalar(uint64(k)))); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d·G = %x, %v; want %x", k, got, err, want)
		}
		if err := decodeRistretto(p, want); err != nil || encodeRistretto(got, p) != nil || !bytes.Equal(got, want) {
			t.Errorf("%d·G does not survive decoding", k)
		}
	}
}

// RFC 9496 Appendix A.2.
func TestInvalidEncodings(t *testing.T) {
	vectors := lines(t, "rfc9496-invalid.txt")
	if len(vectors) != 29 {
		t.Fatalf("%d vectors, want 29", len(vectors))
	}
	p := group.Ristretto255.NewElement()
	for _, v := range vectors {
		if decodeRistretto(p, hexBytes(t, v[0])) == nil {
			t.Errorf("%s was accepted", v[0])
		}
	}
}

// RFC 9497 Appendix A.1.1: blind · HashToGroup(input), which pins circl's map and multiplication.
func TestHashToGroup(t *testing.T) {
	dst := []byte("HashToGroup-OPRFV1-\x00-ristretto255-SHA512")
	for _, v := range lines(t, "rfc9497-blinded.txt") {
		k := group.Ristretto255.NewScalar()
		if err := k.UnmarshalBinary(hexBytes(t, v[1])); err != nil {
			t.Fatal(err)
		}
		p := group.Ristretto255.HashToElement(hexBytes(t, v[0]), dst)
		got := make([]byte, ristrettoBytes)
		if err := encodeRistretto(got, p.Mul(p, k)); err != nil || hex.EncodeToString(got) != v[2] {
			t.Errorf("input %s: %x, want %s", v[0], got, v[2])
		}
	}
}

// The canonical check against big integers, at the edges of the field.
func TestCanonical(t *testing.T) {
	prime := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	check := func(v *big.Int) {
		b := make([]byte, ristrettoBytes)
		v.FillBytes(b)
		for i := range ristrettoBytes / 2 {
			b[i], b[ristrettoBytes-1-i] = b[ristrettoBytes-1-i], b[i]
		}
		if want := v.Cmp(prime) < 0 && v.Bit(0) == 0; canonicalRistretto(b) != want {
			t.Errorf("canonicalRistretto(%x) = %v", b, !want)
		}
	}
	for d := int64(-300); d <= 18; d++ {
		check(new(big.Int).Add(prime, big.NewInt(d)))
	}
	for shift := uint(0); shift < 256; shift++ {
		check(new(big.Int).Lsh(big.NewInt(1), shift))
		check(new(big.Int).Add(prime, new(big.Int).Lsh(big.NewInt(1), shift%255)))
	}
}
