package demo

import (
	"fmt"
	"io"
	"strings"

	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node"
)

// teller prints the story, one fact a line.
type teller struct {
	w    io.Writer
	told *map[string]string // step → phase last shown
}

// line prints one fact. Output that cannot be written is nobody's failure here: the results are in the report too.
func (t teller) line(what, format string, args ...any) {
	_, _ = fmt.Fprintf(t.w, "%-12s %s\n", what, fmt.Sprintf(format, args...))
}

// progress prints what changed since the last view: the plan once, and each step when it ends.
func (t *teller) progress(v node.JobView) {
	if t.told == nil {
		t.told = &map[string]string{}
	}
	told := *t.told
	if v.PlanDigest != "" && told["plan"] == "" {
		told["plan"] = v.PlanDigest
		t.line("plan", "%s…  %d leakage lines, approved by policy at both owners", v.PlanDigest[:12], len(v.Leakage))
	}
	for _, s := range v.Steps {
		if s.Phase == told[s.ID] {
			t.moving(s, told)
			continue
		}
		told[s.ID] = s.Phase
		if s.Phase != "done" {
			continue
		}
		if s.Rounds == 0 {
			t.line(s.ID, "%-10s done   local   %6.2f s", s.Op, s.Wall.Seconds())
			continue
		}
		t.line(s.ID, "%-10s done   %4d rounds   sent %s   received %s   %6.2f s", s.Op, s.Rounds, size(s.SentBytes), size(s.RecvBytes), s.Wall.Seconds())
	}
}

// moving shows a long step at each quarter.
func (t *teller) moving(s node.StepView, told map[string]string) {
	if s.Phase != "active" || s.Total < 2 || s.Op != "train.glm" {
		return
	}
	quarter := fmt.Sprint(s.Done * 4 / s.Total)
	if key := s.ID + "/quarter"; quarter != "0" && told[key] != quarter {
		told[key] = quarter
		t.line(s.ID, "%s %d of at most %d iterations", bar(s.Done, s.Total), s.Done, s.Total)
	}
}

func bar(done, total int64) string {
	const width = 16
	full := int(done * width / total)
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}

func size(n int64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%7.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%7.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%7d B ", n)
}

// conclusion prints the results.
func (t teller) conclusion(s Summary, res *outcome) {
	t.line("rows", "bank %s   utility %s   in common %s", thousands(int64(s.RowsA)), thousands(int64(s.RowsB)), thousands(int64(s.Intersection)))
	for _, n := range s.Notices {
		t.line("notice", "%s", n)
	}
	t.line("report", "AUC %.4f   bank alone %.4f   pooled plain twin %.4f   KS %.4f", s.AUCJoint, s.AUCAOnly, s.AUCPooled, s.KSJoint)
	t.line("training", "%d iterations   %.2f s each   %d rounds in all   %s by all parties   %.1f CPU-s   peak %s",
		s.Iterations, s.TrainSecondsPerIteration, s.Rounds, strings.TrimSpace(size(s.BytesSent)), s.CPUSeconds, strings.TrimSpace(size(s.PeakRSSBytes)))
	if c := res.cells; c != nil {
		t.line("statistics", "noised with ε = %s, ± %.0f rows (95 %%): %s", c.Epsilon, c.HalfWidth95, cellsText(res))
	}
	for _, l := range s.Leakage {
		t.line("leak", "%s", l)
	}
	signed := 0
	for _, r := range res.bank.Receipts {
		if len(r.Countersigned) > 0 {
			signed++
		}
	}
	t.line("receipts", "%d of %d countersigned", signed, len(res.bank.Receipts))
	t.line("invoice", "%s %s = %s, paid by %s", s.Invoice.Currency, money(s.Invoice.TotalMinor), invoiceText(res.invoice), s.Invoice.Payer)
	for _, p := range []party.ID{"bank", "utility", "coordinator"} {
		a := res.audits[p]
		t.line("audit", "%-12s %d leaves verified, root %x…", p, a.Size, a.Root[:6])
	}
	t.line("html", "%s", s.Report)
	t.line("done", "%.1f s", s.WallSeconds)
}

func cellsText(res *outcome) string {
	out := make([]string, len(res.cells.Keys))
	for i, k := range res.cells.Keys {
		out[i] = k
		if i < len(res.cells.Count) {
			out[i] += fmt.Sprintf(" %d", res.cells.Count[i])
		}
		if i < len(res.cells.Rate) {
			out[i] += fmt.Sprintf(" at %.3f", res.cells.Rate[i])
		}
	}
	return strings.Join(out, " · ")
}

func invoiceText(v node.InvoiceView) string {
	out := make([]string, len(v.Lines))
	for i, l := range v.Lines {
		out[i] = fmt.Sprintf("%s %s", l.Payee, money(l.AmountMinor))
	}
	return strings.Join(out, " + ")
}

func money(minor int64) string { return fmt.Sprintf("%d.%02d", minor/100, minor%100) }
