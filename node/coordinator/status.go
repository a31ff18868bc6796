package coordinator

import (
	"context"
	"slices"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/exec"
	"github.com/tacit-data/tacit/node/plan"
	"github.com/tacit-data/tacit/node/store"
	"github.com/tacit-data/tacit/sandbox/meter"
	"github.com/tacit-data/tacit/sandbox/settle"
)

// MinPrefix is the shortest prefix of a job id that is accepted.
const MinPrefix = 6

// SlotStatus is one step or release of a job at this node.
type SlotStatus struct {
	Slot     exec.Slot
	State    exec.StepState
	Reading  exec.Reading
	Progress exec.Progress
}

// Status is everything this node knows of one job.
type Status struct {
	Record   Record
	Plan     *plan.Plan // nil before it is built
	Slots    []SlotStatus
	Receipts []meter.Signed
}

// Find returns the id of the job whose id begins with prefix.
//
// Errors: fault.NotFound, fault.Invalid when the prefix is too short or names several.
func (s *Service) Find(ctx context.Context, prefix string) (id string, err error) {
	if len(prefix) < MinPrefix {
		return "", fault.New(fault.Invalid, "coordinator.Find", "a job id or its first %d characters", MinPrefix)
	}
	n := 0
	err = s.cfg.DB.View(ctx, func(tx *store.Tx) error {
		return tx.Scan(store.Job, prefix, func(row store.Row) error {
			id = row.Key
			n++
			return nil
		})
	})
	switch {
	case err != nil:
		return "", err
	case n == 0:
		return "", fault.New(fault.NotFound, "coordinator.Find", "no job %s", prefix)
	case n > 1:
		return "", fault.New(fault.Invalid, "coordinator.Find", "%d jobs begin with %s", n, prefix)
	}
	return id, nil
}

// List returns the ids of all jobs, sorted.
func (s *Service) List(ctx context.Context) (ids []string, err error) {
	err = s.cfg.DB.View(ctx, func(tx *store.Tx) error {
		return tx.Scan(store.Job, "", func(row store.Row) error {
			ids = append(ids, row.Key)
			return nil
		})
	})
	return ids, err
}

// Status reads a job.
func (s *Service) Status(ctx context.Context, id string) (Status, error) {
	var st Status
	err := s.cfg.DB.View(ctx, func(tx *store.Tx) error {
		if err := tx.GetJSON(store.Job, id, &st.Record); err != nil {
			return err
		}
		if st.Record.Job.Plans[s.cfg.Self] != "" {
			p, err := s.plan(&st.Record)
			if err != nil {
				return err
			}
			st.Plan = p
		}
		return s.readSlots(tx, &st)
	})
	return st, err
}

func (s *Service) readSlots(tx *store.Tx, st *Status) error {
	if st.Plan == nil {
		return nil
	}
	id := st.Record.Job.ID
	for _, sl := range exec.Schedule(st.Plan) {
		out := SlotStatus{Slot: sl, State: exec.StepState{Phase: exec.Waiting}}
		var row slot
		err := tx.GetJSON(store.Step, stepKey(id, sl.ID), &row)
		if err != nil && !missing(err) {
			return err
		}
		if err == nil {
			out.State, out.Reading = row.State, row.Reading
		}
		if s.cfg.Engine != nil {
			out.Progress = s.cfg.Engine.Progress(id, sl.ID)
		}
		st.Slots = append(st.Slots, out)
	}
	return tx.Scan(store.Receipt, id+"/", func(row store.Row) error {
		r, err := meter.DecodeSigned(row.Value)
		if err != nil {
			return fault.Wrap(fault.Corrupt, "coordinator.Status", err, "a stored receipt does not decode")
		}
		st.Receipts = append(st.Receipts, r)
		return nil
	})
}

// WaitingFor lists the participants whose word the job's phase awaits.
func (j Job) WaitingFor() []party.ID {
	var out []party.ID
	for _, p := range j.Participants() {
		waits := false
		switch j.Phase {
		case Describing:
			waits = j.Plans[p] == ""
		case Approving:
			waits = slices.Contains(j.Owners, p) && !j.Approved[p]
		case Scheduling:
			waits = p == j.Lead || (j.Self == j.Lead && !j.Leased[p])
		case Settling:
			waits = slices.Contains(j.Parties, p) && p != j.Self && !j.Receipts[p]
		}
		if waits {
			out = append(out, p)
		}
	}
	return out
}

// Invoice returns what a settled job costs.
//
// Errors: fault.NotFound when it is not settled here, or nothing pays for it.
func (s *Service) Invoice(ctx context.Context, id string) (out settle.Invoice, err error) {
	err = s.cfg.DB.View(ctx, func(tx *store.Tx) error {
		row, err := tx.Get(store.Invoice, id)
		if missing(err) {
			return fault.New(fault.NotFound, "coordinator.Invoice", "job %s has no invoice here: it is not settled, or no agreement pays for it", id)
		}
		if err != nil {
			return err
		}
		out, err = settle.DecodeInvoice(row.Value)
		return fault.Wrap(fault.Corrupt, "coordinator.Invoice", err, "a stored invoice does not decode")
	})
	return out, err
}

// Open lists the jobs that a silent peer would keep from ending: those that have not begun to settle.
func (s *Service) Open(ctx context.Context) ([]Record, error) {
	var out []Record
	err := s.cfg.DB.View(ctx, func(tx *store.Tx) error {
		return store.ScanJSON(tx, store.Job, "", func(_ string, r Record) error {
			if !r.Job.Phase.Terminal() && r.Job.Phase != Settling {
				out = append(out, r)
			}
			return nil
		})
	})
	return out, err
}

// Silent ends a job because nothing has been heard from one of its participants for so long.
func (s *Service) Silent(ctx context.Context, id string, p party.ID, silence time.Duration) error {
	return s.update(ctx, func(c *change) error {
		return c.apply(id, Event{Kind: EvStepFailed, From: s.cfg.Self, Failure: Failure{
			Code: fault.PeerAborted, Party: s.cfg.Self, Culprit: string(p), Reason: "nothing heard from the peer for " + silence.String(),
		}})
	})
}
