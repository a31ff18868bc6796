package predict

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
	"github.com/tacit-data/tacit/protocols/share"
	"github.com/tacit-data/tacit/protocols/train"
)

// columns draws rows × cols values within ±train.Clip.
func columns(seed uint64, rows, cols int, label bool) train.Input {
	r := rand.New(rand.NewPCG(seed, 2))
	in := train.Input{Label: label, X: make([]float64, rows*cols), Rows: rows, Cols: cols}
	for i := range in.X {
		in.X[i] = max(-train.Clip, min(train.Clip, 2*r.NormFloat64()))
	}
	return in
}

// stored builds a half of a model from its encoding: version 1, logit, 14 and 18 fractional bits, role, converged,
// iterations, id, columns, shares.
func stored(t testing.TB, label bool, id byte, labelCols, hostCols int, shares []uint64) train.Model {
	t.Helper()
	b := []byte{1, 1, 14, 18, 0, 1, 0, 0, 0, 9}
	if label {
		b[4] = 1
	}
	b = append(b, bytes.Repeat([]byte{id}, 32)...)
	b = binary.BigEndian.AppendUint32(b, uint32(labelCols))
	b = binary.BigEndian.AppendUint32(b, uint32(hostCols))
	for _, v := range shares {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	m, err := train.DecodeModel(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// halves splits random weights at 18 fractional bits into two halves of a model.
func halves(t testing.TB, seed uint64, labelCols, hostCols int) (label, host train.Model, w []int64) {
	r := rand.New(rand.NewPCG(seed, 3))
	var x, y []uint64
	for range labelCols + 1 + hostCols {
		v := r.Int64N(32<<18+1) - 16<<18
		mask := r.Uint64()
		w, x, y = append(w, v), append(x, mask), append(y, uint64(v)-mask)
	}
	return stored(t, true, 1, labelCols, hostCols, x), stored(t, false, 1, labelCols, hostCols, y), w
}

// plain is the score of every row at 32 fractional bits, from the stated fixed point.
func plain(label, host train.Input, w []int64) []int64 {
	z := make([]int64, label.Rows)
	for i := range z {
		z[i] = w[label.Cols] << 14
		for j := range label.Cols {
			z[i] += w[j] * int64(math.RoundToEven(label.X[j*label.Rows+i]*16384))
		}
		for j := range host.Cols {
			z[i] += w[label.Cols+1+j] * int64(math.RoundToEven(host.X[j*host.Rows+i]*16384))
		}
	}
	return z
}

// close reports whether every score is within one unit of 2^-12 of the plain one.
func within(got []float64, z []int64) error {
	if len(got) != len(z) {
		return fmt.Errorf("%d scores, want %d", len(got), len(z))
	}
	for i, v := range got {
		if d := math.Abs(v*4096 - float64(z[i])/(1<<20)); d > 1 || v*4096 != math.Trunc(v*4096) {
			return fmt.Errorf("row %d is off by %v units", i, d)
		}
	}
	return nil
}

func mustParams(t testing.TB, rows, labelCols, hostCols int) Params {
	t.Helper()
	p, err := NewParams(Literal{Rows: rows, LabelCols: labelCols, HostCols: hostCols})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func side(m train.Model, in train.Input, p Params) func(context.Context, protocols.Session, protocols.Conn) ([]float64, error) {
	return func(ctx context.Context, s protocols.Session, c protocols.Conn) ([]float64, error) {
		return Score(ctx, s, []protocols.Conn{c}, m, in, p)
	}
}

// both runs both sides and returns the scores and what the label holder's connection saw.
func both(t testing.TB, mL, mH train.Model, label, host train.Input, pL, pH Params) (z []float64, rec *conntest.Recorder, counted protocols.Cost, errL, errH error) {
	t.Helper()
	sa, sb := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	ca, cb := conntest.Pair(conntest.PartyA, conntest.PartyB)
	rec = conntest.Record(ca)
	errL, errH = conntest.Both(ca,
		func() (err error) {
			z, err = side(mL, label, pL)(context.Background(), sa, rec)
			return err
		},
		func() error {
			at, err := side(mH, host, pH)(context.Background(), sb, cb)
			if at != nil {
				t.Error("the host got scores")
			}
			return err
		})
	return z, rec, ca.Cost(), errL, errH
}

func TestScore(t *testing.T) {
	for i, c := range [][3]int{{1, 1, 1}, {2, 3, 1}, {37, 2, 5}, {129, 7, 3}, {1000, 1, 19}} {
		label, host := columns(uint64(i), c[0], c[1], true), columns(uint64(i)+100, c[0], c[2], false)
		p := mustParams(t, c[0], c[1], c[2])
		mL, mH, w := halves(t, uint64(i), c[1], c[2])
		z, _, counted, errL, errH := both(t, mL, mH, label, host, p, p)
		if errL != nil || errH != nil {
			t.Fatal(errL, errH)
		}
		if err := within(z, plain(label, host, w)); err != nil {
			t.Errorf("%v: %v", c, err)
		}
		if counted != p.Cost() {
			t.Errorf("%v: counted %+v, Cost says %+v", c, counted, p.Cost())
		}
	}
}

// A model scores its training rows as the forward step of training does, within one unit: the two halves come from a
// training, and the plain score from the sum of its shares.
func TestScoreAfterTraining(t *testing.T) {
	label, host := columns(5, 100, 2, true), columns(6, 100, 1, false)
	for i := range 100 {
		label.Y = append(label.Y, uint8(i%3/2))
	}
	gp, err := train.NewGLMParams(train.GLMLiteral{Link: train.LinkLogit, Rows: 100, LabelCols: 2, HostCols: 1, MaxIter: 3, Lambda: 1})
	if err != nil {
		t.Fatal(err)
	}
	var mL, mH train.Model
	sa, sb := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	ca, cb := conntest.Pair(conntest.PartyA, conntest.PartyB)
	errL, errH := conntest.Both(ca,
		func() (err error) {
			mL, err = train.GLM(context.Background(), sa, []protocols.Conn{ca}, label, gp)
			return err
		},
		func() (err error) {
			mH, err = train.GLM(context.Background(), sb, []protocols.Conn{cb}, host, gp)
			return err
		})
	if errL != nil || errH != nil {
		t.Fatal(errL, errH)
	}
	var w []int64
	y := mH.SharesInsecure()
	for i, x := range mL.SharesInsecure() {
		w = append(w, int64(x+y[i]))
	}
	p := mustParams(t, 100, 2, 1)
	forward := trainingScores(t, mL, mH, label, host)
	z, _, _, errL, errH := both(t, mL, mH, label, host, p, p)
	if errL != nil || errH != nil {
		t.Fatal(errL, errH)
	}
	if !slices.Equal(forward, plain(label, host, w)) {
		t.Error("the forward step of training is not exact")
	}
	if err := within(z, forward); err != nil {
		t.Error(err)
	}
}

// trainingScores opens what train.Scorer, the forward step of training, returns for the weights of a model.
func trainingScores(t *testing.T, mL, mH train.Model, label, host train.Input) []int64 {
	t.Helper()
	p := mustParams(t, label.Rows, label.Cols, host.Cols)
	forward := func(s protocols.Session, c protocols.Conn, m train.Model, in train.Input) (z []uint64, err error) {
		x, err := train.Quantise(in, p.shape)
		if err != nil {
			return nil, err
		}
		pair, err := train.NewPair(context.Background(), s, []protocols.Conn{c}, in.Label, [32]byte{}, p.he, p.share)
		if err != nil {
			return nil, err
		}
		scorer, err := train.NewScorer(context.Background(), pair, p.shape, x, 1<<30)
		if err != nil {
			return nil, err
		}
		if z, err = scorer.Score(context.Background(), m.SharesInsecure()); err != nil {
			return nil, err
		}
		return pair.Engine().Open(context.Background(), z, share.ToFirst)
	}
	sa, sb := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	ca, cb := conntest.Pair(conntest.PartyA, conntest.PartyB)
	var out []int64
	errL, errH := conntest.Both(ca,
		func() error {
			z, err := forward(sa, ca, mL, label)
			for _, v := range z {
				out = append(out, int64(v))
			}
			return err
		},
		func() error {
			_, err := forward(sb, cb, mH, host)
			return err
		})
	if errL != nil || errH != nil {
		t.Fatal(errL, errH)
	}
	return out
}

func TestRefusals(t *testing.T) {
	p := mustParams(t, 10, 2, 1)
	label, host := columns(1, 10, 2, true), columns(2, 10, 1, false)
	mL, mH, _ := halves(t, 1, 2, 1)
	other, _, _ := halves(t, 1, 1, 1)
	session, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	conn, _ := conntest.Pair(conntest.PartyA, conntest.PartyB)
	one := []protocols.Conn{conn}
	three := session
	three.Peers = []party.ID{conntest.PartyB, "carol"}
	with := func(v float64) train.Input {
		in := columns(1, 10, 2, true)
		in.X[7] = v
		return in
	}
	short := columns(1, 9, 2, true)
	for name, c := range map[string]struct {
		s    protocols.Session
		c    []protocols.Conn
		m    train.Model
		in   train.Input
		p    Params
		want fault.Code
	}{
		"zero parameters":  {session, one, mL, label, Params{}, fault.Invalid},
		"no model":         {session, one, train.Model{}, label, p, fault.Invalid},
		"the other half":   {session, one, mH, label, p, fault.Invalid},
		"the other role":   {session, one, mL, host, p, fault.Invalid},
		"another model":    {session, one, other, label, p, fault.Invalid},
		"fewer rows":       {session, one, mL, short, p, fault.Invalid},
		"NaN":              {session, one, mL, with(math.NaN()), p, fault.Invalid},
		"beyond the clip":  {session, one, mL, with(-8.01), p, fault.Precision},
		"three parties":    {three, []protocols.Conn{conn, conn}, mL, label, p, fault.Unsupported},
		"no connection":    {session, nil, mL, label, p, fault.Unsupported},
		"empty session":    {protocols.Session{}, one, mL, label, p, fault.Unsupported},
		"another's column": {session, one, mH, train.Input{X: host.X[:5], Rows: 10, Cols: 1}, p, fault.Invalid},
	} {
		if _, err := Score(context.Background(), c.s, c.c, c.m, c.in, c.p); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if conn.Cost() != (protocols.Cost{}) {
		t.Errorf("a refused run counted %+v", conn.Cost())
	}
}

func TestNewParams(t *testing.T) {
	for name, c := range map[string]struct {
		l    Literal
		want fault.Code
	}{
		"no rows":          {Literal{Rows: 0, LabelCols: 1, HostCols: 1}, fault.Invalid},
		"negative rows":    {Literal{Rows: -1, LabelCols: 1, HostCols: 1}, fault.Invalid},
		"too many rows":    {Literal{Rows: 1<<24 + 1, LabelCols: 1, HostCols: 1}, fault.LimitExceeded},
		"no label columns": {Literal{Rows: 1, HostCols: 1}, fault.Invalid},
		"no host columns":  {Literal{Rows: 1, LabelCols: 1}, fault.Invalid},
		"too many columns": {Literal{Rows: 1, LabelCols: train.MaxCols, HostCols: 1}, fault.Precision},
		"share's k":        {Literal{Rows: 1, LabelCols: 1, HostCols: 1, ShareK: 5}, fault.Invalid},
	} {
		if _, err := NewParams(c.l); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for _, l := range []Literal{{Rows: 1, LabelCols: 1, HostCols: 1}, {Rows: 1 << 24, LabelCols: 1, HostCols: train.MaxCols - 1}} {
		if p, err := NewParams(l); err != nil || p.Literal() != l {
			t.Errorf("%+v: %v", l, err)
		}
	}
}

// Halves of two trainings and parameters that differ do not meet.
func TestPlanMismatch(t *testing.T) {
	p := mustParams(t, 10, 1, 1)
	label, host := columns(1, 10, 1, true), columns(2, 10, 1, false)
	mL, mH, _ := halves(t, 1, 1, 1)
	stranger := stored(t, false, 2, 1, 1, mH.SharesInsecure())
	if _, _, _, errL, errH := both(t, mL, stranger, label, host, p, p); !errors.Is(errL, fault.PlanMismatch) && !errors.Is(errH, fault.PlanMismatch) {
		t.Errorf("halves of two models: %v, %v", errL, errH)
	}
	if _, _, _, errL, errH := both(t, mL, mH, label, columns(2, 11, 1, false), p, mustParams(t, 11, 1, 1)); !errors.Is(errL, fault.PlanMismatch) && !errors.Is(errH, fault.PlanMismatch) {
		t.Errorf("other rows: %v, %v", errL, errH)
	}
	wrong := stored(t, false, 1, 1, 1, []uint64{1 << 60, 2, 3})
	if _, _, _, errL, _ := both(t, mL, wrong, label, host, p, p); !errors.Is(errL, fault.Precision) {
		t.Errorf("a wrong share: %v", errL)
	}
}

// Altered bytes of the right shape may go unnoticed (doc.go, Security), or lead to scores out of range, which is nobody's
// provable fault: fault.Precision.
func TestFaults(t *testing.T) {
	const rows = 3
	label, host := columns(1, rows, 2, true), columns(2, rows, 1, false)
	p := mustParams(t, rows, 2, 1)
	mL, mH, w := halves(t, 1, 2, 1)
	want := plain(label, host, w)
	conntest.Suite(t, conntest.Protocol[[]float64, []float64]{
		A: func(ctx context.Context, s protocols.Session, c protocols.Conn) ([]float64, error) {
			z, err := side(mL, label, p)(ctx, s, c)
			if errors.Is(err, fault.Precision) {
				return nil, nil
			}
			return z, err
		},
		B: side(mH, host, p), Cost: p.Cost(), TamperUndetected: true,
		Check: func(a, b *[]float64) error {
			if b != nil && *b != nil {
				return errors.New("the host got scores")
			}
			if a == nil {
				return nil
			}
			return within(*a, want)
		},
	})
}

// No value of either party is on the wire in any common form.
func TestTranscript(t *testing.T) {
	const canary = 1.2345678901
	label, host := columns(1, 40, 2, true), columns(2, 40, 1, false)
	label.X[3], host.X[5] = -canary, canary
	p := mustParams(t, 40, 2, 1)
	mL, mH, w := halves(t, 1, 2, 1)
	z, rec, _, errL, errH := both(t, mL, mH, label, host, p, p)
	if errL != nil || errH != nil {
		t.Fatal(errL, errH)
	}
	fixed := int64(math.RoundToEven(canary * 16384))
	for name, v := range map[string]uint64{
		"a float":          math.Float64bits(canary),
		"a negative float": math.Float64bits(-canary),
		"an integer":       uint64(fixed),
		"a negative":       uint64(-fixed),
		"a weight":         uint64(w[1]),
		"a share":          mL.SharesInsecure()[0],
		"the peer's share": mH.SharesInsecure()[3],
		"a score":          math.Float64bits(z[0]),
		"a fixed score":    uint64(int64(z[0] * 4096)),
	} {
		var little, big [8]byte
		binary.LittleEndian.PutUint64(little[:], v)
		binary.BigEndian.PutUint64(big[:], v)
		if rec.Contains(little[:]) || rec.Contains(big[:]) {
			t.Errorf("%s is on the wire", name)
		}
	}
}

// The reveals: lines of doc.go are Leaks(), word for word.
func TestLeaks(t *testing.T) {
	src, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, m := range regexp.MustCompile(`(?m)^// (reveals: .*)$`).FindAllStringSubmatch(string(src), -1) {
		got = append(got, m[1])
	}
	for _, l := range mustParams(t, 1, 1, 1).Leaks() {
		want = append(want, fmt.Sprintf("reveals: %s to %s", l.Detail, l.To))
	}
	if !slices.Equal(got, want) {
		t.Errorf("doc.go says %q, Leaks() %q", got, want)
	}
}

func TestLogistic(t *testing.T) {
	for _, c := range [][2]float64{{0, 0.5}, {math.Log(3), 0.75}, {-800, 0}, {800, 1}} {
		if got := Logistic(c[0]); math.Abs(got-c[1]) > 1e-15 {
			t.Errorf("Logistic(%v) = %v", c[0], got)
		}
	}
}
