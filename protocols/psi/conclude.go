package psi

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

// conclude is R's last flight, whatever the method. match returns, for each position of S's stream, R's item or −1.
// Without a bitmap R says done before it joins, so that the time of the message tells nothing about the matches.
func (r *run) conclude(ctx context.Context, match func() ([]int32, error)) (m Matches, err error) {
	both := r.p.lit.Output == OutputBoth
	var bm []byte
	learn := func() error {
		at, err := match()
		if err != nil {
			return err
		}
		if both {
			bm = bitmap(at)
		}
		m, err = r.p.result(at)
		return err
	}
	if both {
		if err := learn(); err != nil {
			return Matches{}, err
		}
	}
	err = protocols.Exchange(ctx, r.c, func(ctx context.Context) error {
		if both {
			if err := r.putMatches(ctx, bm, m.Position); err != nil {
				return err
			}
		}
		return r.put(ctx, r.verdict(r.out.Sum(), r.in.Sum(), m.Count).encode())
	}, nil)
	if err == nil && !both {
		err = learn()
	}
	if err != nil {
		return Matches{}, err
	}
	return m, nil
}

// result is what R takes home of the matches. It overwrites at.
//
// Errors: fault.Denied, when there are fewer than the agreed minimum: R's node does not tell its own user how many.
func (p Params) result(at []int32) (Matches, error) {
	if !p.lit.Output.numbersOnly() {
		m := Matches{Position: positions(at)}
		m.Count = len(m.Position)
		return m, nil
	}
	var m Matches
	for _, i := range at {
		if i >= 0 {
			m.Count++
		}
	}
	if m.Count < p.lit.MinMatches {
		return Matches{}, fault.New(fault.Denied, "psi.result", "fewer matches than the agreed minimum of %d", p.lit.MinMatches)
	}
	return m, nil
}

// learn is S's last flight, whatever the method: order[j] is the item at position j of its stream.
func (r *run) learn(ctx context.Context, order []int32) (m Matches, err error) {
	err = protocols.Exchange(ctx, r.c, nil, func(ctx context.Context) error {
		if r.p.lit.Output == OutputBoth {
			bm, err := r.getMatches(ctx)
			if err != nil {
				return err
			}
			if m.Position, err = matched(bm, order, r.nRecv); err != nil {
				return err
			}
			m.Count = len(m.Position)
			if err := r.checkProof(ctx, m.Position); err != nil {
				return err
			}
		}
		return r.getVerdict(ctx, r.verdict(r.in.Sum(), r.out.Sum(), m.Count))
	})
	if err != nil {
		return Matches{}, err
	}
	return m, nil
}

// verdict is what a done message must say: the counts, and a digest of the messages of both directions.
func (r *run) verdict(fromReceiver, fromSender [32]byte, matched int) done {
	b := []byte("tacit/psi/done/v1")
	b = append(append(b, fromReceiver[:]...), fromSender[:]...)
	return done{receiverItems: r.nRecv, senderItems: r.nSend, matched: matched, digest: sha256.Sum256(b)}
}

// getVerdict receives a done that must say what want says.
func (r *run) getVerdict(ctx context.Context, want done) error {
	msg, err := r.get(ctx)
	if err != nil {
		return err
	}
	got, err := decodeDone(msg)
	if err != nil {
		return err
	}
	return checkDone(got, want)
}

// checkDone compares what the peer says it saw with what this party saw.
//
// Errors: fault.Misbehaved, without culprit.
func checkDone(got, want done) error {
	if got.receiverItems != want.receiverItems || got.senderItems != want.senderItems || got.matched != want.matched {
		return fault.New(fault.Misbehaved, "psi.checkDone", "the peer's counts differ from ours")
	}
	if got.digest != want.digest {
		return fault.New(fault.Misbehaved, "psi.checkDone", "the peer saw other messages than we did")
	}
	return nil
}

// checkProof receives R's proof of the matches it reported, in the mode that has one.
//
// Errors: fault.Misbehaved, without culprit, when R reported an item that it does not hold.
func (r *run) checkProof(ctx context.Context, position []int32) error {
	if r.proof == nil {
		return nil
	}
	msg, err := r.get(ctx)
	if err != nil {
		return err
	}
	got, err := decodeHash(kindProof, msg)
	if err != nil {
		return err
	}
	if want := r.proof(position); subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return fault.New(fault.Misbehaved, "psi.checkProof", "the receiver reported matches that it cannot prove")
	}
	return nil
}

// putMatches sends the bitmap over S's stream, and the proof of the matches in the mode that has one.
func (r *run) putMatches(ctx context.Context, bm []byte, position []int32) error {
	f := r.p.matches(r.nSend)
	for !f.finished() {
		lo, _ := f.span()
		msg, data := f.seal()
		copy(data, bm[lo/8:])
		if err := r.put(ctx, msg); err != nil {
			return err
		}
	}
	if r.proof == nil {
		return nil
	}
	return r.put(ctx, encodeHash(kindProof, r.proof(position)))
}

// getMatches receives it.
func (r *run) getMatches(ctx context.Context) ([]byte, error) {
	var bm []byte
	f := r.p.matches(r.nSend)
	for !f.finished() {
		msg, err := r.get(ctx)
		if err != nil {
			return nil, err
		}
		data, err := f.open(msg)
		if err != nil {
			return nil, err
		}
		bm = append(bm, data...)
	}
	return bm, nil
}
