package intersect

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols/psi"
)

// refused fails unless err is of a code that bytes from a peer may cause.
func refused(t *testing.T, err error) {
	t.Helper()
	if c := fault.CodeOf(err); c != fault.Misbehaved && c != fault.LimitExceeded && c != fault.Unsupported {
		t.Fatalf("code %v: %v", c, err)
	}
}

// roundTrip fails when what decode accepts has another encoding.
func roundTrip[T any](t *testing.T, msg []byte, decode func([]byte) (T, error), encode func(T) []byte) {
	t.Helper()
	v, err := decode(msg)
	if err != nil {
		refused(t, err)
		return
	}
	if !bytes.Equal(encode(v), msg) {
		t.Fatal("a message with two encodings")
	}
}

// FuzzMessages decodes hostile bytes as every message of a run.
func FuzzMessages(f *testing.F) {
	f.Add(opening{side: Listener, join: Inner, outputTo: ToBoth, duplicates: Unique, method: MethodAuto}.encode())
	f.Add(sizes{keys: 5, memory: minMemory}.encode())
	f.Add(choice{method: psi.MethodECDH, suite: psi.SuiteX25519, receiver: Listener, bits: 3}.encode())
	f.Add(encodeFinished(make([]mark, 4)))
	f.Add(final{matched: 3, kept: 4}.encode())
	f.Add(encodeAck())
	f.Add([]byte{kindFinished, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, msg []byte) {
		roundTrip(t, msg, decodeOpening, opening.encode)
		roundTrip(t, msg, decodeSizes, sizes.encode)
		roundTrip(t, msg, decodeChoice, choice.encode)
		roundTrip(t, msg, decodeFinal, final.encode)
		roundTrip(t, msg, func(b []byte) ([]mark, error) { return decodeFinished(b, 4) }, encodeFinished)
		roundTrip(t, msg, func(b []byte) (struct{}, error) { return struct{}{}, decodeAck(b) }, func(struct{}) []byte { return encodeAck() })
	})
}

// FuzzRecord decodes damaged state: it is Corrupt, or it is what was written.
func FuzzRecord(f *testing.F) {
	f.Add(record{planned: true, choice: choice{receiver: Connector}, ended: true}.encode())
	f.Add(record{}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRecord(b)
		if err != nil {
			if c := fault.CodeOf(err); c != fault.Corrupt && c != fault.Unsupported {
				t.Fatalf("%v", err)
			}
			return
		}
		if r.planned && !bytes.Equal(r.encode(), b) {
			t.Fatal("a record with two encodings")
		}
	})
}

func TestDecodersRefuse(t *testing.T) {
	long := opening{side: Side(strings.Repeat("x", maxWordBytes+1))}.encode()
	newer := slices.Clone(opening{}.encode())
	newer[2]++
	for name, c := range map[string]struct {
		err  error
		want fault.Code
	}{
		"a long word":       {second(decodeOpening(long)), fault.LimitExceeded},
		"another version":   {second(decodeOpening(newer)), fault.Unsupported},
		"negative size":     {second(decodeSizes(sizes{keys: -1, memory: minMemory}.encode())), fault.Misbehaved},
		"huge size":         {second(decodeSizes(sizes{keys: MaxRows + 1, memory: minMemory}.encode())), fault.LimitExceeded},
		"no memory":         {second(decodeSizes(sizes{}.encode())), fault.Misbehaved},
		"no receiver":       {second(decodeChoice(choice{}.encode())), fault.Misbehaved},
		"many buckets":      {second(decodeChoice(choice{receiver: Listener, bits: psi.MaxBucketBits + 1}.encode())), fault.LimitExceeded},
		"other bucket list": {second(decodeFinished(encodeFinished(make([]mark, 3)), 4)), fault.Misbehaved},
		"negative rows":     {second(decodeFinal(final{kept: -1}.encode())), fault.Misbehaved},
		"many rows":         {second(decodeFinal(final{matched: MaxRows + 1}.encode())), fault.LimitExceeded},
	} {
		if fault.CodeOf(c.err) != c.want {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestHostilePeer: a peer that lies in a message of the run is named.
func TestHostilePeer(t *testing.T) {
	for name, c := range map[string]struct {
		kind  byte
		alter func([]byte) []byte
		want  fault.Code
	}{
		"another plan": {kindPlan, func(b []byte) []byte {
			return choice{method: "ecdh", suite: "x25519-ell2", receiver: Listener}.encode()
		}, fault.Misbehaved},
		"receiver swapped":   {kindPlan, func(b []byte) []byte { m, _ := decodeChoice(b); m.receiver = m.receiver.other(); return m.encode() }, fault.Misbehaved},
		"truncated":          {kindPlan, func(b []byte) []byte { return b[:len(b)-1] }, fault.Misbehaved},
		"method not allowed": {kindPlan, func(b []byte) []byte { m, _ := decodeChoice(b); m.method, m.suite = "rr22", ""; return m.encode() }, fault.PlanMismatch},
		"finished cut":       {kindFinished, func(b []byte) []byte { return b[:20] }, fault.Misbehaved},
		"other rows":         {kindFinal, func(b []byte) []byte { m, _ := decodeFinal(b); m.matched++; return m.encode() }, fault.Misbehaved},
		"kept rows":          {kindFinal, func(b []byte) []byte { m, _ := decodeFinal(b); m.kept++; return m.encode() }, fault.Misbehaved},
		"other marks":        {kindFinal, func(b []byte) []byte { m, _ := decodeFinal(b); m.marks[0]++; return m.encode() }, fault.Misbehaved},
		"more keys":          {kindSizes, func(b []byte) []byte { m, _ := decodeSizes(b); m.keys++; return m.encode() }, fault.Misbehaved},
	} {
		p := overlap(t, nil)
		p.b.alter = func(_, _ int, side Side, msg []byte) []byte {
			if side == Listener && len(msg) > 0 && msg[0] == c.kind {
				return c.alter(msg)
			}
			return msg
		}
		_, _, _, err := p.run()
		if fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if e, ok := errors.AsType[*fault.Error](err); c.want == fault.Misbehaved && (!ok || e.Culprit != string(Listener)) {
			t.Errorf("%s: nobody is blamed: %v", name, err)
		}
		if len(cells(t, p.c.Output)) > 0 {
			t.Errorf("%s: an output", name)
		}
	}
}
