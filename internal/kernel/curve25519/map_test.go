package curve25519

import (
	"crypto/sha512"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// expand is expand_message_xmd of RFC 9380 §5.3.1 with SHA-512 for 48 bytes, word for word, for any message.
func expand(msg, tag []byte) []byte {
	prime := append(slices.Clone(tag), byte(len(tag)))
	b0 := sha512.Sum512(slices.Concat(make([]byte, 128), msg, []byte{0, 48, 0}, prime))
	b1 := sha512.Sum512(slices.Concat(b0[:], []byte{1}, prime))
	return b1[:48]
}

func hashToField(msg, tag []byte) *big.Int {
	v := new(big.Int).SetBytes(expand(msg, tag))
	return v.Mod(v, prime())
}

// mapBig is map_to_curve_elligator2 of RFC 9380 §6.7.1 for J = 486662, K = 1, Z = 2, the x coordinate.
func mapBig(r *big.Int) *big.Int {
	p, j := prime(), big.NewInt(curveA)
	x := new(big.Int).Mul(r, r)
	x.Lsh(x, 1).Add(x, big.NewInt(1)).ModInverse(x, p)
	x.Mul(x, j).Neg(x).Mod(x, p)
	if !onCurve(encode(x)) {
		x.Add(x, j).Neg(x).Mod(x, p)
	}
	return x
}

// RFC 9380 appendix J.4.2, curve25519_XMD:SHA-512_ELL2_NU_: u[0], Q.x and P.x, big endian.
func rfc9380() (vectors []struct{ msg, r, q, p string }, tag []byte) {
	return []struct{ msg, r, q, p string }{
		{
			"",
			"608d892b641f0328523802a6603427c26e55e6f27e71a91a478148d45b5093cd",
			"51125222da5e763d97f3c10fcc92ea6860b9ccbbd2eb1285728f566721c1e65b",
			"1bb913f0c9daefa0b3375378ffa534bda5526c97391952a7789eb976edfe4d08",
		},
		{
			"abc",
			"46f5b22494bfeaa7f232cc8d054be68561af50230234d7d1d63d1d9abeca8da5",
			"7d56d1e08cb0ccb92baf069c18c49bb5a0dcd927eff8dcf75ca921ef7f3e6eeb",
			"7c22950b7d900fa866334262fcaea47a441a578df43b894b4625c9b450f9a026",
		},
		{
			"abcdef0123456789",
			"235fe40c443766ce7e18111c33862d66c3b33267efa50d50f9e8e5d252a40aaa",
			"3fbe66b9c9883d79e8407150e7c2a1c8680bee496c62fabe4619a72b3cabe90f",
			"31ad08a8b0deeb2a4d8b0206ca25f567ab4e042746f792f4b7973f3ae2096c52",
		},
		{
			"q128_" + strings.Repeat("q", 128),
			"001e92a544463bda9bd04ddbe3d6eed248f82de32f522669efc5ddce95f46f5b",
			"227e0bb89de700385d19ec40e857db6e6a3e634b1c32962f370d26f84ff19683",
			"027877759d155b1997d0d84683a313eb78bdb493271d935b622900459d52ceaa",
		},
		{
			"a512_" + strings.Repeat("a", 512),
			"1a68a1af9f663592291af987203393f707305c7bac9c8d63d6a729bdc553dc19",
			"3bcd651ee54d5f7b6013898aab251ee8ecc0688166fce6e9548d38472f6bd196",
			"5fd892c0958d1a75f54c3182a18d286efab784e774d1e017ba2fb252998b5dc1",
		},
	}, []byte("QUUX-V01-CS02-with-curve25519_XMD:SHA-512_ELL2_NU_")
}

// TestRFC9380Vectors ties every stage to the vectors: the hash (whose messages are not 32 bytes long, so through the
// plain expand), the map of both twins of this package, and the cofactor, which 8 times the point clears.
func TestRFC9380Vectors(t *testing.T) {
	vectors, tag := rfc9380()
	for _, v := range vectors {
		r, q := bigHex(t, v.r), bigHex(t, v.q)
		if hashToField([]byte(v.msg), tag).Cmp(r) != 0 {
			t.Errorf("%.9q: hash_to_field differs", v.msg)
		}
		if mapBig(r).Cmp(q) != 0 {
			t.Errorf("%.9q: the plain map differs", v.msg)
		}
		var e, w, inverse, u, x, z fe
		b := encode(r)
		e.setBytes(&b)
		choice := fractions(&w, &e)
		inverse.invert(&w)
		u.elligator(&inverse, choice)
		if u.value().Cmp(q) != 0 {
			t.Errorf("%.9q: Q.x is %x, want %s", v.msg, u.value(), v.q)
		}
		ladder(&x, &z, &u, &[32]byte{8})
		z.invert(&z)
		x.mul(&x, &z)
		if x.value().Cmp(bigHex(t, v.p)) != 0 {
			t.Errorf("%.9q: P.x is %x, want %s", v.msg, x.value(), v.p)
		}
	}
}

func bigHex(tb testing.TB, s string) *big.Int {
	tb.Helper()
	v, ok := new(big.Int).SetString(s, 16)
	if !ok {
		tb.Fatalf("bad vector %q", s)
	}
	return v
}

func TestHashToField(t *testing.T) {
	r := source(20)
	for _, n := range []int{1, 25, 34, 35, 36, 50, 90, 91, 92, 127, 128, 220, 255} {
		tag := make([]byte, n)
		_, _ = r.Read(tag)
		var x xmd
		x.setup(tag)
		for range 3 {
			var item [32]byte
			_, _ = r.Read(item[:])
			var got fe
			x.field(&got, &item)
			if want := hashToField(item[:], tag); got.value().Cmp(want) != 0 {
				t.Errorf("tag of %d bytes: got %x, want %x", n, got.value(), want)
			}
		}
	}
}

func TestWideReduction(t *testing.T) {
	for _, fill := range []byte{0, 1, 0x7f, 0x80, 0xff} {
		var b [fieldBytes]byte
		for i := range b {
			b[i] = fill
		}
		var got fe
		got.setBigEndian(&b)
		want := new(big.Int).SetBytes(b[:])
		if got.value().Cmp(want.Mod(want, prime())) != 0 {
			t.Errorf("48 bytes of %#x reduce to %x", fill, got.value())
		}
	}
}

func randomItems(seed byte, n int) [][32]byte {
	r := source(seed)
	out := make([][32]byte, n)
	for i := range out {
		_, _ = r.Read(out[i][:])
	}
	return out
}

// TestMapAgainstBig: both kernels against the plain map, for every length up to two pairs and around a block.
func TestMapAgainstBig(t *testing.T) {
	tag := []byte("map test")
	var x xmd
	x.setup(tag)
	all := randomItems(21, block)
	lengths := []int{511, 512}
	for n := range 34 {
		lengths = append(lengths, n)
	}
	want := make([]U, len(all))
	first := 0
	for i := range all {
		r := hashToField(all[i][:], tag)
		u := mapBig(r)
		want[i] = encode(u)
		if w := new(big.Int).Mul(r, r); w.Lsh(w, 1).Add(w, big.NewInt(1)).Mul(w, u).Add(w, big.NewInt(curveA)).
			Mod(w, prime()).Sign() == 0 {
			first++
		}
	}
	if first < len(all)/3 || first > 2*len(all)/3 {
		t.Fatalf("%d of %d take u1: the sample misses a branch", first, len(all))
	}
	eachKernel(t, func(t *testing.T, kern kernel) {
		for _, n := range lengths {
			got := make([]U, n)
			kern.mapped(got, all[:n], &x)
			if !slices.Equal(got, want[:n]) {
				t.Fatalf("length %d differs from the plain map", n)
			}
		}
	})
}

// TestMapEdges: r = 0, ±1 and the like cannot be hashed to on purpose, so they go in behind the hash.
func TestMapEdges(t *testing.T) {
	for _, v := range sample(40) {
		var e, w, inverse, u fe
		b := encode(v)
		e.setBytes(&b)
		choice := fractions(&w, &e)
		inverse.invert(&w)
		u.elligator(&inverse, choice)
		if want := mapBig(new(big.Int).Mod(v, prime())); u.value().Cmp(want) != 0 {
			t.Errorf("r = %x: got %x, want %x", v, u.value(), want)
		}
	}
}

func TestMapMulIsMapThenMul(t *testing.T) {
	k := randomScalar(t, source(22))
	tag := []byte("tacit-psi-v1-x25519-ell2")
	for _, n := range []int{0, 1, 7, 16, 17, 40, 513} {
		if n > 100 && !Accelerated() {
			continue
		}
		item := randomItems(byte(n), n)
		two, fused := make([]U, n), make([]U, n)
		MapBatch(two, item, tag)
		if OnCurveBatch(two) != -1 || CanonicalBatch(two) != -1 {
			t.Errorf("%d items: the map leaves the curve", n)
		}
		MulBatch(two, two, k)
		MapMulBatch(fused, item, tag, k)
		if !slices.Equal(two, fused) {
			t.Errorf("%d items: fused differs", n)
		}
		var x xmd
		x.setup(tag)
		if n <= 40 {
			mapMulBlockPortable(two, item, &x, k.bytes())
			if !slices.Equal(two, fused) {
				t.Errorf("%d items: the twin differs", n)
			}
		}
	}
}

func TestTagsSeparate(t *testing.T) {
	item := randomItems(23, 1)
	a, b := make([]U, 1), make([]U, 1)
	MapBatch(a, item, []byte("one"))
	MapBatch(b, item, []byte("two"))
	if a[0] == b[0] {
		t.Error("two tags, one point")
	}
}
