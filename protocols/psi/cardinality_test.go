package psi

import (
	"bytes"
	"slices"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols/conntest"
)

// Under OutputCardinality S answers with the same tags as under OutputReceiver, in another order: what R gets tells
// nothing about which of its items match.
func TestCardinalityHidesTheOrder(t *testing.T) {
	const n = 40
	var tags [2][][]byte
	for k, out := range []Output{OutputReceiver, OutputCardinality} {
		p := small(t, literal(out).of(SuiteX25519), 16)
		sr, ss := conntest.Sessions(conntest.PartyA, conntest.PartyB, 5)
		o := play(t.Context(), set(sr.Binding, 0, n), set(sr.Binding, 10, 30), p, p, sr, ss)
		if o.errRecv != nil || o.errSend != nil || o.recv.Count != 20 {
			t.Fatalf("%v; %v; %d", o.errRecv, o.errSend, o.recv.Count)
		}
		for _, m := range o.record.Received() {
			if m[0] == kindTags {
				tags[k] = slices.AppendSeq(tags[k], slices.Chunk(m[headerBytes:], tagBytes(40, n, 20)))
			}
		}
	}
	moved := 0
	for i := range tags[0] {
		if !bytes.Equal(tags[0][i], tags[1][i]) {
			moved++
		}
	}
	if len(tags[1]) != n || moved < n/2 { // the draw is fixed by the seed
		t.Errorf("%d of %d tags moved", moved, len(tags[1]))
	}
	for k := range tags {
		slices.SortFunc(tags[k], bytes.Compare)
	}
	if !slices.EqualFunc(tags[0], tags[1], bytes.Equal) {
		t.Error("the two outputs answer with different tags")
	}
}

// A minimum is R's own promise: the count stays untold, nobody is blamed and S does not notice.
func TestMinMatches(t *testing.T) {
	for least, want := range map[int]fault.Code{5: fault.Internal, 6: fault.Denied} {
		l := literal(OutputCardinality).of(SuiteX25519)
		l.MinMatches = least
		p := small(t, l, 4)
		sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
		o := play(t.Context(), set(sr.Binding, 0, 10), set(sr.Binding, 5, 12), p, p, sr, ss)
		if o.errSend != nil || o.send.Position != nil || o.send.Count != 0 {
			t.Errorf("minimum %d: the sender learned %+v, %v", least, o.send, o.errSend)
		}
		if want == fault.Internal && (o.errRecv != nil || o.recv.Count != 5) {
			t.Errorf("minimum %d: %d, %v", least, o.recv.Count, o.errRecv)
		}
		if want == fault.Denied && (fault.CodeOf(o.errRecv) != want || o.recv.Count != 0 || conntest.Culprit(o.errRecv) != "") {
			t.Errorf("minimum %d: %+v, %v", least, o.recv, o.errRecv)
		}
	}
}

// A shuffled answer depends on S's randomness: without it the run ends.
func TestCardinalityNeedsRandomness(t *testing.T) {
	p := small(t, literal(OutputCardinality).of(SuiteX25519), 4)
	sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	ss.Rand = bytes.NewReader(make([]byte, 33+32)) // the scalar and S's own order
	o := play(t.Context(), set(sr.Binding, 0, 3), set(sr.Binding, 1, 4), p, p, sr, ss)
	if fault.CodeOf(o.errSend) != fault.Internal || o.errRecv == nil {
		t.Errorf("%v; %v", o.errSend, o.errRecv)
	}
}
