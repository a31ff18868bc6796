package curve25519

import (
	"bytes"
	"crypto/ecdh"
	"encoding/hex"
	"flag"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

var long = flag.Bool("long", false, "run the million iterations of RFC 7748 §5.2")

// kernel is one implementation of the block functions. The tests that take their expectations from outside run on each.
type kernel struct {
	name    string
	mul     func(dst, src []U, k *[32]byte) int
	mapped  func(dst []U, item [][32]byte, x *xmd)
	mapMul  func(dst []U, item [][32]byte, x *xmd, k *[32]byte)
	onCurve func(src []U) int
}

func kernels() []kernel {
	out := []kernel{{"portable", mulBlockPortable, mapBlockPortable, mapMulBlockPortable, onCurvePortable}}
	return append(out, vectorKernels()...)
}

func eachKernel(t *testing.T, f func(t *testing.T, k kernel)) {
	t.Helper()
	for _, k := range kernels() {
		t.Run(k.name, func(t *testing.T) { f(t, k) })
	}
}

func source(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{7, 48, seed}) }

func scalar(tb testing.TB, raw []byte) *Scalar {
	tb.Helper()
	k, err := NewScalar(bytes.NewReader(raw))
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func randomScalar(tb testing.TB, r *rand.ChaCha8) *Scalar {
	tb.Helper()
	k, err := NewScalar(r)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func randomPoints(r *rand.ChaCha8, n int) []U {
	out := make([]U, n)
	for i := range out {
		_, _ = r.Read(out[i][:])
	}
	return out
}

func unhex(tb testing.TB, s string) (u U) {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(u) {
		tb.Fatalf("bad vector %q", s)
	}
	return U(b)
}

// viaECDH is crypto/ecdh's X25519; nil for a zero result, which crypto/ecdh refuses.
func viaECDH(tb testing.TB, k *Scalar, u U) []byte {
	tb.Helper()
	raw := k.BytesInsecure()
	private, err := ecdh.X25519().NewPrivateKey(raw[:])
	if err != nil {
		tb.Fatal(err)
	}
	public, err := ecdh.X25519().NewPublicKey(u[:])
	if err != nil {
		tb.Fatal(err)
	}
	shared, err := private.ECDH(public)
	if err != nil {
		return nil
	}
	return shared
}

// RFC 7748 §5.2, the two X25519 vectors. The second point has bit 255 set.
func TestRFC7748Vectors(t *testing.T) {
	vectors := []struct{ k, u, want string }{
		{
			"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
			"e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
			"c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
		},
		{
			"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
			"e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
			"95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
		},
	}
	eachKernel(t, func(t *testing.T, kern kernel) {
		for _, v := range vectors {
			raw := unhex(t, v.k)
			dst := make([]U, 1)
			kern.mul(dst, []U{unhex(t, v.u)}, scalar(t, raw[:]).bytes())
			if dst[0] != unhex(t, v.want) {
				t.Errorf("k = %s: got %x, want %s", v.k, dst[0], v.want)
			}
		}
	})
}

// RFC 7748 §5.2: k and u start as 9; each round (k, u) becomes (k·u, k).
func TestRFC7748Iterations(t *testing.T) {
	marks := map[int]string{
		1:       "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079",
		1000:    "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51",
		1000000: "7c3911e0ab2586fd864497297e575e6f3bc601c0883c30df5f4dd2d24f665424",
	}
	rounds := 1000
	if *long {
		rounds = 1000000
	}
	eachKernel(t, func(t *testing.T, kern kernel) {
		k, u := U{9}, U{9}
		for i := 1; i <= rounds; i++ {
			dst := []U{{}}
			kern.mul(dst, []U{u}, scalar(t, k[:]).bytes())
			k, u = dst[0], k
			if want, ok := marks[i]; ok && k != unhex(t, want) {
				t.Fatalf("after %d: got %x, want %s", i, k, want)
			}
		}
	})
}

func TestMulAgainstECDH(t *testing.T) {
	r := source(1)
	for round := range 4 {
		k := randomScalar(t, r)
		src := randomPoints(r, 40)
		for _, v := range edges() {
			b := encode(v)
			src = append(src, b)
			b[31] |= 128
			src = append(src, b)
		}
		eachKernel(t, func(t *testing.T, kern kernel) {
			dst := make([]U, len(src))
			kern.mul(dst, src, k.bytes())
			for i := range src {
				if want := viaECDH(t, k, src[i]); want != nil && !bytes.Equal(dst[i][:], want) {
					t.Fatalf("round %d, point %x: got %x, want %x", round, src[i], dst[i], want)
				}
			}
		})
	}
}

// TestScalarPatterns: long runs of equal and of alternating bits exercise both choices at every step.
func TestScalarPatterns(t *testing.T) {
	src := randomPoints(source(2), 3)
	for _, fill := range []byte{0x00, 0xff, 0x55, 0xaa, 0x0f, 0x80, 0x01} {
		k := scalar(t, bytes.Repeat([]byte{fill}, 32))
		eachKernel(t, func(t *testing.T, kern kernel) {
			dst := make([]U, len(src))
			kern.mul(dst, src, k.bytes())
			for i := range src {
				if want := viaECDH(t, k, src[i]); !bytes.Equal(dst[i][:], want) {
					t.Errorf("scalar of %#x: got %x, want %x", fill, dst[i], want)
				}
			}
		})
	}
}

// TestLengths: a batch is what its items are one by one, in place or not, and nothing outside dst is written.
func TestLengths(t *testing.T) {
	r := source(3)
	k := randomScalar(t, r)
	all := randomPoints(r, 2*block+20)
	single := make([]U, len(all))
	MulBatch(single, all, k)
	for _, i := range []int{0, 1, 7, 8, 511, 512, 1023, 1024, 1043} {
		if want := viaECDH(t, k, all[i]); !bytes.Equal(single[i][:], want) {
			t.Fatalf("item %d: got %x, want %x", i, single[i], want)
		}
	}
	lengths := []int{511, 512, 513, 2*block + 1}
	for n := range 18 {
		lengths = append(lengths, n)
	}
	if testing.Short() && !Accelerated() {
		lengths = lengths[4:]
	}
	for _, n := range lengths {
		buf := append(slices.Clone(all[:n]), U{1, 2, 3})
		if zero := MulBatch(buf[:n], buf[:n], k); zero != -1 {
			t.Errorf("length %d: zero at %d", n, zero)
		}
		if !slices.Equal(buf[:n], single[:n]) || buf[n] != (U{1, 2, 3}) {
			t.Errorf("length %d: in place differs from one batch", n)
		}
	}
}

func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: no panic", what)
		}
	}()
	f()
}

func TestMisuse(t *testing.T) {
	k := randomScalar(t, source(4))
	tag := []byte("tag")
	mustPanic(t, "MulBatch", func() { MulBatch(make([]U, 1), make([]U, 2), k) })
	mustPanic(t, "MapBatch", func() { MapBatch(make([]U, 2), make([][32]byte, 1), tag) })
	mustPanic(t, "MapMulBatch", func() { MapMulBatch(make([]U, 2), make([][32]byte, 1), tag, k) })
	mustPanic(t, "empty tag", func() { MapBatch(nil, nil, nil) })
	mustPanic(t, "long tag", func() { MapBatch(nil, nil, make([]byte, 256)) })
	mustPanic(t, "zero scalar", func() { MulBatch(nil, nil, &Scalar{}) })
	k.Wipe()
	k.Wipe()
	mustPanic(t, "wiped scalar", func() { MulBatch(nil, nil, k) })
}

// lowOrder lists the u of every point of order 1, 2, 4 or 8 on the curve or its twist, as 255-bit strings; the last ones
// are not canonical. Source: https://cr.yp.to/ecdh.html, "validate".
func lowOrder(tb testing.TB) (out []U) {
	tb.Helper()
	for _, s := range []string{
		"0", "1",
		"325606250916557431795983626356110631294008115727848805560023387167927233504",
		"39382357235489614581723060781553021112529911719440698176882885853963445705823",
	} {
		v, ok := new(big.Int).SetString(s, 10)
		if !ok {
			tb.Fatal("bad constant")
		}
		out = append(out, encode(v))
	}
	for d := int64(-1); d <= 1; d++ {
		out = append(out, encode(new(big.Int).Add(prime(), big.NewInt(d))))
	}
	return out
}

func TestLowOrderGivesZero(t *testing.T) {
	r := source(5)
	k := randomScalar(t, r)
	eachKernel(t, func(t *testing.T, kern kernel) {
		for _, u := range lowOrder(t) {
			for _, high := range []byte{0, 128} {
				u[31] |= high
				for _, at := range []int{0, 3, 16} {
					src := randomPoints(r, 18)
					src[at], src[17] = u, u
					dst := make([]U, len(src))
					if zero := kern.mul(dst, src, k.bytes()); zero != at || dst[at] != (U{}) || dst[17] != (U{}) {
						t.Fatalf("%x at %d: zero reported at %d, output %x", u, at, zero, dst[at])
					}
					for i := range src {
						if i != at && i != 17 && !bytes.Equal(dst[i][:], viaECDH(t, k, src[i])) {
							t.Fatalf("a zero at %d changed item %d", at, i)
						}
					}
				}
			}
		}
	})
	if !Accelerated() {
		return
	}
	src := randomPoints(r, block+9)
	src[block+5], src[block+8] = U{1}, U{}
	if zero := MulBatch(src, src, k); zero != block+5 {
		t.Errorf("first zero at %d, want %d", zero, block+5)
	}
}

func TestCanonical(t *testing.T) {
	p := prime()
	for _, v := range sample(50) {
		u := U(encode(v))
		want := -1
		if v.Cmp(p) >= 0 {
			want = 1
		}
		if got := CanonicalBatch([]U{{9}, u}); got != want {
			t.Errorf("%x: %d, want %d", u, got, want)
		}
		u[31] |= 128
		if CanonicalBatch([]U{u}) != 0 {
			t.Errorf("%x has bit 255 and passes", u)
		}
	}
	if CanonicalBatch(nil) != -1 {
		t.Error("an empty batch is refused")
	}
}

// onCurve says by math/big whether u³+A·u²+u is a square; 0 is one.
func onCurve(u U) bool {
	u[31] &= 127
	p, x := prime(), decode(u)
	g := new(big.Int).Add(x, big.NewInt(curveA))
	g.Mul(g, x).Add(g, big.NewInt(1)).Mul(g, x).Mod(g, p)
	return big.Jacobi(g, p) >= 0
}

func TestOnCurve(t *testing.T) {
	src := randomPoints(source(6), 40)
	for _, v := range edges() {
		src = append(src, encode(v))
	}
	var good []U
	for _, u := range src {
		if onCurve(u) {
			good = append(good, u)
		}
	}
	if len(good) < 20 || len(good) > len(src)-10 {
		t.Fatalf("%d of %d on the curve: the oracle is wrong", len(good), len(src))
	}
	eachKernel(t, func(t *testing.T, kern kernel) {
		for _, u := range src {
			if got := kern.onCurve([]U{u}) == -1; got != onCurve(u) {
				t.Errorf("%x: on curve is %v", u, got)
			}
		}
		if bad := kern.onCurve(good); bad != -1 {
			t.Errorf("all on the curve, yet %d is reported", bad)
		}
		for _, at := range []int{0, 1, 15, 16, len(good) - 1} {
			mixed := slices.Clone(good)
			mixed[at], mixed[len(mixed)-1] = U{2}, U{2} // 2 is on the twist
			if bad := kern.onCurve(mixed); bad != at {
				t.Errorf("twist point at %d, reported at %d", at, bad)
			}
		}
	})
	if OnCurveBatch(nil) != -1 {
		t.Error("an empty batch is refused")
	}
	far := make([]U, block+3)
	far[block+2] = U{2}
	if bad := OnCurveBatch(far); bad != block+2 {
		t.Errorf("twist point at %d, reported at %d", block+2, bad)
	}
}

// TestCommutes is what set intersection rests on: a·(b·P) = b·(a·P).
func TestCommutes(t *testing.T) {
	r := source(7)
	a, b := randomScalar(t, r), randomScalar(t, r)
	src := randomPoints(r, 33)
	ab, ba := make([]U, len(src)), make([]U, len(src))
	MulBatch(ab, src, a)
	MulBatch(ab, ab, b)
	MulBatch(ba, src, b)
	MulBatch(ba, ba, a)
	if !slices.Equal(ab, ba) || CanonicalBatch(ab) != -1 {
		t.Error("masking does not commute")
	}
}

func TestNoAllocation(t *testing.T) {
	r := source(8)
	k := randomScalar(t, r)
	u, item := randomPoints(r, 20), make([][32]byte, 20)
	tag := []byte("allocation")
	for name, f := range map[string]func(){
		"MulBatch":     func() { MulBatch(u, u, k) },
		"MapBatch":     func() { MapBatch(u, item, tag) },
		"MapMulBatch":  func() { MapMulBatch(u, item, tag, k) },
		"OnCurveBatch": func() { OnCurveBatch(u) },
	} {
		if n := testing.AllocsPerRun(3, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func ExampleMulBatch() {
	a, _ := NewScalar(rand.NewChaCha8([32]byte{1})) // crypto/rand.Reader outside examples
	b, _ := NewScalar(rand.NewChaCha8([32]byte{2}))
	defer a.Wipe()
	defer b.Wipe()
	item := [][32]byte{{'a', 'n', 'n'}, {'b', 'o', 'b'}}
	mine, theirs := make([]U, 2), make([]U, 2)
	MapMulBatch(mine, item, []byte("example-v1"), a)
	MapMulBatch(theirs, item, []byte("example-v1"), b)
	fmt.Println(MulBatch(mine, mine, b), MulBatch(theirs, theirs, a), slices.Equal(mine, theirs), a)
	// Output: -1 -1 true curve25519.Scalar
}
