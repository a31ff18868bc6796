package budget

import (
	"crypto"
	"crypto/ed25519"
	"errors"
	"slices"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
)

// MaxOwners bounds the owners of one step: the parties of a job.
const MaxOwners = 32

// voteTag separates a vote's signature from every other signature of the party.
const voteTag = "tacit/budget/vote/v1"

// Vote is an owner's signed statement that it holds what a step needs. It is a value and comparable.
type Vote struct {
	Owner     party.ID
	Key       [32]byte
	Round     uint32
	Job, Step string
	Plan      [32]byte
	Body      [32]byte // Reservation.BodyDigest
	Expires   time.Time
	Signature [ed25519.SignatureSize]byte
}

// Sign returns v with the owner's signature. Ed25519 draws nothing: the same vote has one signature.
//
// Errors: fault.Unavailable when the key, which may live in a token, does not sign.
func (v Vote) Sign(key crypto.Signer) (Vote, error) {
	sig, err := key.Sign(nil, v.statement(), crypto.Hash(0))
	if err != nil || len(sig) != len(v.Signature) {
		return Vote{}, fault.Wrap(fault.Unavailable, "budget.Sign", errors.Join(err, errSignature), "the key did not sign")
	}
	copy(v.Signature[:], sig)
	return v, nil
}

var errSignature = errors.New("not an Ed25519 signature")

// Verify checks the signature. It blames nobody: a vote may have been relayed; the caller knows who delivered it.
//
// Errors: fault.Misbehaved.
func (v Vote) Verify(key ed25519.PublicKey) error {
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, v.statement(), v.Signature[:]) {
		return fault.New(fault.Misbehaved, "budget.Vote", "the vote of %s does not verify", v.Owner)
	}
	return nil
}

// statement is what is signed: a tag, then every field but the signature.
func (v Vote) statement() []byte {
	e := wire.Encoder{}
	e.String(voteTag)
	v.fields(&e)
	return e.B
}

// Barrier is what an owner needs to open its hold.
type Barrier struct {
	Key    [32]byte   // of the own hold
	Owners []party.ID // of the step, by the owner's own plan
	Votes  []Vote     // one per owner, any order
	// PublicKey returns the pinned key of a party.
	PublicKey func(party.ID) (ed25519.PublicKey, bool)
}

// Begin opens the hold b.Key after checking that exactly the plan's owners have voted for one job, plan and step, all
// unexpired by the own clock. A hold that is open stays so.
//
// Errors: fault.NotFound (unknown key), fault.PlanMismatch (other owners, job, plan, step or body), fault.Unauthenticated
// (no pinned key), fault.Misbehaved (bad signature), fault.Expired (a vote or the hold), fault.Invalid (the hold is
// committed).
func Begin(tx Tx, b Barrier, now time.Time) error {
	const op = "budget.Begin"
	h, found, err := tx.Hold(b.Key)
	if err != nil {
		return err
	}
	if !found {
		return fault.New(fault.NotFound, op, "no hold with this key")
	}
	if h.State == Held {
		if err := b.check(h.Vote(), now); err != nil {
			return err
		}
	}
	next, effects := h.Next(Event{Kind: EvBegin, Now: now})
	return apply(tx, op, next, effects)
}

func (b Barrier) check(own Vote, now time.Time) error {
	const op = "budget.Begin"
	if len(b.Votes) > MaxOwners {
		return fault.New(fault.LimitExceeded, op, "%d votes, at most %d", len(b.Votes), MaxOwners)
	}
	if err := b.checkOwners(own.Owner); err != nil {
		return err
	}
	for _, v := range b.Votes {
		key, ok := b.PublicKey(v.Owner)
		if !ok {
			return fault.New(fault.Unauthenticated, op, "no key is pinned for %s", v.Owner)
		}
		if err := v.Verify(key); err != nil {
			return err
		}
		if v.Job != own.Job || v.Step != own.Step || v.Plan != own.Plan {
			return fault.New(fault.PlanMismatch, op, "%s voted for another job, step or plan", v.Owner)
		}
		if !now.Before(v.Expires) {
			return fault.New(fault.Expired, op, "the vote of %s is past its expiry", v.Owner)
		}
		if v.Owner == own.Owner && !v.sameAs(own) {
			return fault.New(fault.PlanMismatch, op, "the own vote is not about the own hold")
		}
	}
	return nil
}

// checkOwners compares the voters with the plan's owners, among whom the hold's owner must be.
func (b Barrier) checkOwners(self party.ID) error {
	voters := make([]party.ID, 0, len(b.Votes))
	for _, v := range b.Votes {
		voters = append(voters, v.Owner)
	}
	slices.Sort(voters)
	owners := party.Sorted(b.Owners)
	if !slices.Equal(voters, owners) || !slices.Contains(owners, self) {
		return fault.New(fault.PlanMismatch, "budget.Begin", "%d votes are not those of the plan's %d owners",
			len(voters), len(owners))
	}
	return nil
}

// sameAs compares everything but the signature.
func (v Vote) sameAs(o Vote) bool {
	v.Signature, o.Signature = [ed25519.SignatureSize]byte{}, [ed25519.SignatureSize]byte{}
	return v == o
}
