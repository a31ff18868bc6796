package coordinator

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/node/exec"
	"github.com/tacit-data/tacit/node/store"
)

// Other handles the control messages that belong to no job.
type Other func(tx *store.Tx, m Message) error

// Deliver consumes one control message from peer: its position in the inbox and everything it makes happen commit
// together. A message that this node refuses is consumed too, so that it blocks no other; what it had begun is undone.
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
			err = c.noteHead(m)
		}
		if err == nil {
			err = c.try(func() error { return c.handle(m, other) })
		}
		if err != nil && refusal(err) {
			s.cfg.Logger.Warn("control message refused", "from", string(peer), "seq", seq, "kind", int(m.Kind), "code", fault.CodeOf(err).String(), "err", err)
			return c.unable(m, err)
		}
		return err
	})
	return last, err
}

// noteHead remembers the newest log head that a peer has signed. One that falls back shows a restored old copy or a
// second life of the peer's database: it is refused, with both heads signed as evidence.
func (c *change) noteHead(m Message) error {
	row, err := c.Get(store.PeerHead, string(m.From))
	if err != nil && !missing(err) {
		return err
	}
	if err == nil {
		d := wire.NewDecoder(row.Value, "coordinator.noteHead")
		size, root := d.I64(), d.Hash()
		if err := d.Done(); err != nil {
			return fault.Wrap(fault.Corrupt, "coordinator.noteHead", err, "a stored log head does not decode")
		}
		if m.Head.Size < size || (m.Head.Size == size && m.Head.Root != root) {
			return &fault.Error{
				Code: fault.Misbehaved, Op: "coordinator.noteHead", Culprit: string(m.From),
				Reason: fmt.Sprintf("the peer's log has %d leaves and had %d: an old copy or a fork", m.Head.Size, size),
			}
		}
	}
	var e wire.Encoder
	e.I64(m.Head.Size)
	e.Fixed(m.Head.Root[:])
	return c.Put(store.PeerHead, string(m.From), e.B)
}

// try runs fn and, when it fails, undoes everything it did, what was to follow the commit included.
func (c *change) try(fn func() error) error {
	after, kicks := len(c.after), maps.Clone(c.kicks)
	err := c.Tx.Try(fn)
	if err != nil {
		c.after, c.kicks = c.after[:after], kicks
	}
	return err
}

// refusal reports whether trying again would give err again. What a later try may do better keeps its place in the queue;
// everything else must not block the messages behind it.
func refusal(err error) bool {
	switch fault.CodeOf(err) {
	case fault.Unavailable, fault.Canceled, fault.Timeout, fault.Corrupt:
		return false
	}
	return true
}

// unable ends the job of a message that is nobody's fault but cannot be followed here: waiting would not help.
func (c *change) unable(m Message, cause error) error {
	if culpritOf(cause) != "" || m.Kind == MsgSubmit || m.Kind == MsgAsk {
		return nil
	}
	r, err := c.record(m.Job)
	if missing(err) || (err == nil && r.Job.Phase.Terminal()) {
		return nil
	}
	if err == nil {
		err = c.try(func() error { return c.fail(&r, "", cause) })
	}
	if err != nil && refusal(err) {
		c.s.cfg.Logger.Error("the end of a job is not recorded", "job", m.Job, "err", err)
		return nil
	}
	return err
}

// handle applies a verified message.
func (c *change) handle(m Message, other Other) error {
	switch m.Kind {
	case MsgOffer, MsgAccept:
		return other(c.Tx, m)
	case MsgSubmit, MsgAsk:
		return c.onAsk(m)
	}
	if !jobID(m.Job) {
		return misbehaved("coordinator.handle", m.From, "a message of no job")
	}
	r, err := c.record(m.Job)
	if missing(err) {
		return c.park(m)
	}
	if err != nil {
		return err
	}
	if !slices.Contains(r.Job.Participants(), m.From) {
		return misbehaved("coordinator.handle", m.From, "a message about a job of others")
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

// jobID reports whether s has the form of a job's id.
func jobID(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == len(job.ID{}) && s == strings.ToLower(s)
}

func misbehaved(op string, culprit party.ID, reason string) error {
	return &fault.Error{Code: fault.Misbehaved, Op: op, Culprit: string(culprit), Reason: reason}
}

// maxParked bounds the messages of one peer that wait for their time. Beyond it the oldest goes: what was never asked
// for must not keep out what comes next, and a peer that floods loses its own messages only.
const maxParked = 256

// park keeps a message that overtook another one which travels in a different queue: anything that comes before the
// lead's Ask, a vote that comes before the start.
func (c *change) park(m Message) error {
	var oldest string
	n := 0
	if err := c.Scan(store.Parked, "", func(row store.Row) error {
		_, place, _ := strings.Cut(row.Key, "/")
		if from, _, _ := strings.Cut(place, "/"); from != string(m.From) {
			return nil
		}
		if _, old, _ := strings.Cut(oldest, "/"); n == 0 || place < old {
			oldest = row.Key
		}
		n++
		return nil
	}); err != nil {
		return err
	}
	if n >= maxParked {
		if err := c.Tx.Delete(store.Parked, oldest); err != nil {
			return err
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
			err = c.try(func() error { return c.handle(m, nil) })
		}
		if err != nil && refusal(err) {
			c.s.cfg.Logger.Warn("control message refused", "from", string(m.From), "seq", m.Seq, "kind", int(m.Kind), "code", fault.CodeOf(err).String(), "err", err)
			err = c.unable(m, err)
		}
		if err != nil {
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
		return misbehaved(op, m.From, "a job whose id or spec is not canonical")
	}
	lead := spec.Coordinator
	if (m.Kind == MsgSubmit && (lead != c.s.cfg.Self || m.From != a.Submitter)) || (m.Kind == MsgAsk && m.From != lead) {
		return misbehaved(op, m.From, "a job from somebody who may not send it")
	}
	if !slices.Contains(participants(spec), a.Submitter) {
		return misbehaved(op, m.From, "a job of somebody who has no part in it")
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
	have, err := c.Has(store.Step, stepKey(r.Job.ID, v.Step))
	switch {
	case err != nil:
		return err
	case have:
		return c.vote(r, v, m.Payload)
	case slices.Contains([]Phase{Describing, Approving, Scheduling}, r.Job.Phase):
		return c.park(m) // the step table is written with the start
	case r.Job.Phase == Running || r.Job.Phase == Settling:
		return misbehaved("coordinator.onVote", m.From, "a vote on a step that the plan does not have")
	}
	return nil
}

func (c *change) askAll(r *Record) error {
	a := Ask{Submitter: r.Submitter, RequestID: r.RequestID, Spec: r.Spec, Expires: r.Expires, PlanOnly: r.PlanOnly}
	return c.sendAll(r.Job, MsgAsk, a.Encode())
}

func (c *change) tellFailure(r *Record) error {
	f := r.Job.Failure
	st := Stopped{Code: f.Code, Step: f.Step, Culprit: f.Culprit, Reason: exec.WithoutNumbers(exec.Shorten(f.Reason, maxReason))}
	return c.sendAll(r.Job, MsgFailing, st.Encode())
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
