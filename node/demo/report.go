package demo

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/node/exec"
)

//go:embed report.html.tmpl
var reportTemplate string

// Report is everything the page shows. It is plain data; the zero value of a field means that the job had none of it.
type Report struct {
	Version string        // of the product
	Command string        // what to type to get the same page
	Elapsed time.Duration // of the whole demo

	LabelHolder, Host Participant
	Quality           exec.ReportDocument // the label holder's, with curves
	Cells             *exec.CellsDocument // nil when no noised answer was asked for
	Twin              Twin                // of PlainTwin: on the job's own rows
	Invoice           node.InvoiceView
	Logs              []Log
}

// Participant is one data holder and what its own node says of the job.
type Participant struct {
	Party party.ID
	Job   node.JobView
	Model exec.ModelDocument
}

// Log is one node's verified audit log.
type Log struct {
	Party party.ID
	Audit node.AuditView
}

// WriteReport writes r as one HTML file that loads nothing and runs nothing. Names in r may come from anybody's files:
// they are escaped, and characters that steer a terminal or the direction of text are replaced.
//
// Errors: fault.Unavailable when w fails, fault.Internal when the template does not fit.
func WriteReport(w io.Writer, r Report) error {
	const op = "demo.WriteReport"
	t, err := template.New("report").Parse(reportTemplate)
	if err != nil {
		return fault.Wrap(fault.Internal, op, err, "the template does not parse")
	}
	var b bytes.Buffer
	if err := t.Execute(&b, newPage(r)); err != nil {
		return fault.Wrap(fault.Internal, op, err, "the template does not fit")
	}
	_, err = w.Write(bytes.Map(visible, b.Bytes()))
	return fault.Wrap(fault.Unavailable, op, err, "the report cannot be written")
}

// visible replaces what a reader cannot see: invalid bytes, control characters and those that reorder text.
func visible(r rune) rune {
	if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
		return unicode.ReplacementChar
	}
	return r
}

// page is what the template reads: every number is text already.
type page struct {
	Name, JobID, Phase, PlanDigest string
	LabelHolder, Host              party.ID
	Headline                       []fact
	Charts                         []chart
	Quality                        []qualityRow
	Coefficients                   []barChart
	Intercept                      string
	Answer                         *answer
	Steps                          []stepRows
	Leakage                        []string
	Learned                        []learned
	Notices                        []string
	Receipts                       []receiptRow
	Invoice                        *invoice
	Logs                           []logRow
	Command, Version, Created      string
}

// fact is one headline number.
type fact struct{ Name, Value, Note string }

// qualityRow is one model's measures.
type qualityRow struct{ Name, Class, AUC, KS, LogLoss, Rows string }

func newPage(r Report) page {
	a := r.LabelHolder
	p := page{
		Name: a.Job.Name, JobID: a.Job.ID, Phase: a.Job.Phase, PlanDigest: a.Job.PlanDigest, LabelHolder: a.Party, Host: r.Host.Party,
		Headline: headline(r), Quality: qualityRows(r), Charts: []chart{rocChart(r.Quality.Full, r.Twin, string(a.Party))},
		Coefficients: []barChart{
			coefficientChart("coef-a", string(a.Party), a.Model), coefficientChart("coef-b", string(r.Host.Party), r.Host.Model),
		},
		Answer: newAnswer(r.Cells, r.Twin.Groups), Steps: stepTable(a, r.Host), Leakage: a.Job.Leakage,
		Learned:  []learned{{a.Party, disclosedTo(a.Party, a.Job.Leakage)}, {r.Host.Party, disclosedTo(r.Host.Party, a.Job.Leakage)}},
		Notices:  append(append([]string(nil), a.Job.Notices...), r.Host.Job.Notices...),
		Receipts: append(receiptRows(a), receiptRows(r.Host)...), Invoice: newInvoice(r.Invoice), Logs: logRows(r.Logs),
		Command: r.Command, Version: r.Version,
	}
	if r.Quality.Full != nil {
		p.Charts = append(p.Charts, ksChart(*r.Quality.Full))
	}
	if a.Model.Intercept != nil {
		p.Intercept = signed(*a.Model.Intercept)
	}
	if !a.Job.Created.IsZero() {
		p.Created = a.Job.Created.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return p
}

// headline is the numbers that a reader wants first.
func headline(r Report) []fact {
	a, b := r.LabelHolder, r.Host
	out := []fact{
		{"Rows of " + string(a.Party), thousands(int64(r.Twin.RowsA)), "labels and features"},
		{"Rows of " + string(b.Party), thousands(int64(r.Twin.RowsB)), "features"},
		{"In common", thousands(int64(r.Twin.Intersection)), "matched by key, keys never shown"},
	}
	if q := r.Quality.Full; q != nil {
		out = append(out, fact{"AUC, joint", metric(q.AUC), fmt.Sprintf("on %s test rows", thousands(int64(q.Rows)))})
	}
	out = append(out,
		fact{"AUC, " + string(a.Party) + " alone", metric(r.Twin.AOnly.AUC), "plain, same rows"},
		fact{"AUC, pooled", metric(r.Twin.Pooled.AUC), "plain twin of the joint model"})
	if q := r.Quality.Full; q != nil {
		out = append(out, fact{"KS, joint", metric(q.KS), ""})
	}
	var rounds, sent int64
	for _, s := range a.Job.Steps {
		rounds += s.Rounds
		sent += s.SentBytes
	}
	for _, s := range b.Job.Steps {
		sent += s.SentBytes
	}
	ending := "did not converge"
	if a.Model.Converged {
		ending = "converged"
	}
	out = append(out, fact{"Iterations", fmt.Sprint(a.Model.Iterations), ending})
	if took := a.Job.Ended.Sub(a.Job.Created); !a.Job.Ended.IsZero() {
		out = append(out, fact{"Seconds", seconds(took), "of the job; " + seconds(r.Elapsed) + " with starting three nodes"})
	}
	out = append(out,
		fact{"Rounds", thousands(rounds), "flights at " + string(a.Party)},
		fact{"Sent", strings.TrimSpace(size(sent)), fmt.Sprintf("%s bytes of both parties", thousands(sent))})
	if r.Cells != nil {
		out = append(out, fact{"ε spent", r.Cells.Epsilon, "on one noised answer"})
	}
	return out
}

func qualityRows(r Report) []qualityRow {
	row := func(name, class string, auc, ks, loss float64, rows int) qualityRow {
		return qualityRow{name, class, fmt.Sprintf("%.4f", auc), fmt.Sprintf("%.4f", ks), fmt.Sprintf("%.4f", loss), thousands(int64(rows))}
	}
	var out []qualityRow
	if q := r.Quality.Full; q != nil {
		out = append(out, row("joint, private", "joint", q.AUC, q.KS, q.LogLoss, q.Rows))
	}
	t := r.Twin
	return append(out,
		row("pooled plain twin", "pooled", t.Pooled.AUC, t.Pooled.KS, t.Pooled.LogLoss, t.Pooled.Rows),
		row(string(r.LabelHolder.Party)+" alone", "alone", t.AOnly.AUC, t.AOnly.KS, t.AOnly.LogLoss, t.AOnly.Rows))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()) }
