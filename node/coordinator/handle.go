package coordinator

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/exec"
	"github.com/tacit-data/tacit/node/store"
)

// Other handles the control messages that belong to no job.
type Other func(tx *store.Tx, m Message) error

// Deliver consumes one control message from peer: its position in the inbox and everything it makes happen commit
// together. A message that this node refuses is consumed too, so that it blocks no other.
//
// Errors: fault.Misbehaved when the peer's queue is inconsistent; those of the store.
func (s *Service) Deliver(ctx context.Context, peer party.ID, seq uint64, body []byte, other Other) (last uint64, err error) {
	err = s.update(ctx, func(c *change) error {
		delivered, err := c.Delivered(peer)
		if err != nil {
			return err
		}
		if last = delivered; seq > delivered+1 {
			return nil // the link asks the peer to send again from there
		}
		fresh, err := c.Consume(peer, store.Message{Seq: seq, Body: body})
		if err != nil || !fresh {
			return err
		}
		last = seq
		m, err := OpenMessage(body, peer, s.cfg.Self, seq, verifier{s})
		if err == nil {
			err = c.handle(m, other)
		}
		if err != nil && refusal(err) {
			s.cfg.Logger.Warn("control message refused", "from", string(peer), "seq", seq, "kind", int(m.Kind), "code", fault.CodeOf(err).String(), "err", err)
			return nil
		}
		return err
	})
	return last, err
}

// refusal reports whether err is about the message and not about this node.
func refusal(err error) bool {
	switch fault.CodeOf(err) {
	case fault.Unavailable, fault.Canceled, fault.Timeout, fault.Corrupt, fault.Internal:
		return false
	}
	return true
}

// handle applies a verified message.
func (c *change) handle(m Message, other Other) error {
	switch m.Kind {
	case MsgOffer, MsgAccept:
		return other(c.Tx, m)
	case MsgSubmit, MsgAsk:
		return c.onAsk(m)
	}
	r, err := c.record(m.Job)
	if missing(err) {
		return c.park(m)
	}
	if err != nil {
		return err
	}
	switch m.Kind {
	case MsgDescribed:
		return c.onDescribed(&r, m)
	case MsgPlanned:
		return c.onPlanned(&r, m)
	case MsgApproved:
		return c.onApproved(&r, m)
	case MsgDenied, MsgFailing:
		return c.onStopped(&r, m)
	case MsgLeaseAsk:
		return c.step(&r, Event{Kind: EvLeaseAsked, From: m.From})
	case MsgLeased:
		return c.step(&r, Event{Kind: EvLeased, From: m.From})
	case MsgLeaseRefused:
		return c.step(&r, Event{Kind: EvLeaseFailed, From: m.From})
	case MsgDropLease:
		return c.dropLease(&r, m.From)
	case MsgStart:
		return c.step(&r, Event{Kind: EvStarted, From: m.From})
	case MsgVote:
		return c.onVote(&r, m)
	case MsgReceipts:
		return c.onReceipts(&r, m)
	case MsgCountersigned:
		return c.onCountersigned(&r, m)
	}
	return fault.New(fault.Unsupported, "coordinator.handle", "message kind %d", m.Kind)
}

// maxParked bounds the messages of one peer that wait for a job this node has not been asked to join.
const maxParked = 256

// park keeps a message that overtook the lead's Ask: the two travel in different queues.
func (c *change) park(m Message) error {
	n := 0
	if err := c.Scan(store.Parked, "", func(row store.Row) error {
		if strings.Contains(row.Key, "/"+string(m.From)+"/") {
			n++
		}
		return nil
	}); err != nil {
		return err
	}
	if n >= maxParked {
		return &fault.Error{
			Code: fault.LimitExceeded, Op: "coordinator.park", Culprit: string(m.From),
			Reason: fmt.Sprintf("%d messages of unknown jobs wait, at most %d", n, maxParked),
		}
	}
	return c.Put(store.Parked, fmt.Sprintf("%s/%s/%020d", m.Job, m.From, m.Seq), m.encode())
}

// unpark handles what waited for a job, in each peer's order.
func (c *change) unpark(jobID string) error {
	var waiting []store.Row
	if err := c.Scan(store.Parked, jobID+"/", func(row store.Row) error {
		waiting = append(waiting, row)
		return nil
	}); err != nil {
		return err
	}
	for _, row := range waiting {
		if err := c.Tx.Delete(store.Parked, row.Key); err != nil {
			return err
		}
		m, err := decodeMessage(row.Value)
		if err == nil {
			err = c.handle(m, nil)
		}
		if err != nil && !refusal(err) {
			return err
		}
	}
	return nil
}

// onAsk creates the job at a participant, or at the lead when a submitter asks. A job that exists with the same spec is
// left alone; its id binds submitter and request.
func (c *change) onAsk(m Message) error {
	const op = "coordinator.onAsk"
	a, err := DecodeAsk(m.Payload)
	if err != nil {
		return fault.Blame(err, string(m.From))
	}
	spec, err := job.Parse(a.Spec, job.JSON)
	if err != nil {
		return fault.Blame(err, string(m.From))
	}
	if string(spec.AppendJSON(nil)) != string(a.Spec) || m.Job != job.JobID(a.Submitter, a.RequestID).String() {
		return &fault.Error{Code: fault.Misbehaved, Op: op, Culprit: string(m.From), Reason: "a job whose id or spec is not canonical"}
	}
	lead := spec.Coordinator
	if (m.Kind == MsgSubmit && (lead != c.s.cfg.Self || m.From != a.Submitter)) || (m.Kind == MsgAsk && m.From != lead) {
		return &fault.Error{Code: fault.Misbehaved, Op: op, Culprit: string(m.From), Reason: "a job from somebody who may not send it"}
	}
	if err := c.s.checkParties(spec); err != nil {
		return err
	}
	known, err := c.record(m.Job)
	switch {
	case err == nil && string(known.Spec) != string(a.Spec):
		return fault.New(fault.Exists, op, "the job id is taken by another spec")
	case err == nil:
		return nil
	case !missing(err):
		return err
	}
	if err := c.create(m.Job, a, spec); err != nil {
		return err
	}
	return c.unpark(m.Job)
}

func (c *change) onStopped(r *Record, m Message) error {
	st, err := DecodeStopped(m.Payload)
	if err != nil {
		return fault.Blame(err, string(m.From))
	}
	f := Failure{Code: st.Code, Party: m.From, Step: st.Step, Culprit: st.Culprit, Reason: st.Reason}
	if m.Kind == MsgDenied {
		return c.step(r, Event{Kind: EvDenied, From: m.From, Failure: f})
	}
	if st.Code == fault.Misbehaved || st.Code == fault.Internal {
		// What the peer found is its own word; here its end is all that is certain.
		f.Code, f.Reason = fault.PeerAborted, "the peer ended the job: "+st.Code.String()+": "+st.Reason
	}
	return c.step(r, Event{Kind: EvPeerFailed, From: m.From, Failure: f})
}

func (c *change) onVote(r *Record, m Message) error {
	v, err := exec.DecodeVote(m.Payload)
	if err == nil && v.Party != m.From {
		err = fault.New(fault.Misbehaved, "coordinator.onVote", "a vote in another party's name")
	}
	if err != nil {
		return fault.Blame(err, string(m.From))
	}
	return c.vote(r, v, m.Payload)
}

func (c *change) askAll(r *Record) error {
	a := Ask{Submitter: r.Submitter, RequestID: r.RequestID, Spec: r.Spec, Expires: r.Expires, PlanOnly: r.PlanOnly}
	return c.sendAll(r.Job, MsgAsk, a.Encode())
}

func (c *change) tellFailure(r *Record) error {
	f := r.Job.Failure
	st := Stopped{Code: f.Code, Step: f.Step, Culprit: f.Culprit, Reason: cut(f.Reason, maxReason)}
	return c.sendAll(r.Job, MsgFailing, st.Encode())
}

// cut shortens a text that travels; whoever needs all of it asks the party where it arose.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return s[:limit]
}

// approvalKey is a participant's pinned approval key, the own one included.
func (s *Service) approvalKey(p party.ID) (ed25519.PublicKey, error) {
	if p == s.cfg.Self {
		return s.cfg.Keys.ApprovalPublic(), nil
	}
	peer, err := s.cfg.Pins.Get(p)
	if err != nil {
		return nil, err
	}
	return peer.Approval, nil
}

func culpritOf(err error) string {
	if e, ok := asFault(err); ok {
		return e.Culprit
	}
	return ""
}
