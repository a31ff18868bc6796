package psi

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
)

// literal is a plan for up to 64 items a side.
func literal(out Output) ParamsLiteral {
	return ParamsLiteral{
		Method: MethodECDH, Suite: SuiteRistretto255, Output: out, SSP: 40, ReceiverItems: 64, SenderItems: 64,
	}
}

// small returns checked parameters with frames of the given number of items, so that small sets fill several.
func small(t interface{ Fatal(...any) }, l ParamsLiteral, frame int) Params {
	p, err := NewParams(l)
	if err != nil {
		t.Fatal(err)
	}
	p.frame = frame
	return p
}

// set returns the items of keys lo … hi−1 in one session.
func set(binding [32]byte, lo, hi int) []Item {
	out := make([]Item, 0, hi-lo)
	for k := lo; k < hi; k++ {
		out = append(out, itemOfKey(binding, uint64(k)))
	}
	return out
}

func itemOfKey(binding [32]byte, key uint64) Item {
	var digest [32]byte
	binary.BigEndian.PutUint64(digest[:], key)
	return ItemOf(binding, digest)
}

// outcome is both parties' view of one run.
type outcome struct {
	recv, send       Matches
	errRecv, errSend error
	cost             protocols.Cost // as the receiver
	costSend         protocols.Cost
	record           *conntest.Recorder // at the receiver
}

func play(ctx context.Context, x, y []Item, pr, ps Params, sr, ss protocols.Session) (o outcome) {
	cr, cs := conntest.Pair(conntest.PartyA, conntest.PartyB)
	o.record = conntest.Record(cr)
	o.errRecv, o.errSend = conntest.Both(cr,
		func() (err error) { o.recv, err = Receive(ctx, sr, o.record, x, pr); return err },
		func() (err error) { o.send, err = Send(ctx, ss, cs, y, ps); return err })
	o.cost, o.costSend = cr.Cost(), cs.Cost()
	return o
}

// oracle is the plain join.
func oracle(x, y []Item) map[Item]bool {
	in := make(map[Item]bool)
	for _, i := range x {
		in[i] = false
	}
	out := make(map[Item]bool)
	for _, i := range y {
		if _, ok := in[i]; ok {
			out[i] = true
		}
	}
	return out
}

// verify compares both views with the oracle.
func verify(x, y []Item, out Output, recv, send *Matches) error {
	want := oracle(x, y)
	if out == OutputCardinality {
		if recv != nil && (recv.Count != len(want) || recv.Position != nil) {
			return errors.New("wrong number of matches, or more than their number")
		}
		recv, out = nil, OutputReceiver
	}
	if recv != nil {
		if err := verifySide(x, want, *recv); err != nil {
			return err
		}
	}
	switch {
	case send == nil:
	case out == OutputReceiver:
		if send.Count != 0 || send.Position != nil {
			return errors.New("the sender learned something")
		}
	default:
		if err := verifySide(y, want, *send); err != nil {
			return err
		}
		for k := range send.Position {
			if recv != nil && x[recv.Position[k]] != y[send.Position[k]] {
				return errors.New("the two orders differ")
			}
		}
	}
	return nil
}

func verifySide(items []Item, want map[Item]bool, got Matches) error {
	if got.Count != len(want) || got.Position == nil || len(got.Position) != got.Count {
		return errors.New("wrong number of matches")
	}
	seen := make(map[Item]bool)
	for _, i := range got.Position {
		if !want[items[i]] || seen[items[i]] {
			return errors.New("a wrong or repeated match")
		}
		seen[items[i]] = true
	}
	return nil
}

func TestAgainstPlainJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sr, ss := conntest.Sessions(conntest.PartyA, conntest.PartyB, rapid.Uint64().Draw(t, "seed"))
		draw := func(name string) []Item {
			keys := rapid.SliceOfNDistinct(rapid.Uint64Range(0, 20), 0, 12, rapid.ID).Draw(t, name)
			out := make([]Item, len(keys))
			for i, k := range keys {
				out[i] = itemOfKey(sr.Binding, k)
			}
			return out
		}
		x, y := draw("x"), draw("y")
		l := literal(rapid.SampledFrom(outputs()).Draw(t, "output"))
		l.SSP = rapid.IntRange(40, 80).Draw(t, "ssp")
		p := small(t, l, rapid.IntRange(1, 5).Draw(t, "frame"))
		o := play(context.Background(), x, y, p, p, sr, ss)
		if o.errRecv != nil || o.errSend != nil {
			t.Fatalf("%v; %v", o.errRecv, o.errSend)
		}
		if err := verify(x, y, l.Output, &o.recv, &o.send); err != nil {
			t.Fatal(err)
		}
		if want := p.Cost(len(x), len(y)); o.cost != want || o.costSend != want.Flip() {
			t.Fatalf("counted %+v and %+v, Cost says %+v", o.cost, o.costSend, want)
		}
	})
}

// Every size around the frame bound, with frames of eight items: the bounds of a full frame at the price of a few points.
func TestSizes(t *testing.T) {
	const frame = 8
	for _, out := range outputs() {
		p := small(t, literal(out), frame)
		for _, nr := range []int{0, 1, 2, frame - 1, frame, frame + 1} {
			for _, ns := range []int{0, 1, frame, 2*frame + 1} {
				sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
				x, y := set(sr.Binding, 0, nr), set(sr.Binding, 1, 1+ns)
				o := play(t.Context(), x, y, p, p, sr, ss)
				if o.errRecv != nil || o.errSend != nil {
					t.Fatalf("%d × %d: %v; %v", nr, ns, o.errRecv, o.errSend)
				}
				if err := verify(x, y, out, &o.recv, &o.send); err != nil {
					t.Errorf("%d × %d: %v", nr, ns, err)
				}
				if want := p.Cost(nr, ns); o.cost != want {
					t.Errorf("%d × %d: counted %+v, Cost says %+v", nr, ns, o.cost, want)
				}
			}
		}
	}
}

// The product's frames hold 16384 items: one more makes a second frame. Only the larger side is large.
func TestFullFrames(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds of multiplications")
	}
	l := literal(OutputBoth)
	l.SenderItems = frameItems + 1
	p, err := NewParams(l)
	if err != nil {
		t.Fatal(err)
	}
	sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	x, y := set(sr.Binding, 0, 2), set(sr.Binding, 1, 2+frameItems)
	o := play(t.Context(), x, y, p, p, sr, ss)
	if o.errRecv != nil || o.errSend != nil {
		t.Fatalf("%v; %v", o.errRecv, o.errSend)
	}
	if err := verify(x, y, OutputBoth, &o.recv, &o.send); err != nil {
		t.Error(err)
	}
	if want := p.Cost(len(x), len(y)); o.cost != want {
		t.Errorf("counted %+v, Cost says %+v", o.cost, want)
	}
}

func TestDisagreementIsPlanMismatch(t *testing.T) {
	base := literal(OutputBoth)
	for name, change := range map[string]func(*ParamsLiteral, *protocols.Session){
		"binding": func(_ *ParamsLiteral, s *protocols.Session) { s.Binding[0] ^= 1 },
		"ruleset": func(l *ParamsLiteral, _ *protocols.Session) { l.Ruleset[31] ^= 1 },
		"output":  func(l *ParamsLiteral, _ *protocols.Session) { l.Output = OutputReceiver },
		"ssp":     func(l *ParamsLiteral, _ *protocols.Session) { l.SSP++ },
		"size":    func(l *ParamsLiteral, _ *protocols.Session) { l.SenderItems++ },
	} {
		sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
		x := set(sr.Binding, 0, 3)
		l := base
		change(&l, &ss)
		o := play(t.Context(), x, x, small(t, base, 4), small(t, l, 4), sr, ss)
		for _, err := range []error{o.errRecv, o.errSend} {
			if c := fault.CodeOf(err); c != fault.PlanMismatch && c != fault.PeerAborted {
				t.Errorf("%s: %v", name, err)
			}
		}
		if fault.CodeOf(o.errRecv) != fault.PlanMismatch && fault.CodeOf(o.errSend) != fault.PlanMismatch {
			t.Errorf("%s: nobody noticed: %v; %v", name, o.errRecv, o.errSend)
		}
		if got := o.record.Sent(); len(got) > 1 {
			t.Errorf("%s: %d messages were sent before the mismatch was noticed", name, len(got))
		}
	}
}

func TestPeerHello(t *testing.T) {
	p := small(t, literal(OutputReceiver), 4)
	exact := literal(OutputReceiver)
	exact.Exact, exact.ReceiverItems, exact.SenderItems = true, 1, 2
	pe := small(t, exact, 4)
	s, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	good := hello{version: wireVersion, binding: s.Binding, params: p.Digest(), items: 2}
	for name, c := range map[string]struct {
		p    Params
		make func(h hello) []byte
		want fault.Code
	}{
		"two receivers": {p, func(h hello) []byte { h.receiver = true; return h.encode() }, fault.PlanMismatch},
		"other version": {p, func(h hello) []byte { h.version++; return h.encode() }, fault.PlanMismatch},
		"over declared": {p, func(h hello) []byte { h.items = 65; return h.encode() }, fault.PlanMismatch},
		"not exact":     {pe, func(h hello) []byte { h.params, h.items = pe.Digest(), 1; return h.encode() }, fault.PlanMismatch},
		"over MaxItems": {p, func(h hello) []byte { h.items = MaxItems + 1; return h.encode() }, fault.LimitExceeded},
		"other kind":    {p, func(h hello) []byte { return done{}.encode() }, fault.Misbehaved},
		"empty":         {p, func(h hello) []byte { return nil }, fault.Misbehaved},
		"longer":        {p, func(h hello) []byte { return append(h.encode(), 0) }, fault.Misbehaved},
		"gone after":    {p, func(h hello) []byte { return h.encode() }, fault.PeerAborted},
	} {
		conn := conntest.Replay(conntest.PartyB, [][]byte{c.make(good)})
		_, err := Receive(t.Context(), s, conn, set(s.Binding, 0, 1), c.p)
		if fault.CodeOf(err) != c.want || conntest.Culprit(err) != conntest.PartyB {
			t.Errorf("%s: %v, want %v of %s", name, err, c.want, conntest.PartyB)
		}
	}
}

func TestOwnArguments(t *testing.T) {
	p := small(t, literal(OutputReceiver), 4)
	exact := literal(OutputReceiver)
	exact.Exact = true
	s, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	noRand, noWorkers, broken := s, s, s
	noRand.Rand, noWorkers.Workers, broken.Rand = nil, 0, strings.NewReader("short")
	x := set(s.Binding, 0, 3)
	for name, c := range map[string]struct {
		s     protocols.Session
		p     Params
		items []Item
		want  fault.Code
	}{
		"zero params":    {s, Params{}, x, fault.Invalid},
		"no rand":        {noRand, p, x, fault.Invalid},
		"no workers":     {noWorkers, p, x, fault.Invalid},
		"repeated item":  {s, p, append(slices.Clone(x), x[1]), fault.Invalid},
		"over declared":  {s, p, set(s.Binding, 0, 65), fault.LimitExceeded},
		"not exact":      {s, small(t, exact, 4), x, fault.Invalid},
		"broken source":  {broken, p, x, fault.Internal},
		"declared bound": {s, p, set(s.Binding, 0, 64), fault.PeerAborted},
	} {
		h := hello{version: wireVersion, binding: s.Binding, params: c.p.Digest(), items: 0}
		_, err := Receive(t.Context(), c.s, conntest.Replay(conntest.PartyB, [][]byte{h.encode()}), c.items, c.p)
		if fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if c.want != fault.PeerAborted && conntest.Culprit(err) != "" {
			t.Errorf("%s blames %s for our own arguments", name, conntest.Culprit(err))
		}
	}
}

func TestOwnSizes(t *testing.T) {
	l := literal(OutputReceiver)
	l.ReceiverItems, l.SenderItems = MaxItems, 3
	bound := small(t, l, 4)
	l.Exact = true
	exact := small(t, l, 4)
	for name, c := range map[string]struct {
		p    Params
		role protocols.Role
		n    int
		want fault.Code
	}{
		"none":              {bound, Receiver, 0, fault.Internal},
		"MaxItems":          {bound, Receiver, MaxItems, fault.Internal},
		"over MaxItems":     {bound, Receiver, MaxItems + 1, fault.LimitExceeded},
		"bound":             {bound, Sender, 3, fault.Internal},
		"over bound":        {bound, Sender, 4, fault.LimitExceeded},
		"exact":             {exact, Sender, 3, fault.Internal},
		"fewer than exact":  {exact, Sender, 2, fault.Invalid},
		"none of exactly 3": {exact, Sender, 0, fault.Invalid},
		"more than exact":   {exact, Receiver, MaxItems + 1, fault.Invalid},
	} {
		err := c.p.checkOwn(c.role, c.n)
		if (err == nil) != (c.want == fault.Internal) || (err != nil && fault.CodeOf(err) != c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCancel(t *testing.T) {
	p := small(t, literal(OutputBoth), 4)
	s, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, _ := conntest.Pair(conntest.PartyA, conntest.PartyB)
	_, err := Receive(ctx, s, c, set(s.Binding, 0, 3), p)
	if _, ok := errors.AsType[*fault.Error](err); !ok || fault.CodeOf(err) != fault.Canceled {
		t.Errorf("got %v", err)
	}
}

// Messages of two runs with equal sizes have equal lengths, whatever the items and however many match.
func TestLengthsDependOnSizesOnly(t *testing.T) {
	for _, out := range outputs() {
		p := small(t, literal(out), 4)
		var sent, recvd [2][]int
		for k, shift := range []int{0, 100} {
			sr, ss := conntest.Sessions(conntest.PartyA, conntest.PartyB, uint64(k))
			o := play(t.Context(), set(sr.Binding, 0, 9), set(sr.Binding, shift, shift+14), p, p, sr, ss)
			if o.errRecv != nil || o.errSend != nil {
				t.Fatalf("%v; %v", o.errRecv, o.errSend)
			}
			sent[k], recvd[k] = o.record.Lengths()
			slices.Sort(recvd[k]) // S's two streams interleave by timing
		}
		if !slices.Equal(sent[0], sent[1]) || !slices.Equal(recvd[0], recvd[1]) {
			t.Errorf("%s: %v %v and %v %v", out, sent[0], recvd[0], sent[1], recvd[1])
		}
	}
}

// No item, digest or unkeyed point appears on the wire or in an error.
func TestCanary(t *testing.T) {
	p := small(t, literal(OutputBoth), 4)
	sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	x, y := set(sr.Binding, 0, 6), set(sr.Binding, 3, 9)
	o := play(t.Context(), x, y, p, p, sr, ss)
	if o.errRecv != nil || o.errSend != nil {
		t.Fatalf("%v; %v", o.errRecv, o.errSend)
	}
	one := unmasked()
	for _, item := range slices.Concat(x, y) {
		point := make([]byte, ristrettoBytes)
		if err := one.mask(point, []Item{item}); err != nil {
			t.Fatal(err)
		}
		tag := tagOf(sr.Binding, point)
		for _, secret := range [][]byte{item[:], item[:8], point, point[:8], tag[:5]} {
			if o.record.Contains(secret) {
				t.Fatal("an item, its point or an unkeyed tag is on the wire")
			}
		}
	}
}

// A run recorded in one session is refused in another, and in a repetition with fresh scalars.
func TestReplay(t *testing.T) {
	p := small(t, literal(OutputBoth), 4)
	sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	x := set(sr.Binding, 0, 5)
	o := play(t.Context(), x, x, p, p, sr, ss)
	other, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	for _, c := range []struct {
		s    protocols.Session
		want fault.Code
	}{{other, fault.PlanMismatch}, {sr, fault.Misbehaved}} {
		_, err := Receive(t.Context(), c.s, conntest.Replay(conntest.PartyB, o.record.Received()), x, p)
		if fault.CodeOf(err) != c.want {
			t.Errorf("%v, want %v", err, c.want)
		}
	}
}

// The workers change nothing but the time.
func TestWorkersAndProgress(t *testing.T) {
	var first [2]Matches
	for k, workers := range []int{1, 5} {
		sr, ss := conntest.Sessions(conntest.PartyA, conntest.PartyB, 3)
		sr.Workers, ss.Workers = workers, workers
		last, calls := 0, 0
		p := small(t, literal(OutputBoth), 4)
		watched := p.WithProgress(func(done, total int) {
			if done <= last || total != 20+30 {
				t.Errorf("progress %d of %d after %d", done, total, last)
			}
			last, calls = done, calls+1
		})
		o := play(t.Context(), set(sr.Binding, 0, 20), set(sr.Binding, 10, 40), watched, p, sr, ss)
		if o.errRecv != nil || o.errSend != nil {
			t.Fatalf("%v; %v", o.errRecv, o.errSend)
		}
		if last != 50 || calls != 5+8 {
			t.Errorf("progress ended at %d after %d calls", last, calls)
		}
		first[k] = o.recv
	}
	if !slices.Equal(first[0].Position, first[1].Position) {
		t.Error("the aligned order depends on the number of workers")
	}
}

func TestFreshScalars(t *testing.T) {
	p := small(t, literal(OutputReceiver), 4)
	var frames [2][]byte
	for k := range frames {
		sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
		sr.Binding, ss.Binding = [32]byte{1}, [32]byte{1}
		o := play(t.Context(), set(sr.Binding, 0, 1), nil, p, p, sr, ss)
		if o.errRecv != nil || o.errSend != nil {
			t.Fatalf("%v; %v", o.errRecv, o.errSend)
		}
		frames[k] = o.record.Sent()[1]
	}
	if bytes.Equal(frames[0], frames[1]) {
		t.Error("two runs masked an item alike")
	}
}
