package psi

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
)

// exchangeBoth runs both sides over an in-memory connection.
func exchangeBoth(t *testing.T, a, b []uint32, bindA, bindB [32]byte) (fromB, fromA []uint32, errA, errB error) {
	t.Helper()
	ca, cb := conntest.Pair(conntest.PartyA, conntest.PartyB)
	done := make(chan struct{})
	go func() {
		defer close(done)
		fromA, errB = ExchangeMultiplicities(t.Context(), protocols.Session{Binding: bindB}, cb, b)
		if errB != nil {
			cb.Close()
		}
	}()
	fromB, errA = ExchangeMultiplicities(t.Context(), protocols.Session{Binding: bindA}, ca, a)
	if errA != nil {
		ca.Close()
	}
	<-done
	return fromB, fromA, errA, errB
}

func TestExchangeMultiplicities(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000, varintsPerFrame, varintsPerFrame + 1} {
		a, b := make([]uint32, n), make([]uint32, n)
		for i := range n {
			a[i], b[i] = 1, uint32(i*i)%MaxMultiplicity+1
		}
		fromB, fromA, errA, errB := exchangeBoth(t, a, b, [32]byte{1}, [32]byte{1})
		if errA != nil || errB != nil || !slices.Equal(fromB, b) || !slices.Equal(fromA, a) {
			t.Errorf("n=%d: %v, %v", n, errA, errB)
		}
	}
}

func TestExchangeMultiplicitiesRefuses(t *testing.T) {
	one := []uint32{1}
	for _, own := range [][]uint32{{0}, {MaxMultiplicity + 1}} {
		c, _ := conntest.Pair(conntest.PartyA, conntest.PartyB)
		if _, err := ExchangeMultiplicities(t.Context(), protocols.Session{}, c, own); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%v: %v", own, err)
		}
	}
	if _, _, errA, _ := exchangeBoth(t, one, one, [32]byte{1}, [32]byte{2}); fault.CodeOf(errA) != fault.PlanMismatch {
		t.Errorf("another session: %v", errA)
	}
	if _, _, errA, errB := exchangeBoth(t, one, []uint32{1, 1}, [32]byte{}, [32]byte{}); fault.CodeOf(errA) != fault.Misbehaved || fault.CodeOf(errB) != fault.Misbehaved {
		t.Errorf("another number of matches: %v, %v", errA, errB)
	}
}

// TestHostileMultiplicities: each malformed frame is refused with the peer as culprit.
func TestHostileMultiplicities(t *testing.T) {
	good := encodeMultiplicities(0, []uint32{5, 300})
	for name, c := range map[string]struct {
		msg  []byte
		want fault.Code
	}{
		"truncated":     {good[:len(good)-1], fault.Misbehaved},
		"longer":        {append(slices.Clone(good), 1), fault.Misbehaved},
		"zero":          {encodeMultiplicities(0, []uint32{0, 1}), fault.Misbehaved},
		"too many":      {encodeMultiplicities(0, []uint32{MaxMultiplicity + 1, 1}), fault.LimitExceeded},
		"sequence":      {encodeMultiplicities(1, []uint32{5, 300}), fault.Misbehaved},
		"count":         {encodeMultiplicities(0, []uint32{5, 300, 1}), fault.Misbehaved},
		"not canonical": {append(encodeMultiplicities(0, []uint32{5, 300})[:headerBytes], 0x85, 0x00, 1), fault.Misbehaved},
		"overflow":      {append(good[:headerBytes:headerBytes], bytes.Repeat([]byte{0xff}, 11)...), fault.Misbehaved},
		"empty":         {nil, fault.Misbehaved},
	} {
		if _, err := decodeMultiplicities(nil, c.msg, 0, 2); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestMultiplicitiesUnderFaults: whatever happens to one message, the run ends with the right answer or a fault.
func TestMultiplicitiesUnderFaults(t *testing.T) {
	own := []uint32{1, 2, 300}
	p := func(ctx context.Context, s protocols.Session, c protocols.Conn) ([]uint32, error) {
		return ExchangeMultiplicities(ctx, s, c, own)
	}
	bytesEach := int64(countsBytes + headerBytes + 4)
	conntest.Suite(t, conntest.Protocol[[]uint32, []uint32]{
		A: p, B: p, Cost: protocols.Cost{Rounds: 1, SentBytes: bytesEach, RecvBytes: bytesEach},
		Check: func(a, b *[]uint32) error {
			for _, got := range []*[]uint32{a, b} {
				// Multiplicities are the peer's word: a flipped bit in one gives another legal one.
				if got != nil && len(*got) != len(own) {
					return fault.New(fault.Internal, "psi.Check", "wrong number of multiplicities")
				}
			}
			return nil
		},
	})
}

func FuzzMultiplicities(f *testing.F) {
	f.Add(encodeMultiplicities(0, []uint32{1, 127, 128, MaxMultiplicity})[headerBytes:], uint8(4))
	f.Add([]byte{0x80, 0x00}, uint8(1))
	f.Add([]byte{}, uint8(0))
	f.Fuzz(func(t *testing.T, data []byte, n uint8) {
		msg := []byte{kindMultiplicity, 0, 0, 0, 3}
		msg = append(binary.BigEndian.AppendUint32(msg, uint32(n)), data...)
		got, err := decodeMultiplicities(nil, msg, 3, int(n))
		if err != nil {
			refused(t, err)
			return
		}
		if !bytes.Equal(encodeMultiplicities(3, got), msg) {
			t.Fatal("a frame with two encodings")
		}
	})
}
