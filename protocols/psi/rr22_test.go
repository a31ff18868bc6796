package psi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
)

// literalRR22 is a plan for up to n items a side.
func literalRR22(out Output, malicious bool, n int) ParamsLiteral {
	return ParamsLiteral{Method: MethodRR22, Output: out, Malicious: malicious, SSP: 40, ReceiverItems: n, SenderItems: n}
}

// modes runs f for every mode and output of method rr22.
func modes(t *testing.T, f func(t *testing.T, out Output, malicious bool)) {
	for _, malicious := range []bool{false, true} {
		for _, out := range []Output{OutputReceiver, OutputBoth} {
			t.Run(fmt.Sprintf("malicious=%v/%s", malicious, out), func(t *testing.T) { f(t, out, malicious) })
		}
	}
}

func TestRR22Sizes(t *testing.T) {
	sizes := [][2]int{{0, 0}, {0, 7}, {7, 0}, {1, 1}, {1, 500}, {500, 1}, {2, 3}, {127, 129}, {1009, 811}, {1 << 14, 1<<14 + 1}, {1<<15 + 3, 40_009}}
	if testing.Short() {
		sizes = sizes[1:6]
	}
	modes(t, func(t *testing.T, out Output, malicious bool) {
		for _, n := range sizes {
			sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
			x, y := set(sr.Binding, 0, n[0]), set(sr.Binding, n[0]/2, n[0]/2+n[1])
			p := small(t, literalRR22(out, malicious, max(n[0], n[1])), 4096)
			o := play(t.Context(), x, y, p, p, sr, ss)
			if o.errRecv != nil || o.errSend != nil {
				t.Fatalf("%v: %v, %v", n, o.errRecv, o.errSend)
			}
			if err := verify(x, y, out, &o.recv, &o.send); err != nil {
				t.Errorf("%v: %v", n, err)
			}
			if want := p.Cost(n[0], n[1]); o.cost != want || o.costSend != want.Flip() {
				t.Errorf("%v: counted %+v and %+v, Cost %+v", n, o.cost, o.costSend, want)
			}
		}
	})
}

// TestRR22NothingAgainstMany: the bitmap over a large set has several frames even if R has nothing.
func TestRR22NothingAgainstMany(t *testing.T) {
	sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	y := set(sr.Binding, 0, 3000)
	p := small(t, literalRR22(OutputBoth, false, 3000), 1)
	o := play(t.Context(), nil, y, p, p, sr, ss)
	if o.errRecv != nil || o.errSend != nil || o.recv.Count != 0 || o.send.Count != 0 {
		t.Errorf("%+v", o)
	}
	if o.recv.Position == nil || o.send.Position == nil {
		t.Error("a party that learns nothing has nil positions, one that learns of no match has none")
	}
}

func TestRR22Suite(t *testing.T) {
	if testing.Short() {
		t.Skip("dozens of runs, each with its base transfers")
	}
	for _, malicious := range []bool{false, true} {
		t.Run(fmt.Sprintf("malicious=%v", malicious), func(t *testing.T) {
			p := small(t, literalRR22(OutputBoth, malicious, 64), 16)
			var binding [32]byte
			x, y := set(binding, 0, 40), set(binding, 20, 70)
			conntest.Suite(t, conntest.Protocol[Matches, Matches]{
				A: func(ctx context.Context, s protocols.Session, c protocols.Conn) (Matches, error) {
					return Receive(ctx, s, c, x, p)
				},
				B: func(ctx context.Context, s protocols.Session, c protocols.Conn) (Matches, error) {
					return Send(ctx, s, c, y, p)
				},
				Cost:  p.Cost(len(x), len(y)),
				Check: func(a, b *Matches) error { return verify(x, y, OutputBoth, a, b) },
			})
		})
	}
}

func TestRR22Params(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*ParamsLiteral)
		want   fault.Code
	}{
		"a suite":        {func(l *ParamsLiteral) { l.Suite = SuiteRistretto255 }, fault.Invalid},
		"too many items": {func(l *ParamsLiteral) { l.SenderItems = MaxCutItems + 1 }, fault.LimitExceeded},
		"negative":       {func(l *ParamsLiteral) { l.ReceiverItems = -1 }, fault.Invalid},
		"low ssp":        {func(l *ParamsLiteral) { l.SSP = MinSSP - 1 }, fault.Invalid},
	} {
		l := literalRR22(OutputBoth, false, 100)
		c.change(&l)
		if _, err := NewParams(l); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	l := literalRR22(OutputBoth, false, MaxItemsRR22)
	p, err := NewParams(l)
	if err != nil {
		t.Fatal(err)
	}
	honest := p.Digest()
	l.Malicious = true
	if p, err = NewParams(l); err != nil || p.Digest() == honest {
		t.Error("the mode is not part of the digest", err)
	}
}

// TestRR22CostIsMonotone: a plan's cost at the declared sizes bounds that of every smaller run.
func TestRR22CostIsMonotone(t *testing.T) {
	p := small(t, literalRR22(OutputBoth, false, MaxItemsRR22), frameItems)
	step := 37
	if testing.Short() {
		step = 1009
	}
	last := p.Cost(1, 1000)
	for n := 2; n < 40_000; n += step {
		c := p.Cost(n, 1000)
		if c.SentBytes < last.SentBytes || c.RecvBytes < last.RecvBytes {
			t.Errorf("%d items: %+v after %+v", n, c, last)
		}
		last = c
	}
}

// alter replaces the first message of one kind that passes.
type alter struct {
	protocols.Conn
	kind byte
	f    func([]byte)
}

func (a *alter) Send(ctx context.Context, msg []byte) error {
	if a.f != nil && len(msg) > 0 && msg[0] == a.kind {
		msg = slices.Clone(msg)
		a.f(msg)
		a.f = nil
	}
	return a.Conn.Send(ctx, msg)
}

func TestRR22SenderThatOpensAnotherValue(t *testing.T) {
	sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	x, y := set(sr.Binding, 0, 40), set(sr.Binding, 20, 60)
	p := small(t, literalRR22(OutputReceiver, true, 64), 16)
	cr, cs := conntest.Pair(conntest.PartyA, conntest.PartyB)
	liar := &alter{Conn: cs, kind: kindOpening, f: func(m []byte) { m[5] ^= 1 }}
	errRecv, errSend := conntest.Both(cr,
		func() error { _, err := Receive(t.Context(), sr, cr, x, p); return err },
		func() error { _, err := Send(t.Context(), ss, liar, y, p); return err })
	var fe *fault.Error
	if fault.CodeOf(errRecv) != fault.Misbehaved || !errors.As(errRecv, &fe) || fe.Culprit != string(conntest.PartyB) {
		t.Errorf("receiver: %v", errRecv)
	}
	if errSend == nil {
		t.Error("the sender ended well")
	}
}

// TestRR22RepeatedTag: an S that repeats a tag makes R fail whether or not R holds the item, so that the failure tells
// nothing.
func TestRR22RepeatedTag(t *testing.T) {
	for _, held := range []bool{true, false} {
		sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
		x, y := set(sr.Binding, 0, 40), set(sr.Binding, 0, 40)
		if !held {
			y = set(sr.Binding, 100, 140)
		}
		p := small(t, literalRR22(OutputReceiver, true, 64), 64)
		cr, cs := conntest.Pair(conntest.PartyA, conntest.PartyB)
		errRecv, _ := conntest.Both(cr,
			func() error { _, err := Receive(t.Context(), sr, cr, x, p); return err },
			func() error { return sendTwice(t.Context(), ss, cs, y, p) })
		if fault.CodeOf(errRecv) != fault.Misbehaved {
			t.Errorf("held=%v: %v", held, errRecv)
		}
	}
}

// sendTwice is a sender whose second tag is its first one.
func sendTwice(ctx context.Context, s protocols.Session, c protocols.Conn, items []Item, p Params) error {
	r, err := start(ctx, s, c, Sender, items, p)
	if err != nil {
		return err
	}
	sh, err := p.shape(r.nRecv, r.nSend)
	if err != nil {
		return err
	}
	v, err := r.theirValues(ctx, &sh, items)
	if err != nil {
		return err
	}
	v.tag[1] = v.tag[0]
	order := make([]int32, len(items))
	for i := range order {
		order[i] = int32(i)
	}
	if err := r.putTags(ctx, &sh, v.tag, order); err != nil {
		return err
	}
	_, err = r.learn(ctx, order)
	return err
}

// TestRR22InventedMatch: a receiver that reports an item which it does not hold is found, in the mode that promises it.
func TestRR22InventedMatch(t *testing.T) {
	sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	x, y := set(sr.Binding, 0, 40), set(sr.Binding, 20, 60)
	p := small(t, literalRR22(OutputBoth, true, 64), 64)
	cr, cs := conntest.Pair(conntest.PartyA, conntest.PartyB)
	_, errSend := conntest.Both(cr,
		func() error {
			r, err := start(t.Context(), sr, cr, Receiver, x, p)
			if err != nil {
				return err
			}
			sh, err := p.shape(r.nRecv, r.nSend)
			if err != nil {
				return err
			}
			v, err := r.ownValues(t.Context(), &sh, x)
			if err != nil {
				return err
			}
			r.vouchFor(v)
			theirs, err := r.getTags(t.Context(), &sh)
			if err != nil {
				return err
			}
			_, err = r.conclude(t.Context(), func() ([]int32, error) {
				at, err := join(tagsOf(v.tag, sh.width), theirs)
				at[slices.Index(at, -1)] = 0 // an item of S's that R lacks
				return at, err
			})
			return err
		},
		func() error { _, err := Send(t.Context(), ss, cs, y, p); return err })
	var fe *fault.Error
	if fault.CodeOf(errSend) != fault.Misbehaved || !errors.As(errSend, &fe) || fe.Culprit != string(conntest.PartyA) {
		t.Errorf("sender: %v", errSend)
	}
}

// TestRR22MaliciousCodeIsSmall: the code bounds how many items a cheating receiver can ask for.
func TestRR22MaliciousCodeIsSmall(t *testing.T) {
	p := small(t, literalRR22(OutputBoth, true, 2000), frameItems)
	for n, most := range map[int]int{1: 8, 100: 700, 1000: 1800, 2000: 3500} {
		sh, err := p.shape(n, 5)
		if err != nil || sh.code.Slots() > most {
			t.Errorf("%d items: %d slots, at most %d; %v", n, sh.code.Slots(), most, err)
		}
	}
}

// TestRR22AlteredVector: an element of P ⊕ C that a link changes ends the run at both sides, although the correlation
// alone would only lose a match.
func TestRR22AlteredVector(t *testing.T) {
	for _, kind := range []byte{kindSeed, kindVector} {
		sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
		x, y := set(sr.Binding, 0, 40), set(sr.Binding, 20, 60)
		p := small(t, literalRR22(OutputBoth, false, 64), 16)
		cr, cs := conntest.Pair(conntest.PartyA, conntest.PartyB)
		link := &alter{Conn: cr, kind: kind, f: func(m []byte) { m[12] ^= 0x10 }}
		errRecv, errSend := conntest.Both(cr,
			func() error { _, err := Receive(t.Context(), sr, link, x, p); return err },
			func() error { _, err := Send(t.Context(), ss, cs, y, p); return err })
		if errRecv == nil || errSend == nil {
			t.Errorf("kind %d: %v, %v", kind, errRecv, errSend)
		}
	}
}

// TestRR22RunsAreFresh: two runs over equal sets in one session share no frame of the vector and no tag.
func TestRR22RunsAreFresh(t *testing.T) {
	p := small(t, literalRR22(OutputReceiver, false, 64), 16)
	var binding [32]byte
	x := set(binding, 0, 50)
	var frames [2]map[byte][]byte
	for k := range frames {
		frames[k] = map[byte][]byte{}
		sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
		sr.Binding, ss.Binding = binding, binding
		cr, cs := conntest.Pair(conntest.PartyA, conntest.PartyB)
		keep := func(c protocols.Conn, kind byte) *alter {
			return &alter{Conn: c, kind: kind, f: func(m []byte) { frames[k][kind] = slices.Clone(m[headerBytes:]) }}
		}
		errRecv, errSend := conntest.Both(cr,
			func() error { _, err := Receive(t.Context(), sr, keep(cr, kindVector), x, p); return err },
			func() error { _, err := Send(t.Context(), ss, keep(cs, kindTags), x, p); return err })
		if errRecv != nil || errSend != nil {
			t.Fatal(errRecv, errSend)
		}
	}
	for _, kind := range []byte{kindVector, kindTags} {
		a, b := frames[0][kind], frames[1][kind]
		if len(a) == 0 || len(a) != len(b) || bytes.Equal(a[:8], b[:8]) {
			t.Errorf("kind %d: frames of %d and %d bytes, equal or missing", kind, len(a), len(b))
		}
	}
}

func TestRR22LengthsDependOnSizesOnly(t *testing.T) {
	p := small(t, literalRR22(OutputBoth, false, 64), 16)
	lengths := func(x, y []Item) (sent, recvd []int) {
		sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
		o := play(t.Context(), x, y, p, p, sr, ss)
		if o.errRecv != nil || o.errSend != nil {
			t.Fatal(o.errRecv, o.errSend)
		}
		return o.record.Lengths()
	}
	var binding [32]byte
	sentAll, recvdAll := lengths(set(binding, 0, 40), set(binding, 0, 40))
	sentNone, recvdNone := lengths(set(binding, 0, 40), set(binding, 100, 140))
	if !slices.Equal(sentAll, sentNone) || !slices.Equal(recvdAll, recvdNone) {
		t.Errorf("%v, %v and %v, %v", sentAll, recvdAll, sentNone, recvdNone)
	}
}

func TestRR22Workers(t *testing.T) {
	var want []int32
	for _, workers := range []int{1, 3} {
		sr, ss := conntest.Sessions(conntest.PartyA, conntest.PartyB, 9)
		sr.Workers, ss.Workers = workers, workers
		x, y := set(sr.Binding, 0, 700), set(sr.Binding, 300, 1100)
		total, last := 0, 0
		p := small(t, literalRR22(OutputBoth, false, 1000), 64)
		pr := p.WithProgress(func(done, of int) {
			if done <= last || of != 1500 {
				t.Errorf("progress %d of %d after %d", done, of, last)
			}
			last, total = done, of
		})
		o := play(t.Context(), x, y, pr, p, sr, ss)
		if o.errRecv != nil || o.errSend != nil {
			t.Fatal(o.errRecv, o.errSend)
		}
		if last != total || last != 1500 {
			t.Errorf("the progress ends at %d of %d", last, total)
		}
		got := slices.Clone(o.recv.Position)
		slices.Sort(got)
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d workers: other matches", workers)
		}
	}
}

func FuzzRR22Messages(f *testing.F) {
	f.Add(seed{code: aes.Block{1}, w: aes.Block{2}}.encode())
	f.Add(encodeHash(kindCommitment, [32]byte{3}))
	f.Add(encodeOpening(aes.Block{4}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, msg []byte) {
		if m, err := decodeSeed(msg); err != nil {
			refused(t, err)
		} else if !bytes.Equal(m.encode(), msg) {
			t.Error("seed: not canonical")
		}
		for _, kind := range []uint8{kindCommitment, kindProof} {
			if sum, err := decodeHash(kind, msg); err != nil {
				refused(t, err)
			} else if !bytes.Equal(encodeHash(kind, sum), msg) {
				t.Errorf("hash of kind %d: not canonical", kind)
			}
		}
		if w, err := decodeOpening(msg); err != nil {
			refused(t, err)
		} else if !bytes.Equal(encodeOpening(w), msg) {
			t.Error("opening: not canonical")
		}
	})
}
