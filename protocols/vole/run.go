package vole

import (
	"context"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

// Receive obtains (A, C) with A = B + Δ·C from one independent instance, against Send at the peer.
//
// Shape: A and C have Literal.Length elements of GF(2^128). Bytes and flights: Params.Cost. Reveals: see Leaks.
// Errors: those of NewReceiver, Open and Verify; fault.Misbehaved (message length); the Conn's.
func Receive(ctx context.Context, s protocols.Session, c protocols.Conn, p Params) (Receiver, error) {
	const op = "vole.Receive"
	if err := p.check(op); err != nil {
		return Receiver{}, err
	}
	setup, err := recv(ctx, op, c, p.setupBytes())
	if err != nil {
		return Receiver{}, err
	}
	r, reply, err := NewReceiver(s, c.Peer(), p, setup)
	if err != nil {
		return Receiver{}, err
	}
	if err := send(ctx, op, c, reply); err != nil {
		return Receiver{}, err
	}
	answer, err := recv(ctx, op, c, p.answerBytes())
	if err != nil {
		return Receiver{}, err
	}
	masked, err := r.Open(answer)
	if err != nil {
		return Receiver{}, err
	}
	if masked != nil {
		if err := verify(ctx, c, r, masked); err != nil {
			return Receiver{}, err
		}
	}
	return r.Compress()
}

// verify runs the receiver's side of the check.
func verify(ctx context.Context, c protocols.Conn, r *ReceiverSetup, masked []byte) error {
	const op = "vole.Receive"
	if err := send(ctx, op, c, masked); err != nil {
		return err
	}
	proof, err := recv(ctx, op, c, proofBytes)
	if err != nil {
		return err
	}
	return r.Verify(proof)
}

// Send obtains (B, Δ) with A = B + Δ·C from one independent instance, against Receive at the peer.
//
// Shape: B has Literal.Length elements of GF(2^128). Bytes and flights: Params.Cost().Flip(). Reveals: see Leaks.
// Errors: those of NewSender, Answer and Prove; fault.Misbehaved (message length); the Conn's.
func Send(ctx context.Context, s protocols.Session, c protocols.Conn, p Params) (Sender, error) {
	const op = "vole.Send"
	u, setup, err := NewSender(s, c.Peer(), p)
	if err != nil {
		return Sender{}, err
	}
	if err := send(ctx, op, c, setup); err != nil {
		return Sender{}, err
	}
	u.Grow() // while the receiver works
	reply, err := recv(ctx, op, c, p.replyBytes())
	if err != nil {
		return Sender{}, err
	}
	answer, err := u.Answer(reply)
	if err != nil {
		return Sender{}, err
	}
	if err := send(ctx, op, c, answer); err != nil {
		return Sender{}, err
	}
	if p.lit.Malicious {
		if err := prove(ctx, c, u); err != nil {
			return Sender{}, err
		}
	}
	return u.Compress()
}

// prove runs the sender's side of the check.
func prove(ctx context.Context, c protocols.Conn, u *SenderSetup) error {
	const op = "vole.Send"
	masked, err := recv(ctx, op, c, maskedBytes)
	if err != nil {
		return err
	}
	proof, err := u.Prove(masked)
	if err != nil {
		return err
	}
	return send(ctx, op, c, proof)
}

// send is one flight of this party: a single message.
func send(ctx context.Context, op string, c protocols.Conn, msg []byte) error {
	err := protocols.Exchange(ctx, c, func(ctx context.Context) error { return c.Send(ctx, msg) }, nil)
	return fault.Wrap(fault.CodeOf(err), op, err, "set-up of the correlation")
}

// recv is one flight of the peer: a single message of n bytes.
func recv(ctx context.Context, op string, c protocols.Conn, n int) (msg []byte, err error) {
	err = protocols.Exchange(ctx, c, nil, func(ctx context.Context) error {
		msg, err = protocols.RecvExact(ctx, c, n)
		return err
	})
	return msg, fault.Wrap(fault.CodeOf(err), op, err, "set-up of the correlation")
}
