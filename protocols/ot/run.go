package ot

import (
	"context"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

// SetupSender runs the setup of one direction with SetupReceiver at the peer: two flights.
//
// Bytes: Params.SetupCost. Errors: those of NewSender and Finish; fault.Misbehaved (message length); the Conn's.
func SetupSender(ctx context.Context, s protocols.Session, c protocols.Conn, p Params) (*Sender, error) {
	const op = "ot.SetupSender"
	setup, msg, err := NewSender(s, c.Peer(), p)
	if err != nil {
		return nil, err
	}
	if err := flight(ctx, op, c, msg, nil); err != nil {
		return nil, err
	}
	reply := make([]byte, p.replyBytes())
	if err := flight(ctx, op, c, nil, reply); err != nil {
		return nil, err
	}
	return setup.Finish(reply)
}

// SetupReceiver runs the setup of one direction with SetupSender at the peer: two flights.
//
// Bytes: Params.SetupCost().Flip(). Errors: those of NewReceiver; fault.Misbehaved (message length); the Conn's.
func SetupReceiver(ctx context.Context, s protocols.Session, c protocols.Conn, p Params) (*Receiver, error) {
	const op = "ot.SetupReceiver"
	msg := make([]byte, baseBytes)
	if err := flight(ctx, op, c, nil, msg); err != nil {
		return nil, err
	}
	r, reply, err := NewReceiver(s, c.Peer(), p, msg)
	if err != nil {
		return nil, err
	}
	if err := flight(ctx, op, c, reply, nil); err != nil {
		return nil, err
	}
	return r, nil
}

// SetupBoth runs the setup of both directions at once: two flights.
//
// Bytes: Params.SetupBothCost. Errors: those of SetupSender and SetupReceiver.
func SetupBoth(ctx context.Context, s protocols.Session, c protocols.Conn, p Params) (*Sender, *Receiver, error) {
	const op = "ot.SetupBoth"
	setup, msg, err := NewSender(s, c.Peer(), p)
	if err != nil {
		return nil, nil, err
	}
	theirs := make([]byte, baseBytes)
	if err := flight(ctx, op, c, msg, theirs); err != nil {
		return nil, nil, err
	}
	r, out, err := NewReceiver(s, c.Peer(), p, theirs)
	if err != nil {
		return nil, nil, err
	}
	reply := make([]byte, p.replyBytes())
	if err := flight(ctx, op, c, out, reply); err != nil {
		return nil, nil, err
	}
	snd, err := setup.Finish(reply)
	if err != nil {
		return nil, nil, err
	}
	return snd, r, nil
}

// flight sends out and fills in, at the same time; either may be nil.
func flight(ctx context.Context, op string, c protocols.Conn, out, in []byte) error {
	var send, recv func(context.Context) error
	if out != nil {
		send = func(ctx context.Context) error { return protocols.SendAll(ctx, c, out) }
	}
	if in != nil {
		recv = func(ctx context.Context) error { return protocols.RecvAll(ctx, c, in) }
	}
	err := protocols.Exchange(ctx, c, send, recv)
	return fault.Wrap(fault.CodeOf(err), op, err, "setup of the transfers")
}
