package demo

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/node/exec"
	"github.com/tacit-data/tacit/sandbox/meter"
)

// sampleTwin is the plain twin of the sample.
func sampleTwin(t testing.TB) Twin {
	t.Helper()
	twin, err := DrawnTwin(t.Context(), sample(t, 42), 42, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	return twin
}

// shown is a report whose quality is the twin's own, so that the curves are real.
func shown(twin Twin) Report {
	intercept := -1.337
	full := twin.Pooled
	bank := map[string]float64{}
	for _, c := range bankColumns {
		bank[c.name] = c.weight
	}
	utility := map[string]float64{}
	for _, c := range utilityColumns {
		utility[c.name] = c.weight
	}
	r := Report{
		Version: "0.1.0", Command: "tacit demo --seed 42", Elapsed: 31 * time.Second,
		LabelHolder: Participant{"bank", view("bank", "utility"), exec.ModelDocument{Coefficients: bank, Intercept: &intercept, Iterations: 7, Converged: true}},
		Host:        Participant{"utility", view("utility", "bank"), exec.ModelDocument{Coefficients: utility, Iterations: 7, Converged: true}},
		Quality:     exec.ReportDocument{Kind: "report", Metrics: map[string]float64{"auc": full.AUC}, Full: &full},
		Cells:       &exec.CellsDocument{Kind: "aggregate", Epsilon: "1.0", HalfWidth95: 5.99},
		Twin:        twin,
		Invoice: node.InvoiceView{
			Job: "j-7f3a", Agreement: "sha256:1f0e", Payer: "bank", Currency: "CNY", TotalMinor: 12000, Leaf: 38,
			Lines: []node.InvoiceLine{{Payee: "bank", Weight: 55, AmountMinor: 6600}, {Payee: "utility", Weight: 45, AmountMinor: 5400}},
		},
	}
	for i, g := range twin.Groups {
		noised := g.Rows + int64(3*i-4)
		r.Cells.Keys = append(r.Cells.Keys, g.Key)
		r.Cells.Count = append(r.Cells.Count, noised)
		r.Cells.Rate = append(r.Cells.Rate, float64(g.Positives+2)/float64(noised))
	}
	for i, p := range []party.ID{"bank", "utility", "coordinator"} {
		r.Logs = append(r.Logs, Log{p, node.AuditView{
			Size: int64(41 + i), Root: [32]byte{0: 0xab, 31: byte(i)}, VerifierKey: string(p) + "/tacit/1+9c1d+AQ==",
			Checkpoint: fmt.Sprintf("%s/tacit/1\n%d\nq6s=\n\n— %s/tacit/1 nB0=\n", p, 41+i, p),
		}})
	}
	return r
}

// view is a job as one node shows it.
func view(self, peer party.ID) node.JobView {
	began := time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)
	v := node.JobView{
		ID: "j-7f3a", Name: "credit-lr", Phase: "succeeded", PlanDigest: strings.Repeat("9d0c", 16), Created: began, Ended: began.Add(18*time.Second + 250*time.Millisecond),
		Leakage: []string{
			"reveals: the number of rows to bank, utility", "reveals: the intersection size to bank, utility", "reveals: auc, ks to bank, utility",
			"reveals: the score of every row of part test to bank",
		},
	}
	for i, s := range []struct{ id, op string }{
		{"joined", "align"}, {"stats", "aggregate"}, {"parts", "split"}, {"scaled", "scale"}, {"model", "train.glm"}, {"scores", "predict"}, {"report", "evaluate"},
	} {
		sent := int64(i*i) * 181_234
		v.Steps = append(v.Steps, node.StepView{
			ID: s.id, Op: s.op, Phase: "done", Rounds: int64(3 * i), SentBytes: sent, RecvBytes: sent / 2, PlannedBytes: sent + sent/3,
			CPU: time.Duration(i) * 410 * time.Millisecond, Wall: time.Duration(i) * 530 * time.Millisecond,
		})
		v.Receipts = append(v.Receipts, node.ReceiptView{
			Receipt:       meter.Receipt{Job: v.ID, Step: s.id, Party: self, Outcome: meter.Done, Reading: meter.Reading{RowsIn: 8000, SentBytes: sent, Rounds: int64(3 * i)}},
			Countersigned: []party.ID{peer}, Leaf: int64(20 + i),
		})
	}
	v.Receipts = append(v.Receipts, node.ReceiptView{Receipt: meter.Receipt{Step: "theirs", Party: peer, Outcome: meter.Done}, Leaf: -1})
	return v
}

func render(t testing.TB, r Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteReport(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// wellFormed parses the page as XML, which is stricter than any browser, and counts its elements.
func wellFormed(t *testing.T, html string) map[string]int {
	t.Helper()
	seen := map[string]int{}
	d := xml.NewDecoder(strings.NewReader(html))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return seen
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := tok.(xml.StartElement); ok {
			seen[e.Name.Local]++
			for _, a := range e.Attr {
				if strings.HasPrefix(strings.ToLower(a.Name.Local), "on") || a.Name.Local == "src" {
					t.Errorf("<%s> has an attribute %s", e.Name.Local, a.Name.Local)
				}
			}
		}
	}
}

func TestReportShowsTheNumbers(t *testing.T) {
	r := shown(sampleTwin(t))
	html := render(t, r)
	elements := wellFormed(t, html)
	// Two curves with four and two lines in their keys, two bar charts, one lane for each group.
	if want := 2 + 4 + 2 + 2 + len(Regions); elements["svg"] != want || elements["h1"] != 1 || elements["title"] < 5 {
		t.Errorf("%d drawings, want %d; elements %v", elements["svg"], want, elements)
	}
	for _, want := range []string{
		"12,000", "10,000", "8,000", metric(r.Twin.Pooled.AUC), metric(r.Twin.AOnly.AUC), "KS " + metric(r.Twin.Pooled.KS), "18.25", "31.00",
		"−1.337", "kwh_sd", "late_60d", "66.00 CNY", "54.00 CNY", "120.00 CNY", "6,600", "in whole minor units", "41 leaves verified", "coordinator/tacit/1",
		"— utility/tacit/1 nB0=", "reveals: the intersection size to bank, utility", "tacit demo --seed 42", "± 6.0", "known only to this demo",
		"train.glm", "2,899,744", "3,866,325", "75 %", `lang="en"`, `lang="zh-Hans"`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	if strings.Contains(html, "theirs") {
		t.Error("a receipt is shown by the node that did not issue it")
	}
	if path := os.Getenv("TACIT_DEMO_REPORT"); path != "" {
		write(t, path, html)
	}
	write(t, filepath.Join(t.TempDir(), "report.html"), html)
}

func TestReportLoadsAndRunsNothing(t *testing.T) {
	twin := sampleTwin(t)
	html := render(t, shown(twin))
	for _, never := range []string{"<script", "http://", "https://", "@import", "url(", "<iframe", "<link rel=\"stylesheet", "javascript:"} {
		if strings.Contains(html, never) {
			t.Errorf("the page holds %q", never)
		}
	}
	if render(t, shown(twin)) != html {
		t.Error("equal reports give other pages")
	}
}

// hostile are names that a stranger's file might hold.
var hostile = []string{
	`</title><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'/><svg onload=alert(1)>`, `{{.Version}}`, `--></style><b>`,
	`]]>&amp;<`, "a\x00b\x1b[31m\u202egnp.exe", "\xff\xfe", `javascript:alert(1)`,
}

func TestHostileNamesStayText(t *testing.T) {
	twin := sampleTwin(t)
	want := wellFormed(t, render(t, named(twin, "harmless")))
	for _, name := range hostile {
		html := render(t, named(twin, name))
		got := wellFormed(t, html)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q changes the page's elements: %v, not %v", name, got, want)
		}
		for _, never := range []string{"<script", "<img", "<b>", "\x1b", "\u202e", "\x00"} {
			if strings.Contains(html, never) {
				t.Errorf("%q leaves %q in the page", name, never)
			}
		}
	}
}

// named puts name wherever a file, a job or a peer can choose one.
func named(twin Twin, name string) Report {
	r := shown(twin)
	r.Command, r.Version = name, name
	r.Cells.Keys[0], r.Cells.Epsilon = name, name
	r.Host.Model.Coefficients = map[string]float64{name: 1}
	r.Invoice.Agreement, r.Invoice.Currency, r.Invoice.Lines[0].Payee = name, name, party.ID(name)
	r.Logs[0].Audit.Checkpoint, r.Logs[0].Audit.VerifierKey = name, name
	for _, p := range []*Participant{&r.LabelHolder, &r.Host} {
		p.Party = party.ID(name)
		p.Job.Name, p.Job.ID, p.Job.Phase, p.Job.PlanDigest = name, name, name, name
		p.Job.Leakage, p.Job.Notices = []string{"reveals: " + name + " to bank"}, []string{name}
		for i := range p.Job.Steps {
			p.Job.Steps[i].Op = name
			p.Job.Receipts[i].Receipt.Party, p.Job.Receipts[i].Countersigned = party.ID(name), []party.ID{party.ID(name)}
		}
	}
	return r
}

// TestEmptyReport: a job without any of the optional parts still gives a page.
func TestEmptyReport(t *testing.T) {
	html := render(t, Report{})
	wellFormed(t, html)
	for _, never := range []string{"Noised statistics", "Settlement", "KS chart", "NaN", "Inf", "0001-01-01"} {
		if strings.Contains(html, never) {
			t.Errorf("an empty report shows %q", never)
		}
	}
}

func TestInvoiceIsCheckedInIntegers(t *testing.T) {
	r := shown(Twin{})
	r.Invoice.Lines[1].AmountMinor++
	if html := render(t, r); !strings.Contains(html, "do not add up") || strings.Contains(html, "in whole minor units") {
		t.Error("lines that do not add up are not reported")
	}
	r.Invoice.Lines = []node.InvoiceLine{{Payee: "bank", AmountMinor: math.MaxInt64}, {Payee: "utility", AmountMinor: math.MaxInt64}, {Payee: "bank", AmountMinor: 12002}}
	if html := render(t, r); !strings.Contains(html, "do not add up") {
		t.Error("lines that add up only modulo 2^64 pass")
	}
	r.Invoice.Currency = "JPY"
	if html := render(t, r); !strings.Contains(html, "12,000 minor units of JPY") {
		t.Error("another currency is shown with two decimals")
	}
}

func TestSumsAreShownWhenAsked(t *testing.T) {
	r := shown(Twin{})
	r.Cells = &exec.CellsDocument{Keys: []string{"east", "west"}, Sum: []int64{-3, 900}, HalfWidth95: 5.99}
	html := render(t, r)
	if !strings.Contains(html, "−3 ± 6.0") || strings.Contains(html, "Rate, noised") || strings.Contains(html, "Rows, noised") {
		t.Error("an answer of sums does not show sums alone")
	}
}

func TestDisclosedTo(t *testing.T) {
	statement := []string{"reveals: m to a, b", "reveals: what b owes to c to b", "reveals: m to b", "no direction", "reveals: z to ab"}
	for p, want := range map[party.ID]string{"a": "m", "b": "m|what b owes to c", "c": "", "ab": "z"} {
		if got := strings.Join(disclosedTo(p, statement), "|"); got != want {
			t.Errorf("%s learns %q, want %q", p, got, want)
		}
	}
}

// refusing is a writer that is full.
type refusing struct{}

func (refusing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestWriteReportPassesOnErrors(t *testing.T) {
	if err := WriteReport(refusing{}, Report{}); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("got %v, want %v", err, fault.Unavailable)
	}
}

// TestContrast checks the palettes against WCAG 2.2, 1.4.3 and 1.4.11: 4.5 for text, 3 for what is drawn.
func TestContrast(t *testing.T) {
	palettes := regexp.MustCompile(`:root \{[^}]*\}`).FindAllString(reportTemplate, -1)
	if len(palettes) != 3 {
		t.Fatalf("%d palettes, want light, dark and print", len(palettes))
	}
	for i, css := range palettes {
		color := map[string]float64{}
		for _, m := range regexp.MustCompile(`--(\w+): #([0-9a-f]{6})`).FindAllStringSubmatch(css, -1) {
			color[m[1]] = luminance(t, m[2])
		}
		for _, text := range []string{"ink", "soft", "joint", "pooled", "alone", "good", "bad"} {
			for _, ground := range []string{"paper", "card", "tint"} {
				hi, lo := max(color[text], color[ground]), min(color[text], color[ground])
				if ratio := (hi + 0.05) / (lo + 0.05); ratio < 4.5 {
					t.Errorf("palette %d: %s on %s has contrast %.2f", i, text, ground, ratio)
				}
			}
		}
	}
}

// luminance is WCAG's relative luminance of an sRGB colour.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
