package train

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine/he"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
)

// outcome is what both sides of a training returned.
type outcome struct {
	label, host       Model
	errLabel, errHost error
	cost              protocols.Cost // counted at the label holder
	record            *conntest.Recorder
}

// maxRecorded is the number of rows up to which a run's messages are kept.
const maxRecorded = 1000

// fit runs both sides.
func fit(s set, pLabel, pHost GLMParams) (o outcome) {
	label, host := s.inputs()
	sa, sb := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	ca, cb := conntest.Pair(conntest.PartyA, conntest.PartyB)
	var end protocols.Conn = ca
	if s.rows <= maxRecorded {
		o.record = conntest.Record(ca)
		end = o.record
	}
	o.errLabel, o.errHost = conntest.Both(ca,
		func() (err error) {
			o.label, err = GLM(context.Background(), sa, []protocols.Conn{end}, label, pLabel)
			return err
		},
		func() (err error) {
			o.host, err = GLM(context.Background(), sb, []protocols.Conn{cb}, host, pHost)
			return err
		})
	o.cost = ca.Cost()
	return o
}

// mustFit fails the test when a side fails, when the sides disagree or when the cost is not the declared one.
func mustFit(t testing.TB, s set, l GLMLiteral) (GLMParams, outcome) {
	t.Helper()
	p := mustParams(t, l)
	o := fit(s, p, p)
	if o.errLabel != nil || o.errHost != nil {
		t.Fatalf("label holder: %v; host: %v", o.errLabel, o.errHost)
	}
	if o.label.Iterations != o.host.Iterations || o.label.Converged != o.host.Converged || o.label.ID() != o.host.ID() {
		t.Fatal("the halves differ in what both know")
	}
	if want := p.Cost(o.label.Iterations); o.cost != want {
		t.Errorf("counted %+v, Cost says %+v", o.cost, want)
	}
	return p, o
}

func mustParams(t testing.TB, l GLMLiteral) GLMParams {
	t.Helper()
	p, err := NewGLMParams(l)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// weights puts both halves together.
func (o outcome) weights() []float64 {
	x, y := o.label.SharesInsecure(), o.host.SharesInsecure()
	out := make([]float64, len(x))
	for i := range x {
		out[i] = float64(int64(x[i]+y[i])) / (1 << 18)
	}
	return out
}

// Bar of secure-modelling §10: max |Δw| ≤ 2^-10, |ΔAUC| ≤ 0.0005 against the plain twin. A truncation errs by one unit of
// 2^-18 in u and Δ and of 2^-16 in a residual, whose errors average out; β < 1 accumulates some tens of them.
func TestMatchesTwin(t *testing.T) {
	for i, c := range []struct {
		rows, labelCols, hostCols, iterations int
		lambda                                float64
	}{
		{100, 1, 1, 1, 1},
		{101, 1, 4, 2, 0},
		{257, 3, 2, 5, 0.1},
		{127, 9, 1, 6, 7.5},
		{203, 5, 7, 12, 1},
		{100, 10, 10, 4, 1000},
	} {
		if testing.Short() && i > 2 {
			break
		}
		s := generate(uint64(i), c.rows, c.labelCols, c.hostCols, 1.5)
		l := s.literal()
		l.Lambda, l.MaxIter, l.Tol = c.lambda, c.iterations, MinTol
		if i%2 == 1 { // what must not matter
			l.CacheBytes, l.ShareK = -1, 8
		}
		p, o := mustFit(t, s, l)
		got := o.weights()
		want := make([]float64, len(got))
		for j, w := range twin(s, l.Lambda, p.scale, o.label.Iterations) {
			want[j] = float64(w) / (1 << 18)
			if d := math.Abs(got[j] - want[j]); d > 1.0/1024 {
				t.Errorf("%+v: weight %d differs by %v", c, j, d)
			}
		}
		if d := math.Abs(auc(s.scores(got), s.y) - auc(s.scores(want), s.y)); d > 0.0005 {
			t.Errorf("%+v: AUC differs by %v", c, d)
		}
	}
}

// Against a float64 fit with the exact link: |ΔAUC| ≤ 0.002, log-loss + 0.005 (secure-modelling §10).
func TestMatchesIRLS(t *testing.T) {
	if testing.Short() {
		t.Skip("a full training")
	}
	s := generate(3, 300, 3, 2, 2)
	_, o := mustFit(t, s, s.literal())
	if !o.label.Converged {
		t.Errorf("not converged after %d iterations", o.label.Iterations)
	}
	z, exact := s.scores(o.weights()), s.scores(irls(s, 1))
	if d := math.Abs(auc(z, s.y) - auc(exact, s.y)); d > 0.002 {
		t.Errorf("AUC differs by %v", d)
	}
	if d := logLoss(z, s.y) - logLoss(exact, s.y); d > 0.005 {
		t.Errorf("log-loss is larger by %v", d)
	}
}

// Separable labels without a penalty have no finite fit: the weights leave ±16, or MaxIter comes first.
func TestSeparable(t *testing.T) {
	if testing.Short() {
		t.Skip("two full trainings")
	}
	s := generate(5, 120, 1, 1, 1)
	for i := range s.rows {
		s.host[i] = math.Copysign(0.05+0.001*float64(i%7), s.host[i])
		s.y[i] = 0
		if s.host[i] > 0 {
			s.y[i] = 1
		}
	}
	l := s.literal()
	l.Lambda, l.MaxIter = 0, 60
	p := mustParams(t, l)
	o := fit(s, p, p)
	if !errors.Is(o.errLabel, fault.Precision) || !errors.Is(o.errHost, fault.Precision) {
		t.Errorf("label holder %v, host %v, want Precision at both", o.errLabel, o.errHost)
	}
	standardise(s.host, s.rows)
	if _, o := mustFit(t, s, GLMLiteral{Link: LinkLogit, Rows: s.rows, LabelCols: 1, HostCols: 1, Lambda: 1}); math.Abs(o.weights()[2]) > WeightCap {
		t.Error("a penalised weight beyond its cap")
	}
}

func TestProgress(t *testing.T) {
	s := generate(9, 100, 1, 1, 0)
	l := s.literal()
	l.MaxIter = 3
	var seen []int
	p := mustParams(t, l)
	o := fit(s, p.WithProgress(func(done, total int) {
		if total != 3 {
			t.Errorf("total %d", total)
		}
		seen = append(seen, done)
	}), p)
	if o.errLabel != nil || o.errHost != nil || fmt.Sprint(seen) != "[1 2 3]" {
		t.Error(o.errLabel, o.errHost, seen)
	}
}

// Every refusal comes before a message, or names the plan.
func TestRefusals(t *testing.T) {
	s := generate(1, 100, 2, 2, 1)
	p := mustParams(t, s.literal())
	label, host := s.inputs()
	with := func(in Input, f func(*Input)) Input {
		in.X, in.Y = values(in.X), append([]uint8(nil), in.Y...)
		f(&in)
		return in
	}
	session, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	conn, _ := conntest.Pair(conntest.PartyA, conntest.PartyB)
	one := []protocols.Conn{conn}
	three := session
	three.Peers = []party.ID{conntest.PartyB, "carol"}
	stranger := session
	stranger.Peers = []party.ID{"carol"}
	idle := session
	idle.Workers = 0
	for name, c := range map[string]struct {
		s    protocols.Session
		c    []protocols.Conn
		in   Input
		p    GLMParams
		want fault.Code
	}{
		"zero parameters":      {session, one, label, GLMParams{}, fault.Invalid},
		"three parties":        {three, []protocols.Conn{conn, conn}, label, p, fault.Unsupported},
		"no connection":        {session, nil, label, p, fault.Unsupported},
		"another peer":         {stranger, one, label, p, fault.Invalid},
		"no workers":           {idle, one, label, p, fault.Invalid},
		"other rows":           {session, one, with(label, func(in *Input) { in.Rows-- }), p, fault.Invalid},
		"other columns":        {session, one, with(host, func(in *Input) { in.Cols = 3 }), p, fault.Invalid},
		"short values":         {session, one, with(label, func(in *Input) { in.X = in.X[1:] }), p, fault.Invalid},
		"NaN":                  {session, one, with(host, func(in *Input) { in.X[3] = math.NaN() }), p, fault.Invalid},
		"infinity":             {session, one, with(host, func(in *Input) { in.X[3] = math.Inf(-1) }), p, fault.Invalid},
		"beyond the clip":      {session, one, with(host, func(in *Input) { in.X[3] = 8.0001 }), p, fault.Precision},
		"no labels":            {session, one, with(label, func(in *Input) { in.Y = nil }), p, fault.Invalid},
		"labels at the host":   {session, one, with(host, func(in *Input) { in.Y = label.Y }), p, fault.Invalid},
		"a label of 2":         {session, one, with(label, func(in *Input) { in.Y[0] = 2 }), p, fault.Invalid},
		"labels of one class":  {session, one, with(label, func(in *Input) { clear(in.Y) }), p, fault.Invalid},
		"labels all of one":    {session, one, with(label, func(in *Input) { fill(in.Y) }), p, fault.Invalid},
		"label holder's shape": {session, one, with(host, func(in *Input) { in.Label = true }), p, fault.Invalid},
	} {
		if _, err := GLM(context.Background(), c.s, c.c, c.in, c.p); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if conn.Cost() != (protocols.Cost{}) {
		t.Errorf("a refused run counted %+v", conn.Cost())
	}
}

func values(x []float64) []float64 { return append([]float64(nil), x...) }

func fill(y []uint8) {
	for i := range y {
		y[i] = 1
	}
}

// Parties that agreed on different things stop at the first flight.
func TestPlanMismatch(t *testing.T) {
	s := generate(1, 100, 2, 2, 1)
	l := s.literal()
	p := mustParams(t, l)
	l.Lambda = 2
	o := fit(s, p, mustParams(t, l))
	if !errors.Is(o.errLabel, fault.PlanMismatch) && !errors.Is(o.errHost, fault.PlanMismatch) {
		t.Errorf("other parameters: %v, %v", o.errLabel, o.errHost)
	}
	label, _ := s.inputs()
	sa, sb := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	ca, cb := conntest.Pair(conntest.PartyA, conntest.PartyB)
	run := func(s protocols.Session, c protocols.Conn) func() error {
		return func() error {
			_, err := GLM(context.Background(), s, []protocols.Conn{c}, label, p)
			return err
		}
	}
	if errA, errB := conntest.Both(ca, run(sa, ca), run(sb, cb)); !errors.Is(errA, fault.PlanMismatch) && !errors.Is(errB, fault.PlanMismatch) {
		t.Errorf("two label holders: %v, %v", errA, errB)
	}
}

func TestCanceled(t *testing.T) {
	s := generate(1, 100, 1, 1, 1)
	p := mustParams(t, s.literal())
	label, _ := s.inputs()
	session, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	conn, _ := conntest.Pair(conntest.PartyA, conntest.PartyB)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := GLM(ctx, session, []protocols.Conn{conn}, label, p); !errors.Is(err, fault.Canceled) {
		t.Errorf("%v, want Canceled", err)
	}
}

// No value of either party is on the wire in any common form, and nothing but public headers repeats between two runs
// over the same input.
func TestTranscripts(t *testing.T) {
	s := generate(11, 100, 1, 1, 1)
	const canary = 1.2345678901
	s.host[17], s.label[23] = canary, -canary
	l := s.literal()
	l.MaxIter = 1
	p, first := mustFit(t, s, l)
	_, second := mustFit(t, s, l)
	_, third := mustFit(t, generate(12, 100, 1, 1, 3), l)
	sent, recvd := first.record.Lengths()
	if otherSent, otherRecvd := third.record.Lengths(); !slices.Equal(sent, otherSent) || !slices.Equal(recvd, otherRecvd) {
		t.Error("message lengths depend on the data")
	}
	fixed := int64(math.RoundToEven(canary * (1 << 14)))
	w := first.weights()
	for name, v := range map[string]uint64{
		"a float":          math.Float64bits(canary),
		"a negative float": math.Float64bits(-canary),
		"an integer":       uint64(fixed),
		"a negative":       uint64(-fixed),
		"a weight":         uint64(int64(w[0] * (1 << 18))),
		"a float weight":   math.Float64bits(w[2]),
	} {
		var little, big [8]byte
		binary.LittleEndian.PutUint64(little[:], v)
		binary.BigEndian.PutUint64(big[:], v)
		if first.record.Contains(little[:]) || first.record.Contains(big[:]) {
			t.Errorf("%s is on the wire", name)
		}
	}
	headers := publicHeaders(t, p)
	const window = 16
	seen := map[[window]byte]bool{}
	each(first.record, 4, func(w [window]byte) { seen[w] = true })
	repeats := 0
	each(second.record, 1, func(w [window]byte) {
		// A window that ends up to four bytes outside a header is no evidence.
		if seen[w] && !bytes.Contains(headers, w[:window-4]) && !bytes.Contains(headers, w[4:]) {
			repeats++
		}
	})
	if repeats > 0 {
		t.Errorf("%d windows of %d bytes repeat", repeats, window)
	}
}

// each calls f with every step-th window of every message.
func each(r *conntest.Recorder, step int, f func([16]byte)) {
	for _, list := range [][][]byte{r.Sent(), r.Received()} {
		for _, m := range list {
			for i := 0; i+16 <= len(m); i += step {
				f([16]byte(m[i : i+16]))
			}
		}
	}
}

// publicHeaders returns the headers of every kind of ciphertext of a run.
func publicHeaders(t *testing.T, p GLMParams) (out []byte) {
	t.Helper()
	session, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	kits, err := he.NewKits(p.he, session.Rand, 1)
	if err != nil {
		t.Fatal(err)
	}
	key, err := he.NewSecret(p.he, session.Rand)
	if err != nil {
		t.Fatal(err)
	}
	public, err := kits[0].PublicKey(key, [he.SeedBytes]byte{})
	if err != nil {
		t.Fatal(err)
	}
	out = append(out, public.Append(nil)[:he.HeaderBytes]...)
	for _, shape := range []products{p.forward.products, p.backward} {
		for _, c := range []struct {
			product he.Product
			noise   he.Noise
			rows    int
			cols    int
		}{
			{shape.label, shape.labelNoise, 0, p.lit.LabelCols + 1},
			{shape.host, shape.hostNoise, 0, p.lit.HostCols},
		} {
			rows := c.product.InputLen() * c.product.OutputLen() / c.cols
			x, err := c.product.Encode(context.Background(), kits, he.Matrix{Rows: rows, Cols: c.cols, Data: make([]int64, rows*c.cols)}, 0)
			if err != nil {
				t.Fatal(err)
			}
			in, err := c.product.Encrypt(context.Background(), kits, key, make([]uint64, c.product.InputLen()))
			if err != nil {
				t.Fatal(err)
			}
			sealed, _, err := c.product.Mul(context.Background(), kits, x, in, public, c.noise)
			if err != nil {
				t.Fatal(err)
			}
			out = append(append(out, 0xff), in[0][:he.HeaderBytes]...)
			for _, b := range sealed {
				out = append(append(out, 0xff), b[:he.HeaderBytes]...)
			}
		}
	}
	return out
}

// Altered bytes of the right shape may go unnoticed (doc.go, Security). Such shares may also look like weights out of
// range, which is nobody's provable fault: fault.Precision.
func TestFaults(t *testing.T) {
	s := generate(1, 100, 1, 1, 1)
	l := s.literal()
	l.MaxIter = 1
	p := mustParams(t, l)
	label, host := s.inputs()
	side := func(in Input) func(context.Context, protocols.Session, protocols.Conn) (Model, error) {
		return func(ctx context.Context, s protocols.Session, c protocols.Conn) (Model, error) {
			m, err := GLM(ctx, s, []protocols.Conn{c}, in, p)
			if errors.Is(err, fault.Precision) {
				return Model{}, nil
			}
			return m, err
		}
	}
	want := twin(s, l.Lambda, p.scale, 1)
	conntest.Suite(t, conntest.Protocol[Model, Model]{
		A: side(label), B: side(host), Cost: p.Cost(1), TamperUndetected: true,
		Check: func(a, b *Model) error {
			if a == nil || b == nil {
				return nil
			}
			x, y := a.SharesInsecure(), b.SharesInsecure()
			if len(x) != len(want) || len(y) != len(want) {
				return errors.New("no model")
			}
			for i, w := range want {
				if d := int64(x[i]+y[i]) - w; d > 256 || d < -256 {
					return fmt.Errorf("weight %d differs by %d units", i, d)
				}
			}
			return nil
		},
	})
}
