package demo

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/node/exec"
)

// none stands where a table has nothing to say.
const none = "–"

// stepRows is one step with one row per party.
type stepRows struct {
	ID, Op string
	Rows   []stepRow
}

type stepRow struct {
	Party                                          party.ID
	Rounds, Sent, Planned, Received, Of, CPU, Wall string
}

// stepTable puts what both nodes measured of a step under each other, in the plan's order.
func stepTable(parties ...Participant) []stepRows {
	var out []stepRows
	for _, p := range parties {
		for _, s := range p.Job.Steps {
			i := slices.IndexFunc(out, func(r stepRows) bool { return r.ID == s.ID })
			if i < 0 {
				i = len(out)
				out = append(out, stepRows{ID: s.ID, Op: s.Op})
			}
			out[i].Rows = append(out[i].Rows, newStepRow(p.Party, s))
		}
	}
	return out
}

func newStepRow(p party.ID, s node.StepView) stepRow {
	row := stepRow{
		Party: p, Rounds: thousands(s.Rounds), Sent: thousands(s.SentBytes), Planned: none, Received: thousands(s.RecvBytes),
		CPU: seconds(s.CPU), Wall: seconds(s.Wall),
	}
	if s.PlannedBytes > 0 {
		row.Planned = thousands(s.PlannedBytes)
		row.Of = percent(float64(s.SentBytes) / float64(s.PlannedBytes))
	}
	return row
}

// learned is the part of the leakage statement that one party receives.
type learned struct {
	Party   party.ID
	Details []string
}

// disclosedTo picks the details that p receives from statement lines "reveals: DETAIL to PARTY, PARTY", each once. A
// party's name holds no space, so the last " to " parts detail from parties.
func disclosedTo(p party.ID, statement []string) []string {
	var out []string
	for _, line := range statement {
		at := strings.LastIndex(line, " to ")
		if at < 0 {
			continue
		}
		detail := strings.TrimPrefix(line[:at], "reveals: ")
		if slices.Contains(strings.Split(line[at+len(" to "):], ", "), string(p)) && !slices.Contains(out, detail) {
			out = append(out, detail)
		}
	}
	return out
}

// answer is the noised answer beside the exact one.
type answer struct {
	Epsilon, HalfWidth        string
	HasCount, HasSum, HasRate bool
	Rows                      []answerRow
}

type answerRow struct {
	Key                    string
	Count, ExactCount      string
	Sum, ExactSum          string
	Rate, ExactRate        string
	Lane                   lane
	CountWithin, SumWithin bool // the exact value lies inside the interval
}

func newAnswer(c *exec.CellsDocument, exact []GroupCount) *answer {
	if c == nil {
		return nil
	}
	n := len(c.Keys)
	a := &answer{
		Epsilon: c.Epsilon, HalfWidth: fmt.Sprintf("%.1f", c.HalfWidth95),
		HasCount: n > 0 && len(c.Count) == n, HasSum: n > 0 && len(c.Sum) == n, HasRate: n > 0 && len(c.Rate) == n,
	}
	counts := make([]int64, n)
	for i, key := range c.Keys {
		g := groupOf(exact, key)
		counts[i] = g.Rows
		row := answerRow{Key: key, ExactCount: thousands(g.Rows), ExactSum: thousands(g.Positives), ExactRate: metric(g.Rate())}
		if a.HasCount {
			row.Count, row.CountWithin = integer(c.Count[i]), within(c.Count[i], g.Rows, c.HalfWidth95)
		}
		if a.HasSum {
			row.Sum, row.SumWithin = integer(c.Sum[i]), within(c.Sum[i], g.Positives, c.HalfWidth95)
		}
		if a.HasRate {
			row.Rate = metric(c.Rate[i])
		}
		a.Rows = append(a.Rows, row)
	}
	if a.HasCount {
		for i, l := range lanes(c.Count, c.HalfWidth95, counts) {
			a.Rows[i].Lane = l
		}
	}
	return a
}

// groupOf finds the exact count of a key; a declared key that no row has counts zero.
func groupOf(exact []GroupCount, key string) GroupCount {
	if i := slices.IndexFunc(exact, func(g GroupCount) bool { return g.Key == key }); i >= 0 {
		return exact[i]
	}
	return GroupCount{Key: key}
}

func within(noised, exact int64, halfWidth float64) bool {
	d := float64(noised) - float64(exact)
	return d <= halfWidth && -d <= halfWidth
}

// integer writes a number that may be negative.
func integer(n int64) string {
	if n < 0 {
		return "−" + thousands(-max(n, -math.MaxInt64))
	}
	return thousands(n)
}

// receiptRow is one party's own receipt of a step.
type receiptRow struct {
	Step, Outcome                        string
	Party                                party.ID
	RowsIn, RowsOut, Cells, Sent, Rounds string
	Countersigned, Leaf                  string
}

// receiptRows lists the receipts that p's node issued, with their leaves in its own log.
func receiptRows(p Participant) []receiptRow {
	var out []receiptRow
	for _, v := range p.Job.Receipts {
		r := v.Receipt
		if r.Party != p.Party {
			continue
		}
		row := receiptRow{
			Step: r.Step, Outcome: r.Outcome.String(), Party: r.Party, RowsIn: thousands(r.Reading.RowsIn), RowsOut: thousands(r.Reading.RowsOut),
			Cells: thousands(r.Reading.CellsOut), Sent: thousands(r.Reading.SentBytes), Rounds: thousands(r.Reading.Rounds),
			Countersigned: "nobody yet", Leaf: leafText(v.Leaf),
		}
		if len(v.Countersigned) > 0 {
			row.Countersigned = joinParties(v.Countersigned)
		}
		out = append(out, row)
	}
	return out
}

func joinParties(list []party.ID) string {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = string(p)
	}
	return strings.Join(names, ", ")
}

func leafText(leaf int64) string {
	if leaf < 0 {
		return none
	}
	return thousands(leaf)
}

// invoice is the bill with its check.
type invoice struct {
	Payer            party.ID
	Agreement        string
	Currency         string
	Total, Leaf, Sum string
	Exact            bool // the lines add up to the total, in integers
	Lines            []invoiceRow
}

type invoiceRow struct {
	Payee          party.ID
	Weight, Amount string
	Minor          string
}

func newInvoice(v node.InvoiceView) *invoice {
	if v.Job == "" {
		return nil
	}
	out := &invoice{Payer: v.Payer, Agreement: v.Agreement, Currency: v.Currency, Total: amount(v.TotalMinor, v.Currency), Leaf: leafText(v.Leaf)}
	sum := new(big.Int)
	for _, l := range v.Lines {
		sum.Add(sum, big.NewInt(l.AmountMinor))
		out.Lines = append(out.Lines, invoiceRow{
			Payee: l.Payee, Weight: thousands(l.Weight), Amount: amount(l.AmountMinor, v.Currency), Minor: integer(l.AmountMinor),
		})
	}
	out.Sum, out.Exact = sum.String(), sum.IsInt64() && sum.Int64() == v.TotalMinor
	return out
}

// amount writes minor units. Only the demo's own currency is known to have two decimals.
func amount(minor int64, currency string) string {
	if currency == "CNY" && minor >= 0 {
		return money(minor) + " CNY"
	}
	return integer(minor) + " minor units of " + currency
}

// logRow is one verified log.
type logRow struct {
	Party                   party.ID
	Size, Root              string
	Checkpoint, VerifierKey string
}

func logRows(list []Log) []logRow {
	out := make([]logRow, len(list))
	for i, l := range list {
		out[i] = logRow{
			Party: l.Party, Size: thousands(l.Audit.Size), Root: fmt.Sprintf("%x", l.Audit.Root), Checkpoint: l.Audit.Checkpoint,
			VerifierKey: l.Audit.VerifierKey,
		}
	}
	return out
}
