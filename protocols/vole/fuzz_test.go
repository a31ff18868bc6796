package vole

import (
	"errors"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols/conntest"
)

// FuzzMessages feeds each step bytes that begin like an honest message. A step accepts them or blames the peer.
func FuzzMessages(f *testing.F) {
	p := params(f, Literal{Length: 1, Malicious: true})
	ss, sr := conntest.Sessions(conntest.PartyA, conntest.PartyB, 1)
	for step := range byte(5) {
		f.Add(step, 0, 0, []byte{})
		f.Add(step, 40, 0, []byte{0xff, 0x7f})
		f.Add(step, 0, 1, []byte{1})
	}
	f.Add(byte(1), 3104, 0, []byte{1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, step byte, at, cut int, edit []byte) {
		u, honest, err := NewSender(ss, sr.Self, p)
		if err != nil {
			t.Fatal(err)
		}
		msg := append([]byte(nil), honest...)
		if step%5 == 0 {
			_, _, err = NewReceiver(sr, ss.Self, p, mangle(msg, at, cut, edit))
		} else {
			r, reply, failed := NewReceiver(sr, ss.Self, p, honest)
			if failed != nil {
				t.Fatal(failed)
			}
			err = later(u, r, reply, step%5, func(msg []byte) []byte { return mangle(msg, at, cut, edit) })
		}
		if err != nil && (!errors.Is(err, fault.Misbehaved) || conntest.Culprit(err) == "") {
			t.Fatalf("%v is not Misbehaved of the peer", err)
		}
	})
}

// later runs the steps after the reply honestly up to the one that gets its message altered.
func later(u *SenderSetup, r *ReceiverSetup, reply []byte, step byte, alter func([]byte) []byte) error {
	altered := func(i byte, msg []byte) []byte {
		if i == step {
			return alter(msg)
		}
		return msg
	}
	answer, err := u.Answer(altered(1, reply))
	if err != nil || step == 1 {
		return err
	}
	masked, err := r.Open(altered(2, answer))
	if err != nil || step == 2 {
		return err
	}
	proof, err := u.Prove(altered(3, masked))
	if err != nil || step == 3 {
		return err
	}
	return r.Verify(altered(4, proof))
}

// mangle overwrites msg from at on and cuts bytes off its end.
func mangle(msg []byte, at, cut int, edit []byte) []byte {
	if at >= 0 && at < len(msg) {
		copy(msg[at:], edit)
	}
	if cut > 0 && cut <= len(msg) {
		msg = msg[:len(msg)-cut]
	}
	return msg
}
