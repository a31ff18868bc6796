package he

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// testRand is a reproducible random source.
func testRand(label string) io.Reader {
	h := sha256.Sum256([]byte(label))
	return aes.NewStream(aes.Block(h[:16]), aes.Block(h[16:]))
}

// bench is what nearly every test needs: a set, a key pair and kits.
type bench struct {
	p    Params
	key  Secret
	kits []*Kit
	pk   *PublicKey
}

func newBench(t testing.TB, id ID, workers int) bench {
	t.Helper()
	p, err := Lookup(id)
	if err != nil {
		t.Fatal(err)
	}
	r := testRand(t.Name())
	key, err := NewSecret(p, r)
	if err != nil {
		t.Fatal(err)
	}
	kits, err := NewKits(p, r, workers)
	if err != nil {
		t.Fatal(err)
	}
	pk, err := kits[0].PublicKey(key, sha256.Sum256([]byte("transcript")))
	if err != nil {
		t.Fatal(err)
	}
	return bench{p, key, kits, pk}
}

func wantCode(t *testing.T, err error, want fault.Code) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != want {
		t.Fatalf("got %v, want %s", err, want)
	}
	if _, ok := errors.AsType[*fault.Error](err); !ok {
		t.Fatalf("%T is not a *fault.Error", err)
	}
}

func TestRandomSourceFailures(t *testing.T) {
	p, err := Lookup(H1)
	if err != nil {
		t.Fatal(err)
	}
	short := func(n int64) io.Reader { return io.LimitReader(testRand("short"), n) }
	for _, n := range []int64{0, 1, SeedBytes - 1} {
		_, err := NewSecret(p, short(n))
		wantCode(t, err, fault.Unavailable)
	}
	_, err = NewKits(p, short(3*SeedBytes-1), 3)
	wantCode(t, err, fault.Unavailable)
	if _, err := NewKits(p, short(3*SeedBytes), 3); err != nil {
		t.Fatal(err)
	}
	_, err = NewSecret(p, nil)
	wantCode(t, err, fault.Invalid)
	_, err = NewKits(p, testRand(""), 0)
	wantCode(t, err, fault.Invalid)
	_, err = NewKits(p, testRand(""), MaxWorkers+1)
	wantCode(t, err, fault.LimitExceeded)
	_, err = NewKits(Params{}, testRand(""), 1)
	wantCode(t, err, fault.Invalid)
	_, err = NewSecret(Params{}, testRand(""))
	wantCode(t, err, fault.Invalid)
}

func TestSamplerDistributions(t *testing.T) {
	s, err := newSampler(testRand(t.Name()))
	if err != nil {
		t.Fatal(err)
	}
	const n = 1 << 16
	x := make([]int64, n)
	s.ternary(x)
	count := map[int64]int{}
	for _, v := range x {
		count[v]++
	}
	// Each count is binomial(n, 1/3), σ = 121; 7σ fails once in 10^11 runs.
	for v := int64(-1); v <= 1; v++ {
		if d := count[v] - n/3; d < -850 || d > 850 {
			t.Errorf("%d of %d trits are %d", count[v], n, v)
		}
	}
	s.errors(x)
	var sum, square float64
	for _, v := range x {
		if v < -errorBound || v > errorBound {
			t.Fatalf("an error beyond ±%d", errorBound)
		}
		sum += float64(v)
		square += float64(v * v)
	}
	// Variance 10.5 with relative σ √(2/n) = 0.55 %; mean 0 with σ 0.0127.
	if v := square / n; v < 10.1 || v > 10.9 {
		t.Errorf("variance %.2f, want 10.5", v)
	}
	if m := sum / n; m < -0.1 || m > 0.1 {
		t.Errorf("mean %.3f, want 0", m)
	}
}

func TestNothingSecretPrints(t *testing.T) {
	b := newBench(t, H1, 1)
	pt, err := NewPlain(b.p)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.kits[0].EncodeInt(pt, []int64{77777}); err != nil {
		t.Fatal(err)
	}
	m := Matrix{Rows: 1, Cols: 1, Data: []int64{77777}}
	enc := &Encoded{&encoded{x: m}}
	limb := fmt.Sprint(b.key.open().s[0][0])
	type holder struct {
		key Secret
		ptr *Secret
		kit *Kit
		pt  *Plain
		enc *Encoded
		Key Secret
	}
	h := holder{b.key, &b.key, b.kits[0], pt, enc, b.key}
	for _, v := range []any{b.key, &b.key, b.kits[0], *b.kits[0], pt, *pt, enc, *enc, m, h, &h, []Secret{b.key}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
			got := fmt.Sprintf(verb, v)
			for _, leak := range []string{limb, "77777", "12fd1"} {
				if strings.Contains(got, leak) {
					t.Errorf("%s of %T prints what it holds", verb, v)
				}
			}
			if len(got) > 600 {
				t.Errorf("%s of %T prints %d bytes", verb, v, len(got))
			}
		}
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", b.key, "kit", b.kits[0], "pt", pt, "enc", enc, "m", m)
	for _, name := range []string{"key=he.Secret", "kit=he.Kit", "pt=he.Plain", "enc=he.Encoded", "m=he.Matrix(1×1)"} {
		if !strings.Contains(log.String(), name) {
			t.Errorf("log lacks %s", name)
		}
	}
	if got := fmt.Sprint(b.key); got != "he.Secret" {
		t.Errorf("got %s", got)
	}
}

func TestEachStopsAndRefuses(t *testing.T) {
	b := newBench(t, H1, 2)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := each(ctx, b.p, b.kits, 3, func(*Kit, int) error { return nil })
	wantCode(t, err, fault.Canceled)
	wantCode(t, each(context.Background(), b.p, nil, 3, nil), fault.Invalid)
	other, _ := Lookup(H2)
	wantCode(t, each(context.Background(), other, b.kits, 3, nil), fault.Invalid)
	seen := make([]int, 7)
	if err := each(context.Background(), b.p, b.kits, 7, func(_ *Kit, i int) error { seen[i]++; return nil }); err != nil {
		t.Fatal(err)
	}
	for i, n := range seen {
		if n != 1 {
			t.Errorf("item %d ran %d times", i, n)
		}
	}
}
