package curve25519

import "testing"

const benchItems = 4 * block

func perItem(b *testing.B) {
	b.Helper()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchItems, "ns/item")
	b.ReportMetric(float64(b.N)*benchItems/b.Elapsed().Seconds(), "masks/s")
}

func BenchmarkMulBatch(b *testing.B) {
	r := source(30)
	k, u := randomScalar(b, r), randomPoints(r, benchItems)
	b.ReportAllocs()
	for b.Loop() {
		MulBatch(u, u, k)
	}
	perItem(b)
}

func BenchmarkMapMulBatch(b *testing.B) {
	k, item, u := randomScalar(b, source(31)), randomItems(31, benchItems), make([]U, benchItems)
	b.ReportAllocs()
	for b.Loop() {
		MapMulBatch(u, item, []byte("tacit-psi-v1-x25519-ell2"), k)
	}
	perItem(b)
}

func BenchmarkMapBatch(b *testing.B) {
	item, u := randomItems(32, benchItems), make([]U, benchItems)
	b.ReportAllocs()
	for b.Loop() {
		MapBatch(u, item, []byte("tacit-psi-v1-x25519-ell2"))
	}
	perItem(b)
}

// BenchmarkHashToField is the part of MapBatch that runs in crypto/sha512.
func BenchmarkHashToField(b *testing.B) {
	item := randomItems(33, benchItems)
	var x xmd
	x.setup([]byte("tacit-psi-v1-x25519-ell2"))
	var r fe
	for b.Loop() {
		for i := range item {
			x.field(&r, &item[i])
		}
	}
	perItem(b)
}

func BenchmarkOnCurveBatch(b *testing.B) {
	u := make([]U, benchItems)
	MapBatch(u, randomItems(34, benchItems), []byte("t"))
	b.ReportAllocs()
	for b.Loop() {
		if OnCurveBatch(u) != -1 {
			b.Fatal("off the curve")
		}
	}
	perItem(b)
}
