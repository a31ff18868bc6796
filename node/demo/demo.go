package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/node/exec"
	"github.com/tacit-data/tacit/node/rpc"
)

// Options say how the demo runs. The zero value makes and uses its own sample.
type Options struct {
	Guest, Host string // the bank's and the utility's file; both or none
	ID, Label   string // columns of the user's files
	Group       string // column of the bank's file to answer noised statistics by; empty: none
	Port        int    // first of six ports to insist on; 0: 7600 and up where free
	Seed        uint64 // of the sample
	Keep        bool   // leave the nodes up until interrupted, and the directory behind
	JSON        bool   // print one JSON object instead of the story
	Dir         string // where the nodes live; empty: a temporary directory
	Report      string // where the HTML report goes; empty: report.html in the working directory
	Binary      string // the tacit binary; empty: this process's

	sample bool // the files are the demo's own
}

// Summary is what the demo found, as --format json prints it. Bytes are of all parties together, memory of the largest
// process.
type Summary struct {
	Kind                     string   `json:"kind"`
	Version                  int      `json:"version"`
	JobID                    string   `json:"job_id"`
	RowsA                    int      `json:"rows_a"`
	RowsB                    int      `json:"rows_b"`
	Intersection             int      `json:"intersection"`
	AUCJoint                 float64  `json:"auc_joint"`
	AUCPooled                float64  `json:"auc_pooled"`
	AUCAOnly                 float64  `json:"auc_a_only"`
	KSJoint                  float64  `json:"ks_joint"`
	EpsilonSpent             float64  `json:"epsilon_spent"`
	Rounds                   int64    `json:"rounds"`
	BytesSent                int64    `json:"bytes_sent"`
	WallSeconds              float64  `json:"wall_seconds"`
	TrainSecondsPerIteration float64  `json:"train_seconds_per_iteration"`
	Iterations               int      `json:"iterations"`
	PeakRSSBytes             int64    `json:"peak_rss_bytes"`
	CPUSeconds               float64  `json:"cpu_seconds"`
	AuditVerified            bool     `json:"audit_verified"`
	Leakage                  []string `json:"leakage"`
	Notices                  []string `json:"notices"`
	Invoice                  Invoice  `json:"invoice"`
	Report                   string   `json:"report"`
}

// Invoice is the job's price in minor units and who gets what.
type Invoice struct {
	Currency   string           `json:"currency"`
	TotalMinor int64            `json:"total_minor"`
	Payer      party.ID         `json:"payer"`
	Lines      map[string]int64 `json:"lines"`
}

// outcome is everything the demo gathered.
type outcome struct {
	files         Files
	bank, utility node.JobView
	report        exec.ReportDocument
	models        map[party.ID]exec.ModelDocument
	cells         *exec.CellsDocument
	twin          Twin
	invoice       node.InvoiceView
	audits        map[party.ID]node.AuditView
	infos         map[party.ID]node.Info
	wall          time.Duration
}

// Run runs the demo: results to out, the story's progress too unless JSON is asked for, then to progress.
//
// Errors: those of the job, as its user sees them (*rpc.Failure); fault.Unavailable when a port is taken; fault.Invalid for
// options that do not go together and for a report that cannot be written.
func Run(ctx context.Context, o Options, out, progress io.Writer) error {
	began := time.Now()
	if err := o.fill(); err != nil {
		return err
	}
	dir, remove, err := workplace(o)
	if err != nil {
		return err
	}
	defer remove()
	if o.Guest == "" {
		o.sample = true
		o.Guest, o.Host, o.ID, o.Label, o.Group = filepath.Join(dir, "bank.csv"), filepath.Join(dir, "utility.csv"), "id", "y", "region"
		if err := WriteSample(o.Guest, o.Host, o.Seed); err != nil {
			return err
		}
	}
	if err := reportCanBeWritten(o.Report); err != nil {
		return err
	}
	tell := teller{w: out}
	if o.JSON {
		tell.w = progress
	}
	f, err := launch(ctx, o, dir)
	if err != nil {
		return err
	}
	defer f.stop()
	res, err := f.story(ctx, o, dir, tell)
	if err != nil {
		return err
	}
	res.wall = time.Since(began)
	if err := writeReport(o, res); err != nil {
		return err
	}
	if err := conclude(o, res, out, tell); err != nil {
		return err
	}
	if o.Keep {
		tell.line("nodes", "stay up in %s until Ctrl-C; try: tacit job list --dir %s", dir, f.bank.dir)
		<-ctx.Done()
	}
	return nil
}

func (o *Options) fill() error {
	const op = "demo.Run"
	own := o.Guest != "" || o.Host != ""
	if own && (o.Guest == "" || o.Host == "" || o.ID == "" || o.Label == "") {
		return fault.New(fault.Invalid, op, "own files need --guest, --host, --id and --label together")
	}
	if !own && (o.ID != "" || o.Label != "" || o.Group != "") {
		return fault.New(fault.Invalid, op, "--id, --label and --group name columns of own files; give --guest and --host")
	}
	if o.Group != "" && (o.Group == o.ID || o.Group == o.Label) || own && o.ID == o.Label {
		return fault.New(fault.Invalid, op, "--id, --label and --group name three different columns")
	}
	if o.Port < 0 || o.Port > 65535-5 {
		return fault.New(fault.Invalid, op, "--port is the first of six ports, 1 to 65530")
	}
	if o.Binary == "" {
		self, err := os.Executable()
		if err != nil {
			return fault.Wrap(fault.Internal, op, err, "this program's own path is unknown")
		}
		o.Binary = self
	}
	if o.Report == "" {
		o.Report = "report.html"
	}
	for _, path := range []*string{&o.Guest, &o.Host, &o.Report} {
		if *path == "" {
			continue
		}
		abs, err := filepath.Abs(*path)
		if err != nil {
			return fault.Wrap(fault.Invalid, op, err, "a path cannot be resolved")
		}
		*path = abs
	}
	return nil
}

// command is what to type to run the same demo.
func (o Options) command() string {
	if o.sample {
		return fmt.Sprintf("tacit demo --seed %d", o.Seed)
	}
	out := fmt.Sprintf("tacit demo --guest %s --host %s --id %s --label %s", filepath.Base(o.Guest), filepath.Base(o.Host), o.ID, o.Label)
	if o.Group != "" {
		out += " --group " + o.Group
	}
	return out
}

// workplace returns the directory of the nodes and what takes it away again.
func workplace(o Options) (dir string, remove func(), err error) {
	if o.Dir != "" {
		err := os.MkdirAll(o.Dir, 0o700)
		return o.Dir, func() {}, fault.Wrap(fault.Unavailable, "demo.Run", err, "the directory cannot be made")
	}
	dir, err = os.MkdirTemp("", "tacit-demo-")
	if err != nil {
		return "", nil, fault.Wrap(fault.Unavailable, "demo.Run", err, "no temporary directory")
	}
	if o.Keep {
		return dir, func() {}, nil
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil
}

// story does what people do by hand, in their order, and gathers what came out.
func (f *fleet) story(ctx context.Context, o Options, dir string, tell teller) (*outcome, error) {
	for _, c := range f.all() {
		tell.line(string(c.party), "ready  link %s  api %s", c.ready.Link, c.ready.API)
	}
	if err := f.introduce(ctx); err != nil {
		return nil, err
	}
	in, err := f.register(ctx, o)
	if err != nil {
		return nil, err
	}
	bank, utility := features(in.bank, o.ID, o.Label, o.Group), features(in.utility, o.ID)
	tell.line("data", "bank %s rows × %d features + label   utility %s rows × %d features",
		thousands(in.bank.Rows), len(bank), thousands(in.utility.Rows), len(utility))
	contract, err := f.agree(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := f.grant(ctx, o, in, contract); err != nil {
		return nil, err
	}
	keys, err := keysOf(ctx, o, in.bank)
	if err != nil {
		return nil, err
	}
	spec := jobText(contract, o.ID, o.Label, o.Group, keys, bank, utility)
	if err := os.WriteFile(filepath.Join(dir, "job.yaml"), []byte(spec), 0o600); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "demo.Run", err, "the job file cannot be written")
	}
	id, err := f.bank.client.Submit(ctx, rand.Text(), []byte(spec), job.YAML, false)
	if err != nil {
		return nil, err
	}
	res := &outcome{files: Files{BankPath: o.Guest, UtilityPath: o.Host, ID: o.ID, Label: o.Label, Group: o.Group}}
	if res.bank, err = f.watch(ctx, id, tell); err != nil {
		return nil, err
	}
	return res, f.gather(ctx, o, id, res)
}

// watch shows the job's progress until it ends at the bank. The client waits for a node that may come back; the demo's
// does not, so its end ends the watch.
func (f *fleet) watch(ctx context.Context, id string, tell teller) (node.JobView, error) {
	watching, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-f.bank.done:
			cancel()
		case <-watching.Done():
		}
	})
	v, err := f.bank.client.Watch(watching, id, func(v node.JobView) error {
		tell.progress(v)
		return nil
	})
	died := err != nil && watching.Err() != nil && ctx.Err() == nil // not by the user: the watch was ended for the bank
	cancel()
	wg.Wait()
	if died {
		err = fault.New(fault.Unavailable, "demo.watch", "the process of %s ended: %s", f.bank.party, f.bank.cmd.ProcessState)
	}
	if err != nil {
		return v, err
	}
	if v.Phase != "succeeded" {
		return v, failureOf(v)
	}
	return v, nil
}

// failureOf is a job's end as an error with its code.
func failureOf(v node.JobView) error {
	if v.Failure == nil {
		return fault.New(fault.Internal, "demo.Run", "the job ended as %s", v.Phase)
	}
	return &rpc.Failure{Party: v.Failure.Party, Step: v.Failure.Step, Err: &fault.Error{
		Code: v.Failure.Code, Op: "job", Culprit: v.Failure.Culprit, Reason: v.Failure.Reason,
	}}
}

// gather reads results, invoice and logs from their owners' nodes and computes the plain twin.
func (f *fleet) gather(ctx context.Context, o Options, id string, res *outcome) (err error) {
	if err := await(ctx, "the end of the job at the utility", func() (bool, error) {
		res.utility, err = f.utility.client.Job(ctx, id)
		return res.utility.Terminal(), err
	}); err != nil {
		return err
	}
	if err := document(ctx, f.bank, id, "r-report", &res.report); err != nil {
		return err
	}
	res.models = map[party.ID]exec.ModelDocument{}
	for _, c := range []*child{f.bank, f.utility} {
		var m exec.ModelDocument
		if err := document(ctx, c, id, "r-model", &m); err != nil {
			return err
		}
		res.models[c.party] = m
	}
	if o.Group != "" {
		res.cells = new(exec.CellsDocument)
		if err := document(ctx, f.utility, id, "r-stats", res.cells); err != nil {
			return err
		}
	}
	if res.invoice, err = f.bank.client.Invoice(ctx, id); err != nil {
		return err
	}
	theirs, err := f.utility.client.Invoice(ctx, id)
	if err != nil {
		return err
	}
	if !slices.Equal(theirs.Lines, res.invoice.Lines) {
		return fault.New(fault.Internal, "demo.Run", "the two nodes computed different invoices")
	}
	res.audits, res.infos = map[party.ID]node.AuditView{}, map[party.ID]node.Info{}
	for _, c := range f.all() {
		if res.audits[c.party], err = c.client.VerifyAudit(ctx); err != nil {
			return err
		}
		if res.infos[c.party], err = c.client.Info(ctx); err != nil {
			return err
		}
	}
	common, test, err := exec.CommonRows(f.bank.dir, id, "joined", "parts")
	if err != nil {
		return err
	}
	res.twin, err = PlainTwin(ctx, res.files, common, test)
	return err
}

func document(ctx context.Context, c *child, id, output string, into any) error {
	r, err := c.client.Result(ctx, id, output)
	if err != nil {
		return err
	}
	return fault.Wrap(fault.Internal, "demo.Run", json.Unmarshal(r.JSON, into), "the result %s does not decode", output)
}

func conclude(o Options, res *outcome, out io.Writer, tell teller) error {
	s := summarise(o, res)
	if !o.JSON {
		tell.conclusion(s, res)
		return nil
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	return fault.Wrap(fault.Unavailable, "demo.Run", enc.Encode(s), "the result cannot be printed")
}

func summarise(o Options, res *outcome) Summary {
	s := Summary{
		Kind: "demo", Version: 1, JobID: res.bank.ID, RowsA: res.twin.RowsA, RowsB: res.twin.RowsB, Intersection: res.twin.Intersection,
		AUCPooled: res.twin.Pooled.AUC, AUCAOnly: res.twin.AOnly.AUC, WallSeconds: res.wall.Seconds(), Leakage: res.bank.Leakage,
		Notices: append(append([]string{}, res.bank.Notices...), res.utility.Notices...), AuditVerified: len(res.audits) == 3, Report: o.Report,
		Invoice: Invoice{Currency: res.invoice.Currency, TotalMinor: res.invoice.TotalMinor, Payer: res.invoice.Payer, Lines: map[string]int64{}},
	}
	if res.report.Full != nil {
		s.AUCJoint, s.KSJoint = res.report.Full.AUC, res.report.Full.KS
	}
	if o.Group != "" {
		s.EpsilonSpent, _ = strconv.ParseFloat(epsilon, 64) // a constant of this package
	}
	for _, l := range res.invoice.Lines {
		s.Invoice.Lines[string(l.Payee)] = l.AmountMinor
	}
	for _, v := range []node.JobView{res.bank, res.utility} {
		for _, st := range v.Steps {
			s.BytesSent += st.SentBytes
		}
	}
	s.Iterations = res.models["bank"].Iterations
	for _, st := range res.bank.Steps {
		s.Rounds += st.Rounds
		if st.Op == string(job.TrainGLM) && s.Iterations > 0 {
			s.TrainSecondsPerIteration = st.Wall.Seconds() / float64(s.Iterations)
		}
	}
	for _, info := range res.infos {
		s.PeakRSSBytes = max(s.PeakRSSBytes, info.PeakRSS)
		s.CPUSeconds += info.CPU.Seconds()
	}
	return s
}

// reportCanBeWritten finds out before the work is done, and leaves what is there as it is.
func reportCanBeWritten(path string) error {
	_, err := os.Lstat(path)
	fresh := errors.Is(err, fs.ErrNotExist)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fault.Wrap(fault.Invalid, "demo.Run", err, "the report cannot be written to %s", path)
	}
	_ = f.Close() // nothing was written
	if fresh {
		_ = os.Remove(path)
	}
	return nil
}

func writeReport(o Options, res *outcome) (err error) {
	f, err := os.OpenFile(o.Report, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "demo.Run", err, "the report cannot be written to %s", o.Report)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return WriteReport(f, reportOf(o, res))
}

func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
