package coordinator

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"math/big"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/store"
	"github.com/tacit-data/tacit/sandbox/audit"
)

const (
	// MaxRunning bounds jobs that run at one node: each holds its share of memory and sessions.
	MaxRunning = 4
	// requeueWithin is the jitter before a lead asks again for leases that were refused.
	requeueWithin = 30 * time.Second
	// maxNotices bounds the local remarks about one job.
	maxNotices = 32
)

// lease carries out the effects that concern run slots.
func (c *change) lease(r *Record, f Effect) error {
	switch f.Kind {
	case AskLease:
		if f.To != c.s.cfg.Self {
			return c.send(f.To, MsgLeaseAsk, r.Job.ID, nil)
		}
		ok, err := c.takeLease(r)
		if err != nil {
			return err
		}
		if !ok {
			return c.step(r, Event{Kind: EvLeaseFailed, From: f.To})
		}
		return c.step(r, Event{Kind: EvLeased, From: f.To})
	case AnswerLease:
		ok, err := c.takeLease(r)
		if err != nil {
			return err
		}
		if !ok {
			return c.send(r.Job.Lead, MsgLeaseRefused, r.Job.ID, nil)
		}
		return c.send(r.Job.Lead, MsgLeased, r.Job.ID, nil)
	case DropLeases:
		if err := c.freeLease(r); err != nil {
			return err
		}
		return c.sendAll(r.Job, MsgDropLease, nil)
	case Requeue:
		return c.requeue(r.Job.ID)
	case ReleaseLease:
		return c.freeLease(r)
	}
	return nil
}

// takeLease takes a run slot for the job; one it has already is kept.
func (c *change) takeLease(r *Record) (bool, error) {
	have, err := c.Has(store.Lease, r.Job.ID)
	if err != nil || have {
		return have, err
	}
	running := 0
	if err := c.Scan(store.Lease, "", func(store.Row) error { running++; return nil }); err != nil {
		return false, err
	}
	if running >= MaxRunning {
		return false, nil
	}
	if err := c.Put(store.Lease, r.Job.ID, []byte("running")); err != nil {
		return false, err
	}
	return true, c.Log(audit.Leaf{Type: audit.JobScheduling, Refs: map[string]string{"job": r.Job.ID}, Body: map[string]any{"lease": true}})
}

func (c *change) freeLease(r *Record) error {
	have, err := c.Has(store.Lease, r.Job.ID)
	if err != nil || !have {
		return err
	}
	if err := c.Tx.Delete(store.Lease, r.Job.ID); err != nil {
		return err
	}
	return c.Log(audit.Leaf{Type: leafOf[r.Job.Phase], Refs: map[string]string{"job": r.Job.ID}, Body: map[string]any{"lease": false}})
}

// dropLease gives the slot back because another party had none; the lead asks again.
func (c *change) dropLease(r *Record, from party.ID) error {
	if from != r.Job.Lead || r.Job.Phase != Scheduling {
		return nil
	}
	return c.freeLease(r)
}

func (c *change) requeue(id string) error {
	jitter, err := rand.Int(c.s.cfg.Rand, big.NewInt(int64(requeueWithin)))
	if err != nil {
		return fault.Wrap(fault.Unavailable, "coordinator.requeue", err, "no randomness")
	}
	c.after = append(c.after, func() {
		c.s.later(time.Duration(jitter.Int64()), func(ctx context.Context) {
			err := c.s.update(ctx, func(c *change) error {
				return c.apply(id, Event{Kind: EvRequeued, From: c.s.cfg.Self})
			})
			if err != nil {
				c.s.cfg.Logger.Error("requeue not recorded", "job", id, "err", err)
			}
		})
	})
	return nil
}

// publicKey is a budget.Barrier's source of pinned keys.
func (s *Service) publicKey(p party.ID) (ed25519.PublicKey, bool) {
	key, err := s.approvalKey(p)
	return key, err == nil
}
