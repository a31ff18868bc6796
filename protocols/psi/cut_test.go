package psi

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols/conntest"
)

// cutInto returns parameters whose runs are cut into 2^k buckets although they are small.
func cutInto(t *testing.T, l ParamsLiteral, k int) Params {
	t.Helper()
	p := small(t, l, 64)
	var err error
	if p.cut, err = CutBuckets(int64(l.ReceiverItems), int64(l.SenderItems), k); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCutRun(t *testing.T) {
	for _, l := range []ParamsLiteral{
		literal(OutputReceiver), literal(OutputBoth),
		literalRR22(OutputReceiver, false, 0), literalRR22(OutputBoth, false, 0), literalRR22(OutputBoth, true, 0),
	} {
		sizes := [][2]int{{97, 300}, {300, 97}, {0, 64}, {1, 1}}
		if testing.Short() {
			sizes = sizes[:1]
		}
		for _, n := range sizes {
			t.Run(fmt.Sprintf("%s/%s/%v", l.Method, l.Output, n), func(t *testing.T) {
				sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
				x, y := set(sr.Binding, 0, n[0]), set(sr.Binding, n[0]/2, n[0]/2+n[1])
				l := l
				l.ReceiverItems, l.SenderItems = n[0]+3, n[1]+5
				p := cutInto(t, l, 2)
				last, total := 0, 0
				o := play(t.Context(), x, y, p.WithProgress(func(done, of int) {
					if done < last || done > of {
						t.Errorf("progress %d of %d after %d", done, of, last)
					}
					last, total = done, of
				}), p, sr, ss)
				if o.errRecv != nil || o.errSend != nil {
					t.Fatal(o.errRecv, o.errSend)
				}
				if err := verify(x, y, l.Output, &o.recv, &o.send); err != nil {
					t.Error(err)
				}
				if want := p.Cost(n[0], n[1]); o.cost != want || o.costSend != want.Flip() {
					t.Errorf("counted %+v and %+v, Cost %+v", o.cost, o.costSend, want)
				}
				if last != total || last != 4*(p.cut.CapSelf+p.cut.CapPeer) {
					t.Errorf("the progress ends at %d of %d", last, total)
				}
			})
		}
	}
}

// TestCutRunHidesSizes: with bounds instead of exact sizes, what passes does not depend on how many items there are.
func TestCutRunHidesSizes(t *testing.T) {
	l := literal(OutputReceiver)
	l.ReceiverItems, l.SenderItems = 200, 300
	p := cutInto(t, l, 1)
	lengths := func(n int) (sent, recvd []int) {
		sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
		o := play(t.Context(), set(sr.Binding, 0, n), set(sr.Binding, 0, n), p, p, sr, ss)
		if o.errRecv != nil || o.errSend != nil {
			t.Fatal(o.errRecv, o.errSend)
		}
		return o.record.Lengths()
	}
	sentFew, recvdFew := lengths(3)
	sentMany, recvdMany := lengths(200)
	slices.Sort(recvdFew) // tags and points come as they are ready
	slices.Sort(recvdMany)
	if !slices.Equal(sentFew, sentMany) || !slices.Equal(recvdFew, recvdMany) {
		t.Error("the messages tell how many items there are")
	}
}

func TestCutRunRefuses(t *testing.T) {
	l := literal(OutputReceiver)
	p := cutInto(t, l, 1)
	sr, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	x := set(sr.Binding, 0, 10)
	x[9] = x[0]
	if o := play(t.Context(), x, nil, p, p, sr, ss); fault.CodeOf(o.errRecv) != fault.Invalid || o.errSend == nil {
		t.Errorf("repeated items: %v, %v", o.errRecv, o.errSend)
	}
	if o := play(t.Context(), set(sr.Binding, 0, 65), nil, p, p, sr, ss); fault.CodeOf(o.errRecv) != fault.LimitExceeded {
		t.Errorf("more than declared: %v", o.errRecv)
	}
	other := p
	other.lit.Ruleset[0] = 1
	if o := play(t.Context(), x[:5], nil, p, other, sr, ss); fault.CodeOf(o.errRecv) != fault.PlanMismatch {
		t.Errorf("other rules: %v", o.errRecv)
	}
	for name, c := range map[string]struct {
		change func(*ParamsLiteral)
		want   fault.Code
	}{
		"too many":    {func(l *ParamsLiteral) { l.SenderItems = MaxCutItems + 1 }, fault.LimitExceeded},
		"cardinality": {func(l *ParamsLiteral) { l.SenderItems, l.Output = MaxItems+1, OutputCardinality }, fault.Unsupported},
	} {
		l := literal(OutputReceiver)
		c.change(&l)
		if _, err := NewParams(l); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestCutLarge: above the method's own bound the parameters of a bucket keep the statistical security of the whole.
func TestCutLarge(t *testing.T) {
	for _, n := range []int{MaxItemsRR22 + 1, 1<<24 + 12345, 100_000_007} {
		p, err := NewParams(literalRR22(OutputBoth, false, n))
		if err != nil {
			t.Fatal(err)
		}
		one := p.bucket().lit
		if one.SSP != 40+p.cut.Bits || one.ReceiverItems > MaxItemsRR22 || one.ReceiverItems<<p.cut.Bits < n {
			t.Errorf("%d items: %d buckets of %d at ssp %d", n, p.cut.Count(), one.ReceiverItems, one.SSP)
		}
	}
}
