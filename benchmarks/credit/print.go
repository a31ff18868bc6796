package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

const notMeasured = "not measured"

// printTable prints medians; an empty cell says that it was not measured.
func printTable(w io.Writer, s Study) {
	m := s.Machine
	_, _ = fmt.Fprintf(w, "%s, %d cores, %s, %s, %s, load %s\n", m.CPU, m.Cores, m.Go, m.Commit, m.Date, m.Load)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "table\trows\tcols\twall s\tcpu s\ttrain s/iter\tMB sent\tAUC joint\tpooled gap\tsklearn AUC\tsklearn fit s\ttrain ÷ fit\tSPU s/iter\tSPU ÷ ours")
	for _, r := range s.Runs {
		sk, spu := r.Peer[sklearnPeer], r.Peer[spuPeer]
		auc, fit, per := notMeasured, notMeasured, notMeasured
		if sk.AUC != nil {
			auc = fmt.Sprintf("%.4f", *sk.AUC)
		}
		if sk.Fit != nil {
			fit = fmt.Sprintf("%.4f", sk.Fit.Median)
		}
		if spu.PerIteration > 0 {
			per = fmt.Sprintf("%.2f", spu.PerIteration)
		}
		_, _ = fmt.Fprintf(t, "%s\t%d\t%d\t%.1f\t%.1f\t%.3f\t%.1f\t%.4f\t%.5f\t%s\t%s\t%s\t%s\t%s\n", r.Name, r.Rows, r.Cols,
			r.Median.WallSeconds, r.Median.CPUSeconds, r.Median.TrainSecondsPerIteration, float64(r.Bytes)/1e6,
			r.Quality.AUCJoint, r.Ratios["auc_pooled_gap"], auc, fit,
			ratio(r, "train_to_sklearn_fit"), per, ratio(r, "spu_iteration_to_tacit_iteration"))
	}
	_ = t.Flush()
}

func ratio(r Run, name string) string {
	v, ok := r.Ratios[name]
	if !ok {
		return notMeasured
	}
	return fmt.Sprintf("%.1f×", v)
}
