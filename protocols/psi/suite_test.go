package psi

import (
	"bytes"
	"context"
	stdecdh "crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/emmansun/gmsm/sm2/sm2ec"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/curve25519"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
)

func suites() []Suite { return []Suite{SuiteX25519, SuiteRistretto255, SuiteP256, SuiteSM2} }

// outputs are the results of a run.
func outputs() []Output { return []Output{OutputReceiver, OutputBoth, OutputCardinality} }

// of returns l under another suite.
func (l ParamsLiteral) of(s Suite) ParamsLiteral {
	l.Suite = s
	return l
}

func mustKey(t testing.TB, s Suite, strict bool) secretKey {
	t.Helper()
	k, err := s.group().newKey(rand.Reader, strict)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSuite(t *testing.T) {
	for _, suite := range suites() {
		for _, out := range outputs() {
			t.Run(fmt.Sprintf("%s/%s", suite, out), func(t *testing.T) {
				if testing.Short() && suite != SuiteX25519 {
					t.Skip("some hundred runs")
				}
				p := small(t, literal(out).of(suite), 2)
				sr, _ := conntest.Sessions(conntest.PartyA, conntest.PartyB, 1) // the suite's binding
				x, y := set(sr.Binding, 0, 5), set(sr.Binding, 2, 8)
				conntest.Suite(t, conntest.Protocol[Matches, Matches]{
					A: func(ctx context.Context, s protocols.Session, c protocols.Conn) (Matches, error) {
						return Receive(ctx, s, c, x, p)
					},
					B: func(ctx context.Context, s protocols.Session, c protocols.Conn) (Matches, error) {
						return Send(ctx, s, c, y, p)
					},
					Cost:  p.Cost(len(x), len(y)),
					Check: func(a, b *Matches) error { return verify(x, y, out, a, b) },
				})
			})
		}
	}
}

// a·(b·H(x)) = b·(a·H(x)): what the protocol rests on.
func TestMasksCommute(t *testing.T) {
	items := set([32]byte{1}, 0, 70) // more than one block of most suites, and a tail of lanes
	for _, s := range suites() {
		a, b := mustKey(t, s, true), mustKey(t, s, true)
		var got [2][]byte
		for k, keys := range [][2]secretKey{{a, b}, {b, a}} {
			got[k] = make([]byte, len(items)*s.group().pointBytes)
			if err := keys[0].mask(got[k], items); err != nil {
				t.Fatal(err)
			}
			if err := keys[1].raise(got[k], got[k]); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got[0], got[1]) {
			t.Errorf("%s: the two orders give different points", s)
		}
	}
}

// badPoint is an encoding that a suite must refuse.
type badPoint struct {
	name string
	b    []byte
}

func littleEndian(v *big.Int) []byte {
	b := v.FillBytes(make([]byte, 32))
	slices.Reverse(b)
	return b
}

// badMontgomery are the u coordinates of low order, of RFC 7748 §7 and the X25519 tests of project Wycheproof, their
// non-canonical forms, and what is no coordinate at all.
func badMontgomery(t testing.TB) []badPoint {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	plus := func(d int64) []byte { return littleEndian(new(big.Int).Add(p, big.NewInt(d))) }
	return []badPoint{
		{"zero", make([]byte, 32)},
		{"one", littleEndian(big.NewInt(1))},
		{"minus one", plus(-1)},
		{"order 8", hexBytes(t, "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")},
		{"order 8, the other", hexBytes(t, "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157")},
		{"p", plus(0)},
		{"p plus 1", plus(1)},
		{"p plus 9", plus(9)},
		{"2^255 minus 1", plus(18)},
		{"high bit", append(append([]byte{9}, make([]byte, 30)...), 0x80)},
		{"high bit alone", append(make([]byte, 31), 0x80)},
		{"all ones", bytes.Repeat([]byte{0xff}, 32)},
		{"twist", littleEndian(big.NewInt(2))},
	}
}

func badRistretto(t testing.TB) []badPoint {
	return []badPoint{
		{"identity", make([]byte, 32)},
		{"not reduced", append(append([]byte{0xed}, bytes.Repeat([]byte{0xff}, 30)...), 0x7f)},
		{"negative", append([]byte{1}, make([]byte, 31)...)},
		{"high bit", append(make([]byte, 31), 0x80)},
		{"not on curve", hexBytes(t, "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371")},
		{"s is minus 1", append(append([]byte{0xec}, bytes.Repeat([]byte{0xff}, 30)...), 0x7f)},
	}
}

func badWeierstrass(p, off *big.Int) []badPoint {
	with := func(prefix byte, v *big.Int) []byte { return append([]byte{prefix}, v.FillBytes(make([]byte, 32))...) }
	return []badPoint{
		{"infinity", make([]byte, compressedBytes)},
		{"prefix 0", with(0, big.NewInt(5))},
		{"prefix 1", with(1, big.NewInt(5))},
		{"prefix 4", with(4, big.NewInt(5))},
		{"x is p", with(2, p)},
		{"x above p", with(3, new(big.Int).Add(p, big.NewInt(5)))},
		{"all ones", bytes.Repeat([]byte{0xff}, compressedBytes)},
		{"all ones behind 2", append([]byte{2}, bytes.Repeat([]byte{0xff}, 32)...)},
		{"off curve", with(2, off)},
	}
}

func badPoints(t testing.TB) map[Suite][]badPoint {
	return map[Suite][]badPoint{
		SuiteX25519: badMontgomery(t), SuiteRistretto255: badRistretto(t),
		SuiteP256: badWeierstrass(ellipticP256().Params().P, offCurve(ellipticP256())),
		SuiteSM2:  badWeierstrass(sm2ec.P256().Params().P, offCurve(sm2ec.P256())),
	}
}

// A peer that sends an element outside the group is found out, in both roles, and blamed.
func TestBadPoints(t *testing.T) {
	for suite, bad := range badPoints(t) {
		p := small(t, strict(literal(OutputReceiver).of(suite)), 4)
		s, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
		for _, b := range append(bad, badPoint{"garbled frame", []byte("short")}) {
			frame := append([]byte{kindPoints, 0, 0, 0, 0, 0, 0, 0, 1}, b.b...)
			h := hello{version: wireVersion, binding: s.Binding, params: p.Digest(), items: 1}
			_, errR := Receive(t.Context(), s, conntest.Replay(conntest.PartyB, [][]byte{h.encode(), frame}), set(s.Binding, 0, 1), p)
			h.receiver = true
			_, errS := Send(t.Context(), s, conntest.Replay(conntest.PartyB, [][]byte{h.encode(), frame}), set(s.Binding, 0, 1), p)
			for _, err := range []error{errR, errS} {
				if fault.CodeOf(err) != fault.Misbehaved || conntest.Culprit(err) != conntest.PartyB {
					t.Errorf("%s, %s: %v", suite, b.name, err)
				}
			}
		}
	}
}

// Every failed check on a point gives one reason, so that errors are no oracle; and one bad point among good ones is
// found wherever it stands.
func TestBadPointsLookAlike(t *testing.T) {
	for suite, bad := range badPoints(t) {
		key := mustKey(t, suite, true)
		size := suite.group().pointBytes
		good := make([]byte, 20*size)
		if err := key.mask(good, set([32]byte{}, 0, 20)); err != nil {
			t.Fatal(err)
		}
		for k, b := range bad {
			points := slices.Clone(good)
			copy(points[k*7%20*size:], b.b)
			err := key.raise(points, points)
			if err == nil || err.Error() != errNotAPoint().Error() {
				t.Errorf("%s, %s: %v", suite, b.name, err)
			}
		}
	}
}

func strict(l ParamsLiteral) ParamsLiteral {
	l.Strict = true
	return l
}

// Without Strict one group of lanes is checked, wherever the draw puts it; low order is refused everywhere.
func TestTwistSample(t *testing.T) {
	const n = 512
	good := make([]byte, n*montgomeryBytes)
	key := mustKey(t, SuiteX25519, false)
	if err := key.mask(good, set([32]byte{}, 0, n)); err != nil {
		t.Fatal(err)
	}
	m := key.multiplier.(*montgomery)
	for _, sample := range []int{0, 5, checkedGroups - 1} {
		m.sample = sample
		for _, at := range []int{0, 7, 8, 47, n - 1} {
			points := slices.Clone(good)
			copy(points[at*montgomeryBytes:], littleEndian(big.NewInt(2)))
			if err := key.raise(points, points); (err != nil) != (at/lanes == sample) {
				t.Errorf("sample %d, twist at %d: %v", sample, at, err)
			}
			points = slices.Clone(good)
			copy(points[at*montgomeryBytes:], make([]byte, 32))
			if key.raise(points, points) == nil {
				t.Errorf("low order at %d was accepted", at)
			}
		}
	}
	for n := range 2 * lanes {
		if got := len(m.checked(make([]curve25519.U, n))); got == 0 && n > 0 {
			t.Errorf("nothing of %d points is checked", n)
		}
	}
}

// Both tiers of x25519-ell2 are X25519 of the standard library on the kernel's map.
func TestMontgomeryTiers(t *testing.T) {
	key := mustKey(t, SuiteX25519, true)
	m := key.multiplier.(*montgomery)
	scalar := m.k.BytesInsecure()
	private, err := stdecdh.X25519().NewPrivateKey(scalar[:])
	if err != nil {
		t.Fatal(err)
	}
	const n = 21
	items := set([32]byte{3}, 0, n)
	got := make([]byte, n*montgomeryBytes)
	if err := key.mask(got, items); err != nil {
		t.Fatal(err)
	}
	in, ladder := make([][32]byte, n), make([]curve25519.U, n)
	for i := range items {
		in[i] = items[i]
	}
	curve25519.MapBatch(ladder, in, []byte("tacit-psi-v1-x25519-ell2"))
	mapped := slices.Clone(ladder)
	if !m.ladder(ladder) {
		t.Error("circl met a point of low order")
	}
	for i := range n {
		public, err := stdecdh.X25519().NewPublicKey(mapped[i][:])
		if err != nil {
			t.Fatal(err)
		}
		want, err := private.ECDH(public)
		if err != nil || !bytes.Equal(got[i*32:i*32+32], want) || !bytes.Equal(ladder[i][:], want) {
			t.Fatalf("point %d: kernel %x, circl %x, want %x", i, got[i*32:i*32+32], ladder[i], want)
		}
	}
	low := make([]curve25519.U, 2)
	low[0] = curve25519.U{9}
	if m.ladder(low) {
		t.Error("circl accepted low order")
	}
}

// A predicate that survives masking tells one bit per item to whoever guesses it. That a masked value is on the curve
// says nothing, because every one is; of items taken for coordinates themselves it would tell, as the last check shows.
func TestCurveBitOfMaskedValues(t *testing.T) {
	const n = 2000
	onCurve := func(u []curve25519.U) int {
		c := 0
		for i := range u {
			if curve25519.OnCurveBatch(u[i:i+1]) < 0 {
				c++
			}
		}
		return c
	}
	key := mustKey(t, SuiteX25519, false)
	items := set([32]byte{9}, 0, n)
	enc := make([]byte, n*montgomeryBytes)
	if err := key.mask(enc, items); err != nil {
		t.Fatal(err)
	}
	masked, direct := make([]curve25519.U, n), make([]curve25519.U, n)
	for i := range items {
		copy(masked[i][:], enc[i*montgomeryBytes:])
		direct[i] = curve25519.U(items[i])
		direct[i][31] &= 0x7f
	}
	if got := onCurve(masked); got != n {
		t.Errorf("%d of %d masked values are on the curve, want all", got, n)
	}
	if before := onCurve(direct); before < n*2/5 || before > n*3/5 { // 9 standard deviations
		t.Errorf("%d of %d hashes are on the curve, about half are", before, n)
	}
	raised := slices.Clone(direct)
	key.multiplier.(*montgomery).ladder(raised)
	for i := range direct {
		if (onCurve(direct[i:i+1]) == 1) != (onCurve(raised[i:i+1]) == 1) {
			t.Fatal("a multiplication moved a point between curve and twist")
		}
	}
}

func TestSecretKeyDoesNotPrint(t *testing.T) {
	for _, s := range suites() {
		k := mustKey(t, s, false)
		for _, f := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			if got := fmt.Sprintf(f, k); got != "psi.secretKey" {
				t.Errorf("%s: %s prints %q", s, f, got)
			}
		}
		k.wipe()
	}
	r := mustKey(t, SuiteRistretto255, false)
	r.wipe()
	if !r.multiplier.(*ristretto).k.IsZero() {
		t.Error("wipe left a scalar of ristretto255")
	}
	w := mustKey(t, SuiteP256, false)
	w.wipe()
	if *w.multiplier.(*weierstrass).k != [32]byte{} {
		t.Error("wipe left a scalar of p256")
	}
}

// A source that gives no scalar, or ends early, is an error and never a hang.
func TestSecretKeyFromABrokenSource(t *testing.T) {
	for _, s := range suites() {
		if _, err := s.group().newKey(bytes.NewReader(make([]byte, 31)), false); fault.CodeOf(err) != fault.Internal {
			t.Errorf("%s, short: %v", s, err)
		}
		for _, b := range []byte{0x00, 0xff} {
			if _, err := s.group().newKey(constant(b), false); s != SuiteX25519 && fault.CodeOf(err) != fault.Internal {
				t.Errorf("%s, %#x: %v", s, b, err)
			}
		}
	}
}

type constant byte

func (c constant) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c)
	}
	return len(p), nil
}

// Equal randomness gives equal messages: the digests pin map, encoding, tags, shuffle and framing of each suite. hello is
// left out, whose digest covers parameters of other methods, and done, whose digest depends on how S's two streams
// interleave. A changed digest is a changed protocol, which needs a new wireVersion.
func TestGoldenRuns(t *testing.T) {
	golden := lines(t, "golden.txt")
	if len(golden) != len(suites())*len(outputs()) {
		t.Fatalf("%d digests, want one for each suite and output", len(golden))
	}
	for _, g := range golden {
		p := small(t, literal(Output(g[1])).of(Suite(g[0])), 4)
		sr, ss := conntest.Sessions(conntest.PartyA, conntest.PartyB, 9)
		o := play(t.Context(), set(sr.Binding, 0, 9), set(sr.Binding, 4, 11), p, p, sr, ss)
		if o.errRecv != nil || o.errSend != nil {
			t.Fatalf("%v; %v", o.errRecv, o.errSend)
		}
		msgs := slices.Concat(o.record.Sent(), o.record.Received())
		msgs = slices.DeleteFunc(msgs, func(m []byte) bool { return m[0] == kindHello || m[0] == kindDone })
		slices.SortFunc(msgs, bytes.Compare)
		if got := fmt.Sprintf("%x", sha256.Sum256(bytes.Join(msgs, nil))); got != g[2] {
			t.Errorf("%s %s %s", g[0], g[1], got)
		}
	}
}
