package psi

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
)

// tail returns Pr[Binomial(n, 2^−k) > c] by the plain sum Σ C(n,j)·(2^k−1)^(n−j) / 2^(kn), in integers.
func tail(n int64, k int, c int64) *big.Rat {
	sum := new(big.Int)
	term := new(big.Int)
	others := big.NewInt(1<<k - 1)
	for j := c + 1; j <= n; j++ {
		term.Binomial(n, j)
		sum.Add(sum, term.Mul(term, new(big.Int).Exp(others, big.NewInt(n-j), nil)))
	}
	return new(big.Rat).SetFrac(sum, new(big.Int).Lsh(big.NewInt(1), uint(int64(k)*n)))
}

// TestBucketCapIsTheLeast compares with the definition: the union over the buckets stays below 2^−41, and one less does
// not.
func TestBucketCapIsTheLeast(t *testing.T) {
	for _, k := range []int{1, 2, 5} {
		for _, n := range []int64{1, 2, 3, 7, 31, 32, 33, 97, 255, 256, 257, 600, 1021} {
			limit := new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Lsh(big.NewInt(1), uint(MinSSP+1+k)))
			c := bucketCap(n, k)
			if tail(n, k, c).Cmp(limit) > 0 {
				t.Errorf("n=%d k=%d: cap %d overflows too often", n, k, c)
			}
			if c > n>>k && tail(n, k, c-1).Cmp(limit) <= 0 {
				t.Errorf("n=%d k=%d: cap %d is not the least", n, k, c)
			}
		}
	}
}

// TestTailAgreesWithLogGamma compares the saddle-point tail with the textbook formula where that is accurate.
func TestTailAgreesWithLogGamma(t *testing.T) {
	lg := func(x int64) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
	for _, c := range []struct {
		n int64
		k int
		x int64
	}{{1000, 3, 200}, {1<<20 + 7, 4, 70000}, {1 << 24, 6, 1<<18 + 3000}, {99991, 8, 1}, {20, 1, 20}} {
		p := math.Exp2(-float64(c.k))
		want := lg(c.n) - lg(c.x) - lg(c.n-c.x) + float64(c.x)*math.Log(p) + float64(c.n-c.x)*math.Log1p(-p)
		// Three log-gammas of about n·ln n cancel: their rounding is the tolerance.
		if got := logChoose(c.n, c.k, c.x); math.Abs(got-want) > 1e-14*lg(c.n)+1e-12 {
			t.Errorf("n=%d k=%d x=%d: %v, want %v", c.n, c.k, c.x, got, want)
		}
	}
}

func TestPlanBuckets(t *testing.T) {
	const roomy = 1 << 40
	for _, c := range []struct {
		self, peer, mem int64
		bits            int
	}{
		{0, 0, roomy, 0},
		{1, 0, roomy, 0},
		{1 << 20, 12345, roomy, 0},
		{1<<20 + 1, 1, roomy, 1},
		{3_000_000, 1 << 20, roomy, 2},
		{1 << 22, 1 << 22, roomy, 2},
		{1<<22 + 1, 5, roomy, 3},
		{1e9, 7, roomy, 10},
		{1 << 28, 1 << 28, roomy, 8},
		{1 << 20, 1 << 20, 192 << 20, 0},
		{1 << 20, 1 << 20, 192<<20 - 1, 1},
		{1 << 20, 1 << 20, 192 << 16, 5},
	} {
		b, err := PlanBuckets(c.self, c.peer, c.mem)
		if err != nil || b.Bits != c.bits || b.SSP != MinSSP+c.bits {
			t.Errorf("%d, %d in %d bytes: %+v, %v, want k=%d", c.self, c.peer, c.mem, b, err, c.bits)
			continue
		}
		if b.Bits == 0 && (int64(b.CapSelf) != c.self || int64(b.CapPeer) != c.peer) {
			t.Errorf("%+v pads a single bucket", b)
		}
		if int64(b.CapSelf)*int64(b.Count()) < c.self {
			t.Errorf("%+v cannot hold %d items", b, c.self)
		}
		swapped, err := PlanBuckets(c.peer, c.self, c.mem)
		if err != nil || swapped.CapSelf != b.CapPeer || swapped.CapPeer != b.CapSelf || swapped.Bits != b.Bits {
			t.Errorf("the peer plans %+v, %v; this party %+v", swapped, err, b)
		}
		followed, err := CutBuckets(c.self, c.peer, b.Bits)
		if err != nil || followed != b {
			t.Errorf("CutBuckets %+v, %v, want %+v", followed, err, b)
		}
	}
}

// TestPaddingOverhead checks the overhead that the bound costs at 2²⁸ items.
func TestPaddingOverhead(t *testing.T) {
	for k, want := range map[int]float64{8: 0.0077, 6: 0.0037, 10: 0.016} { // buckets of 2²⁰, 2²², 2¹⁸
		c := bucketCap(1<<28, k)
		if got := float64(c)/float64(int64(1<<28)>>k) - 1; math.Abs(got-want) > 0.0006 {
			t.Errorf("k=%d: cap %d, overhead %.4f, want %.4f", k, c, got, want)
		}
	}
}

func TestPlanBucketsRefuses(t *testing.T) {
	for _, c := range []struct {
		self, peer, mem int64
		want            fault.Code
	}{
		{-1, 0, 1, fault.Invalid},
		{0, -1, 1, fault.Invalid},
		{1, 1, 0, fault.Invalid},
		{1 << 20, 1, 1000, fault.LimitExceeded},
		{1 << 40, 1, 1 << 40, fault.LimitExceeded},
	} {
		if _, err := PlanBuckets(c.self, c.peer, c.mem); fault.CodeOf(err) != c.want {
			t.Errorf("%d, %d in %d: %v, want %v", c.self, c.peer, c.mem, err, c.want)
		}
	}
	for _, k := range []int{-1, MaxBucketBits + 1} {
		if _, err := CutBuckets(1, 1, k); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("k=%d: %v", k, err)
		}
	}
	if _, err := CutBuckets(1<<26, 1, 1); fault.CodeOf(err) != fault.LimitExceeded {
		t.Errorf("a bucket above MaxItems: %v", err)
	}
}

// TestBucketsOf: every item has one bucket in range, a finer cut splits a bucket, and hashes fill buckets evenly.
func TestBucketsOf(t *testing.T) {
	coarse, fine := Buckets{Bits: 3}, Buckets{Bits: 5}
	var fill [8]int
	for i := range 8000 {
		item := Item(sha256.Sum256(binary.BigEndian.AppendUint32(nil, uint32(i))))
		b := coarse.Of(item)
		if (Buckets{}).Of(item) != 0 || b < 0 || b >= coarse.Count() || fine.Of(item)>>2 != b {
			t.Fatalf("item %d: buckets %d of 8, %d of 32", i, b, fine.Of(item))
		}
		fill[b]++
	}
	for b, n := range fill { // 1000 ± 30 (σ); 7σ is a false alarm in 10¹¹
		if n < 790 || n > 1210 {
			t.Errorf("bucket %d holds %d of 8000", b, n)
		}
	}
}

func ExamplePlanBuckets() {
	b, _ := PlanBuckets(100_000_000, 3_000_000, 1<<30)
	fmt.Println(b.Count(), "buckets of", b.CapSelf, "and", b.CapPeer, "items at ssp", b.SSP)
	// Output: 128 buckets of 788112 and 24634 items at ssp 47
}
