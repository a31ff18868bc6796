package exec

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/link"
	"github.com/tacit-data/tacit/node/plan"
	"github.com/tacit-data/tacit/protocols"
)

// Link opens the connection of one attempt of a step to one peer; node/link implements it.
type Link interface {
	Open(ctx context.Context, peer party.ID, id link.SessionID) (*link.Session, error)
}

// Ledger makes what happens durable. Each method is one transaction with its leaf and messages; the node's coordinator
// implements it.
type Ledger interface {
	// Begin gates the step at its start: the owner's policy decides again on live grants, and the step becomes Active.
	Begin(ctx context.Context, t *Task, s Slot) error
	// Bind spends the session binding of a step and commits the holds that the step's first use charges. A binding that
	// was spent before is refused.
	Bind(ctx context.Context, t *Task, s Slot, binding [32]byte) error
	// Use marks the holds that the step charges as used: the session is open, and the first byte follows.
	Use(ctx context.Context, t *Task, s Slot) error
	// Egress lets a result out: policy decides on what is about to leave, and a hold that a release settles is committed,
	// before a byte leaves.
	Egress(ctx context.Context, t *Task, s Slot, e Egress) error
	// Seal records the output and casts this party's vote.
	Seal(ctx context.Context, t *Task, s Slot, out Sealed, v Vote, m Reading) error
	// Await blocks until the step is Done, or returns why it ended.
	Await(ctx context.Context, t *Task, s Slot) error
	// Finished tells that every step is Done, or that the job failed here.
	Finished(ctx context.Context, t *Task, err error)
	// Notice records a local remark about the job, such as the number of rows without a key.
	Notice(ctx context.Context, t *Task, text string)
}

// Config says what an Engine needs.
type Config struct {
	Self     party.ID
	Dir      string // sealed outputs go to Dir/outputs
	Link     Link
	Ledger   Ledger
	Rand     io.Reader     // nil: crypto/rand.Reader
	Workers  int           // goroutines a step may use; 0: 2
	MemBytes int64         // what a step may cache; 0: 256 MiB
	Idle     time.Duration // how long a step may make no progress; 0: 10 minutes
	Clock    func() time.Time
	Logger   *slog.Logger
}

// Engine runs jobs. It is safe for concurrent use; Close waits for every runner.
type Engine struct {
	cfg Config
	wg  sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	running  map[string]context.CancelCauseFunc // by job
	progress map[string]Progress                // by slot key, for display
}

// Progress is a monotone counter of one step, for display.
type Progress struct{ Done, Total int64 }

// Task is one approved job as this party runs it.
type Task struct {
	Job       string
	Plan      *plan.Plan
	Parties   []party.ID // the data holders, sorted
	Approvals [32]byte   // digest of the sorted approved statements
	Sources   []Source   // own inputs
}

// Source is where an input's registered file is.
type Source struct {
	Input  string
	Path   string
	Keys   []string // columns always read as text
	Digest [32]byte
}

// Slot is one entry of a job's schedule: a step, or a release after all steps.
type Slot struct {
	ID      string
	Step    *plan.Step
	Release *plan.Release
	Attempt uint32
	Mark    uint32
}

// Op names what the slot does: the step's op, or "release".
func (s Slot) Op() job.Op {
	if s.Step != nil {
		return s.Step.Op
	}
	return "release"
}

// Schedule lists a plan's slots in the order in which every party runs them: its steps, then the releases that are
// written in the job. An implied release is made by its step.
func Schedule(p *plan.Plan) []Slot {
	var out []Slot
	for i := range p.Steps {
		out = append(out, Slot{ID: p.Steps[i].ID, Step: &p.Steps[i], Attempt: 1})
	}
	for i := range p.Releases {
		if !p.Releases[i].Implied {
			out = append(out, Slot{ID: p.Releases[i].ID, Release: &p.Releases[i], Attempt: 1})
		}
	}
	return out
}

// New returns an Engine that runs nothing yet.
func New(cfg Config) *Engine {
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Workers == 0 {
		cfg.Workers = 2
	}
	if cfg.MemBytes == 0 {
		cfg.MemBytes = 256 << 20
	}
	if cfg.Idle == 0 {
		cfg.Idle = defaultIdle
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Engine{cfg: cfg, running: map[string]context.CancelCauseFunc{}, progress: map[string]Progress{}}
}

// Start runs t in the background until it is done, fails or is stopped. A job that runs already is left alone.
func (e *Engine) Start(t *Task) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || e.running[t.Job] != nil {
		return
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	e.running[t.Job] = cancel
	e.wg.Go(func() {
		err := e.run(ctx, t)
		e.forget(t)
		cancel(nil)
		e.cfg.Ledger.Finished(context.WithoutCancel(ctx), t, err)
	})
}

// forget drops what is kept in memory of a job that has ended.
func (e *Engine) forget(t *Task) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.running, t.Job)
	for _, s := range Schedule(t.Plan) {
		delete(e.progress, t.Job+"/"+s.ID)
	}
}

// Stop cancels a running job and reports whether there was one: Ledger.Finished follows.
func (e *Engine) Stop(jobID string, why error) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	cancel := e.running[jobID]
	if cancel == nil {
		return false
	}
	cancel(why)
	return true
}

// Close stops every job and waits for the runners.
func (e *Engine) Close() {
	e.mu.Lock()
	e.closed = true
	for _, cancel := range e.running {
		cancel(&fault.Error{Code: fault.PeerAborted, Op: "exec.Close", Culprit: string(e.cfg.Self), Reason: "the node stops"})
	}
	e.mu.Unlock()
	e.wg.Wait()
}

// Progress returns the newest counter of a slot.
func (e *Engine) Progress(jobID, slot string) Progress {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.progress[jobID+"/"+slot]
}

func (e *Engine) setProgress(jobID, slot string, done, total int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.progress[jobID+"/"+slot]
	if int64(done) >= p.Done {
		e.progress[jobID+"/"+slot] = Progress{int64(done), int64(total)}
	}
}

// run goes through the schedule. Every party does so in the same order, so no two steps wait for each other.
func (e *Engine) run(ctx context.Context, t *Task) error {
	for _, s := range Schedule(t.Plan) {
		err := e.attempt(ctx, t, s)
		if err == nil {
			err = e.cfg.Ledger.Await(ctx, t, s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// attempt runs one slot and casts this party's vote on it, whatever the outcome.
func (e *Engine) attempt(ctx context.Context, t *Task, s Slot) error {
	if err := e.cfg.Ledger.Begin(ctx, t, s); err != nil {
		return err
	}
	r := &Run{engine: e, task: t, slot: s, began: startMeter(e.cfg.Clock())}
	out, err := r.watched(ctx)
	r.close(err)
	var sealed Sealed
	if err == nil {
		sealed, err = seal(e.cfg.Dir, t.Job, s, out.Local, e.cfg.Rand)
	}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	v := Vote{Step: s.ID, Attempt: s.Attempt, Mark: s.Mark, Party: e.cfg.Self, Sealed: err == nil, Output: sealed.Digest, Common: out.Common}
	if err != nil {
		v.Output, v.Common = [32]byte{}, [32]byte{}
		v.Code, v.Reason, v.Culprit = fault.CodeOf(err), Shorten(fault.ReasonOf(err), maxVoteText), Shorten(culprit(err), party.MaxIDBytes)
		e.cfg.Logger.Error("step failed", "job", t.Job, "step", s.ID, "code", v.Code.String(), "reason", v.Reason)
	}
	// The vote is durable even when the job is being stopped: peers wait for it.
	if serr := e.cfg.Ledger.Seal(context.WithoutCancel(ctx), t, s, sealed, v, r.reading(out)); serr != nil && err == nil {
		return serr
	}
	return err
}

// perform finds the runner of the slot's op.
func (r *Run) perform(ctx context.Context) (Result, error) {
	if r.slot.Release != nil {
		return r.release(ctx)
	}
	run, ok := runners[r.slot.Step.Op]
	if !ok {
		return Result{}, fault.New(fault.Unsupported, "exec.perform", "op %q has no runner in this build", r.slot.Step.Op)
	}
	return run(ctx, r)
}

// Runner performs one step at this party.
type Runner func(ctx context.Context, r *Run) (Result, error)

// runners is the table of ops.
var runners = map[job.Op]Runner{
	job.Align:     align,
	job.Split:     split,
	job.Scale:     scale,
	job.TrainGLM:  trainGLM,
	job.Predict:   score,
	job.Evaluate:  evaluate,
	job.Aggregate: aggregate,
}

// Result is what a runner hands back.
type Result struct {
	Local           []byte   // this party's output, sealed here; empty when it has none
	Common          [32]byte // digest of what all parties must agree on; zero when nothing is common
	RowsIn, RowsOut int64
	Cells           int64
}

func culprit(err error) string {
	if e, ok := asFault(err); ok {
		return e.Culprit
	}
	return ""
}

var _ protocols.Conn = (*link.Session)(nil)
