package psi

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/he"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
	"github.com/tacit-data/tacit/protocols/transcript"
)

func sumLiteral(maxValue int64) ParamsLiteral {
	l := literal(OutputSum).of(SuiteX25519)
	l.MaxValue = maxValue
	return l
}

// playSum runs both parties; values[i] belongs to y[i].
func playSum(ctx context.Context, x, y []Item, values []int64, p Params, sr, ss protocols.Session) (sum Sum, o outcome) {
	cr, cs := conntest.Pair(conntest.PartyA, conntest.PartyB)
	o.record = conntest.Record(cr)
	o.errRecv, o.errSend = conntest.Both(cr,
		func() (err error) { sum, err = ReceiveSum(ctx, sr, o.record, x, p); return err },
		func() error { return SendSum(ctx, ss, cs, y, values, p) })
	o.cost, o.costSend = cr.Cost(), cs.Cost()
	return sum, o
}

// plainSum is the oracle.
func plainSum(x, y []Item, values []int64) Sum {
	var s Sum
	in := oracle(x, y)
	for i, item := range y {
		if in[item] {
			s.Count++
			s.Total += values[i]
		}
	}
	return s
}

func TestSumAgainstPlainJoin(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds of key generation")
	}
	rapid.Check(t, func(t *rapid.T) {
		sr, ss := conntest.Sessions(conntest.PartyA, conntest.PartyB, rapid.Uint64().Draw(t, "seed"))
		bound := rapid.SampledFrom([]int64{1, he.XMax - 1, he.XMax, 1 << 30, MaxValueBound}).Draw(t, "bound")
		p := small(t, sumLiteral(bound), 4)
		x := set(sr.Binding, 0, rapid.IntRange(0, 12).Draw(t, "n_R"))
		y := set(sr.Binding, 5, 5+rapid.IntRange(0, 12).Draw(t, "n_S"))
		values := rapid.SliceOfN(rapid.Int64Range(-bound, bound), len(y), len(y)).Draw(t, "values")
		got, o := playSum(context.Background(), x, y, values, p, sr, ss)
		if o.errRecv != nil || o.errSend != nil {
			t.Fatalf("%v; %v", o.errRecv, o.errSend)
		}
		if want := plainSum(x, y, values); got != want {
			t.Fatalf("%+v, want %+v", got, want)
		}
		if want := p.Cost(len(x), len(y)); o.cost != want || o.costSend != want.Flip() {
			t.Fatalf("counted %+v and %+v, Cost says %+v", o.cost, o.costSend, want)
		}
	})
}

// More stream positions than one ciphertext holds, all of the largest magnitude: nothing wraps.
func TestSumOverChunks(t *testing.T) {
	if testing.Short() {
		t.Skip("some thousand items")
	}
	l := sumLiteral(MaxValueBound)
	l.ReceiverItems, l.SenderItems = 2*chunkItems, 2*chunkItems
	p, err := NewParams(l)
	if err != nil {
		t.Fatal(err)
	}
	sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	x, y := set(sr.Binding, 0, chunkItems+50), set(sr.Binding, 7, chunkItems+9)
	values := make([]int64, len(y))
	for i := range values {
		values[i] = -MaxValueBound
	}
	got, o := playSum(t.Context(), x, y, values, p, sr, ss)
	if want := plainSum(x, y, values); o.errRecv != nil || o.errSend != nil || got != want {
		t.Errorf("%+v, want %+v; %v; %v", got, want, o.errRecv, o.errSend)
	}
	if want := p.Cost(len(x), len(y)); o.cost != want {
		t.Errorf("counted %+v, Cost says %+v", o.cost, want)
	}
}

func TestSumSuite(t *testing.T) {
	if testing.Short() {
		t.Skip("some hundred key generations")
	}
	p := small(t, sumLiteral(1<<20), 2)
	sr, _ := conntest.Sessions(conntest.PartyA, conntest.PartyB, 1)
	x, y := set(sr.Binding, 0, 3), set(sr.Binding, 1, 5)
	values := []int64{-1 << 20, 1 << 20, 77, 5}
	want := plainSum(x, y, values)
	conntest.Suite(t, conntest.Protocol[Sum, struct{}]{
		A: func(ctx context.Context, s protocols.Session, c protocols.Conn) (Sum, error) {
			return ReceiveSum(ctx, s, c, x, p)
		},
		B: func(ctx context.Context, s protocols.Session, c protocols.Conn) (struct{}, error) {
			return struct{}{}, SendSum(ctx, s, c, y, values, p)
		},
		Cost: p.Cost(len(x), len(y)),
		Check: func(a *Sum, _ *struct{}) error {
			if a != nil && *a != want {
				return errors.New("a wrong sum")
			}
			return nil
		},
	})
}

// The encoded sizes are those of engine/he.
func TestSumSizes(t *testing.T) {
	h2, err := he.Lookup(he.H2)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string][2]int{
		"weights": {h2.WireBytes(he.KindSeeded, 0), weightBytes},
		"key":     {h2.WireBytes(he.KindPublic, 0), keyBytes},
		"sealed":  {h2.WireBytes(he.KindSealed, 1), sealedBytes},
		"ring":    {h2.N(), chunkItems},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: %d bytes, planned %d", name, c[0], c[1])
		}
	}
	// The noise of the largest run leaves 2^-40 and more.
	if _, err := he.NoiseBound(h2, he.Load{Polys: MaxItems / chunkItems, XMax: he.XMax, Kept: 1, Sealed: 2}); err != nil {
		t.Error(err)
	}
	// The largest sum fits 63 bits.
	if math.Log2(MaxItems)+math.Log2(MaxValueBound) > 62 {
		t.Error("a sum can wrap")
	}
}

func TestSumLimbs(t *testing.T) {
	for _, v := range []int64{0, 1, -1, he.XMax, -he.XMax, MaxValueBound, -MaxValueBound, 1<<limbBits - 1, -1 << limbBits} {
		hi, lo := limb(v, 0, 2), limb(v, 1, 2)
		if hi<<limbBits+lo != v || hi > he.XMax || hi < -he.XMax || lo < 0 || lo > he.XMax {
			t.Errorf("%d is cut into %d and %d", v, hi, lo)
		}
		if limb(v, 0, 1) != v {
			t.Errorf("%d is not itself", v)
		}
	}
}

// TestSumLimbMasks: the masks cancel in the total as R puts it together, and hide the upper limb.
func TestSumLimbMasks(t *testing.T) {
	seen := map[uint64]bool{}
	for range 50 {
		m, err := limbMasks(rand.Reader, 2)
		if err != nil {
			t.Fatal(err)
		}
		if m[0]<<limbBits+m[1] != 0 {
			t.Fatal("the masks move the total")
		}
		seen[m[0]] = true
	}
	if len(seen) != 50 {
		t.Error("a mask repeats")
	}
	if m, err := limbMasks(nil, 1); err != nil || m[0] != 0 {
		t.Error("one limb is the total", err)
	}
	if _, err := limbMasks(bytes.NewReader(nil), 2); fault.CodeOf(err) != fault.Internal {
		t.Errorf("a broken source: %v", err)
	}
}

func TestSumArguments(t *testing.T) {
	s, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	p, y := small(t, sumLiteral(100), 4), set(s.Binding, 0, 2)
	join := small(t, literal(OutputReceiver), 4)
	conn := func() protocols.Conn { return conntest.Replay(conntest.PartyB, nil) }
	for name, c := range map[string]struct {
		err  error
		want fault.Code
	}{
		"beyond the bound": {SendSum(t.Context(), s, conn(), y, []int64{1, 101}, p), fault.Precision},
		"below the bound":  {SendSum(t.Context(), s, conn(), y, []int64{-101, 0}, p), fault.Precision},
		"at the bound":     {SendSum(t.Context(), s, conn(), y, []int64{-100, 100}, p), fault.PeerAborted},
		"one value":        {SendSum(t.Context(), s, conn(), y, []int64{1}, p), fault.Invalid},
		"other output":     {SendSum(t.Context(), s, conn(), y, []int64{1, 2}, join), fault.Invalid},
		"zero params":      {SendSum(t.Context(), s, conn(), y, []int64{1, 2}, Params{}), fault.Invalid},
	} {
		if fault.CodeOf(c.err) != c.want {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	if _, err := ReceiveSum(t.Context(), s, conn(), y, join); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("other output: %v", err)
	}
	// A sum's plan given to Receive or Send is refused on either side.
	sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	o := play(t.Context(), set(sr.Binding, 0, 1), set(sr.Binding, 0, 1), p, p, sr, ss)
	if fault.CodeOf(o.errRecv) != fault.Invalid && fault.CodeOf(o.errSend) != fault.Invalid {
		t.Errorf("%v; %v", o.errRecv, o.errSend)
	}
}

// Below the minimum R asks about nothing: S sees a run like any other, and the sum stays unknown to R's process too.
func TestSumMinMatches(t *testing.T) {
	l := sumLiteral(9)
	l.MinMatches = 3
	p := small(t, l, 4)
	sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	x, y := set(sr.Binding, 0, 4), set(sr.Binding, 2, 5)
	got, o := playSum(t.Context(), x, y, []int64{1, 2, 3}, p, sr, ss)
	if fault.CodeOf(o.errRecv) != fault.Denied || got != (Sum{}) || o.errSend != nil || o.cost != p.Cost(4, 3) {
		t.Errorf("%+v; %v; %v; %+v", got, o.errRecv, o.errSend, o.cost)
	}
}

func FuzzSumPeer(f *testing.F) {
	p := small(f, sumLiteral(9), 2)
	s, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	fr := p.sumFrames(1)
	msg, _ := fr.key.seal()
	f.Add(msg)
	msg, _ = fr.sums.seal()
	f.Add(msg)
	f.Add([]byte{kindWeights})
	f.Fuzz(func(t *testing.T, msg []byte) {
		for _, role := range []protocols.Role{Receiver, Sender} {
			r := &run{s: s, p: p, c: conntest.Replay(conntest.PartyA, [][]byte{msg}), role: role, nRecv: 1, nSend: 1, pool: newPool(1)}
			r.out, r.in = transcript.New("test"), transcript.New("test")
			h2, kit, err := r.newKit()
			if err != nil {
				t.Fatal(err)
			}
			fr := p.sumFrames(1)
			if role == Sender {
				if data, err := r.getOne(t.Context(), &fr.key); err == nil {
					_, err = he.DecodePublicKey(h2, r.keySeed(), data)
					if err != nil {
						refused(t, err)
					}
				}
				continue
			}
			secret, err := he.NewSecret(h2, s.Rand)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.getSums(t.Context(), &fr.sums, h2, kit, secret); err != nil {
				refused(t, err)
			}
		}
	})
}
