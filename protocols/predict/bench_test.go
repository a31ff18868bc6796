package predict

import (
	"fmt"
	"testing"
)

// BenchmarkScore runs both parties in one process, keys and setup included.
func BenchmarkScore(b *testing.B) {
	for _, rows := range []int{1, 24000} {
		b.Run(fmt.Sprintf("n=%d/d=13+10", rows), func(b *testing.B) {
			label, host := columns(1, rows, 13, true), columns(2, rows, 10, false)
			mL, mH, _ := halves(b, 1, 13, 10)
			p := mustParams(b, rows, 13, 10)
			for b.Loop() {
				_, _, counted, errL, errH := both(b, mL, mH, label, host, p, p)
				if errL != nil || errH != nil {
					b.Fatal(errL, errH)
				}
				b.ReportMetric(float64(counted.SentBytes+counted.RecvBytes)/float64(rows), "B/row")
			}
		})
	}
}
