// Package transcript is domain-separated hashing that binds a run to session, plan and parties.
//
// Every input is preceded by a label and its length, so that no two different sequences of inputs hash alike.
package transcript

import (
	"crypto/sha3"
	"encoding/binary"

	"github.com/tacit-data/tacit/protocols"
)

// Transcript is a running hash. It is not safe for concurrent use; Fork gives an independent copy. The zero value is
// not usable.
type Transcript struct{ h *sha3.SHAKE }

// New starts a transcript under a protocol's tag, such as "tacit/psi/v1".
func New(tag string) *Transcript {
	t := &Transcript{h: sha3.NewCSHAKE256(nil, []byte("tacit/transcript/v1"))}
	t.Append("tag", []byte(tag))
	return t
}

// ForSession starts a transcript bound to s: its binding, which covers job, plan, step, attempt and parties.
func ForSession(tag string, s protocols.Session) *Transcript {
	t := New(tag)
	t.Append("binding", s.Binding[:])
	return t
}

// Append adds one labelled input.
func (t *Transcript) Append(label string, b []byte) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(label)))
	t.write(n[:])
	t.write([]byte(label))
	binary.BigEndian.PutUint64(n[:], uint64(len(b)))
	t.write(n[:])
	t.write(b)
}

// AppendInt adds one labelled integer.
func (t *Transcript) AppendInt(label string, v int) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(v))
	t.Append(label, n[:])
}

// Expand fills dst with pseudorandom bytes that depend on everything appended so far and on label. The transcript
// itself does not change.
func (t *Transcript) Expand(label string, dst []byte) {
	f := t.Fork()
	f.AppendInt("expand:"+label, len(dst))
	if _, err := f.h.Read(dst); err != nil {
		panic("transcript: SHAKE cannot fail") // sha3.SHAKE.Read returns no error
	}
}

// Sum returns 32 bytes that depend on everything appended so far. The transcript itself does not change.
func (t *Transcript) Sum() (out [32]byte) {
	t.Expand("sum", out[:])
	return out
}

// Fork returns an independent copy.
func (t *Transcript) Fork() *Transcript {
	state, err := t.h.MarshalBinary()
	if err != nil {
		panic("transcript: a SHAKE state always marshals")
	}
	h := sha3.NewCSHAKE256(nil, []byte("tacit/transcript/v1"))
	if err := h.UnmarshalBinary(state); err != nil {
		panic("transcript: a SHAKE state always unmarshals")
	}
	return &Transcript{h: h}
}

func (t *Transcript) write(b []byte) {
	if _, err := t.h.Write(b); err != nil {
		panic("transcript: SHAKE cannot fail") // sha3.SHAKE.Write returns no error
	}
}
