package train

import (
	"fmt"
	"testing"
)

// BenchmarkGLM runs both parties in one process; ns/op is of five iterations and one check.
func BenchmarkGLM(b *testing.B) {
	for _, shape := range [][3]int{{1000, 5, 5}, {24000, 13, 10}, {100000, 25, 25}} {
		b.Run(fmt.Sprintf("n=%d/d=%d+%d", shape[0], shape[1], shape[2]), func(b *testing.B) {
			s := generate(1, shape[0], shape[1], shape[2], 1)
			l := s.literal()
			l.MaxIter, l.Tol = checkEvery, MinTol
			b.ReportAllocs()
			for b.Loop() {
				_, o := mustFit(b, s, l)
				cost := o.cost
				b.ReportMetric(float64(cost.SentBytes+cost.RecvBytes)/1e6/checkEvery, "MB/iteration")
				b.ReportMetric(float64(cost.Rounds)/checkEvery, "rounds/iteration")
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/checkEvery, "s/iteration")
		})
	}
}
