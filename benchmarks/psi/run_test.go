package psibench

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/benchmarks/machine"
	"github.com/tacit-data/tacit/protocols"
)

const partyVariable = "PSIBENCH_TEST_PARTY"

// TestPartyProcess is no test: it is the process of a party in the others.
func TestPartyProcess(t *testing.T) {
	if os.Getenv(partyVariable) == "" {
		t.Skip("a party's process, started by other tests")
	}
	if err := Party(t.Context(), os.Stdin, os.Stdout); err != nil {
		t.Log(err)
		os.Exit(1)
	}
	os.Exit(0)
}

func self(t *testing.T) Self {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(partyVariable, "1")
	return Self{program, "-test.run=^TestPartyProcess$"}
}

func quiet(s Self) *Bench { return NewBench(s, func(Progress) {}) }

// TestMeasure runs every protocol between two processes, and within one.
func TestMeasure(t *testing.T) {
	s := self(t)
	for _, p := range registry() {
		for _, c := range []struct {
			name string
			spec Spec
		}{
			{"TLS", Spec{N: 300, M: 200, Net: "none", TLS: TLS}},
			{"plain, a network", Spec{N: 64, M: 101, Net: "lan", TLS: NoTLS}},
			{"core", Spec{N: 200, M: 200, Core: true}},
		} {
			t.Run(p.name+"/"+c.name, func(t *testing.T) {
				c.spec.Protocol, c.spec.Threads, c.spec.Seed = p.name, 1, 3
				runs := 0
				b := NewBench(s, func(p Progress) {
					if p.Phase == "run" && p.Total == 0 {
						runs++
					}
				})
				defer b.Close()
				r, err := b.Measure(t.Context(), c.spec, 2)
				if err != nil {
					t.Fatal(err)
				}
				if has := p.setup != nil; has != (r.Setup != nil) || has && (r.SetupSeconds <= 0 || r.SetupBytes <= 0 || r.SetupPeakRSS <= 0) {
					t.Errorf("set-up %+v", r.Setup)
				}
				if runs != 2 || len(r.Runs) != 2 || !r.Correct || r.Matches != r.intersection() || r.NotMeasured != "" {
					t.Errorf("%d runs, result %+v", runs, r)
				}
				if r.WallSeconds <= 0 || r.BytesSent <= 0 || r.Rounds <= 0 || r.Run.PeakRSS <= 0 || r.Min.WallSeconds > r.Median.WallSeconds {
					t.Errorf("figures %+v", r.Run)
				}
				if wire := r.WireBytes; c.spec.Core != (wire == 0) || (!c.spec.Core && wire <= r.BytesSent) {
					t.Errorf("%d bytes on TCP for %d of messages", wire, r.BytesSent)
				}
			})
		}
	}
}

func TestWhatIsNotBuiltSaysSo(t *testing.T) {
	s := good()
	s.Suite = "ic-x25519-direct"
	r, err := quiet(Self{"nothing"}).Measure(t.Context(), s, 1)
	if err != nil || !strings.HasPrefix(r.NotMeasured, "Unsupported: ") {
		t.Errorf("%+v, %v", r, err)
	}
	if rows := Table([]Result{r}); len(rows) != 2 || rows[1][6] != notMeasuredCell {
		t.Errorf("the table says %v", rows)
	}
}

func TestMeasureFails(t *testing.T) {
	if _, err := quiet(Self{"/nonexistent.csv"}).Measure(t.Context(), good(), 1); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("no program: %v", err)
	}
	if _, err := quiet(Self{"/bin/true"}).Measure(t.Context(), good(), 0); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("no runs: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := quiet(Self{"/bin/true"}).Measure(ctx, good(), 1); fault.CodeOf(err) != fault.Canceled {
		t.Errorf("canceled: %v", err)
	}
}

// TestPartyReportsFailure: what goes wrong in a party's process is part of its report.
func TestPartyReportsFailure(t *testing.T) {
	line, err := json.Marshal(task{Spec: good(), Receiver: true, Keys: "/nonexistent.csv"})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Party(t.Context(), strings.NewReader(string(line)+"\n{}\n"), &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `"failed":"NotFound`) {
		t.Errorf("said %s", out.String())
	}
	if err := Party(t.Context(), strings.NewReader("nonsense\n"), &out); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("nonsense: %v", err)
	}
	if err := Party(t.Context(), strings.NewReader(""), &out); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("nothing: %v", err)
	}
}

func TestVerifyCost(t *testing.T) {
	s, err := good().check()
	if err != nil {
		t.Fatal(err)
	}
	p, err := protocolNamed(s.Protocol)
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.cost(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := (task{Spec: s}).verifyCost(c.SentBytes, c.RecvBytes, c.Rounds); err != nil {
		t.Error(err)
	}
	if err := (task{Spec: s}).verifyCost(c.SentBytes+1, c.RecvBytes, c.Rounds); fault.CodeOf(err) != fault.Internal || err == nil {
		t.Errorf("a byte more: %v", err)
	}
}

func TestMemoryConn(t *testing.T) {
	a, b := memoryPair("x", "y")
	if a.Peer() != "y" || b.Peer() != "x" {
		t.Error("the peers are exchanged")
	}
	msg := []byte{1, 2, 3}
	if err := a.Send(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
	msg[0] = 9
	if got, err := b.Recv(t.Context()); err != nil || !bytes.Equal(got, []byte{1, 2, 3}) {
		t.Errorf("got %v, %v", got, err)
	}
	a.Flight()
	if got, want := a.cost(), (protocols.Cost{Rounds: 1, SentBytes: 3}); got != want {
		t.Errorf("counted %+v", got)
	}
	if err := a.Send(t.Context(), make([]byte, protocols.MaxMessage+1)); fault.CodeOf(err) != fault.LimitExceeded {
		t.Errorf("too long: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Recv(ctx); fault.CodeOf(err) != fault.Canceled {
		t.Errorf("canceled: %v", err)
	}
	for err := error(nil); err == nil; { // until the window is full
		err = a.Send(ctx, msg)
	}
}

func TestResultOf(t *testing.T) {
	runs := []Run{
		{WallSeconds: 3, CPUSeconds: 1, BytesSent: 100, PeakRSS: 5, Matches: 2, Correct: true},
		{WallSeconds: 1, CPUSeconds: 3, BytesSent: 120, PeakRSS: 4, Matches: 2, Correct: true},
		{WallSeconds: 2, CPUSeconds: 2, BytesSent: 110, PeakRSS: 9, Matches: 2, Correct: true},
	}
	r := resultOf(Spec{N: 4, M: 12}, runs, machine.Card{})
	if r.Min != (Timing{1, 1, 4}) || r.Median != (Timing{2, 2, 5}) || r.WallSeconds != 2 || r.BytesSent != 120 || r.BytesPerItem != 10 || !r.Correct {
		t.Errorf("%+v", r)
	}
	runs[1].Matches = 3
	if resultOf(Spec{N: 4, M: 12}, runs, machine.Card{}).Correct {
		t.Error("runs that differ are correct")
	}
}

func TestCollect(t *testing.T) {
	ours, _ := json.Marshal(resultOf(Spec{Protocol: "psi/ecdh", N: 4, M: 4, Net: "none", TLS: TLS, Threads: 1}, []Run{{WallSeconds: 1, CPUSeconds: 2, Correct: true}}, machine.Card{}))
	kernel, _ := json.Marshal(KernelResult{Kind: "kernel", Protocol: "kernel/aes", Operations: []OperationResult{{Name: "x", Median: 2, Floor: "y", FloorMedian: 4}, {Name: "z", Median: 1}}})
	in := string(ours) + "\n" + `{"peer":"p","version":"1","protocol":"kkrt","n":4,"m":4,"wall_seconds":[3,1,2],"cpu_seconds":[1,1,1],"correct":true}` + "\n" +
		`{"peer":"q","not_measured":"not installed"}` + "\n" + string(kernel) + "\n"
	s, err := Collect(strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	rows := s.Table()
	if len(rows) != 4 || rows[1][0] != "tacit" || rows[2][6] != "2.00" || rows[3][6] != notMeasuredCell {
		t.Errorf("%v", rows)
	}
	if rows := KernelTable(s.Kernels()); len(rows) != 3 || rows[1][5] != "2.0" || len(rows[2]) != 3 {
		t.Errorf("%v", rows)
	}
	for _, bad := range []string{"x", "{}", `{"kind":"psi","n":"many"}`} {
		if _, err := Collect(strings.NewReader(bad)); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestKernelsAreListed(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Subjects() {
		if seen[s.Name] || s.About == "" {
			t.Errorf("%+v is listed twice or says nothing", s)
		}
		seen[s.Name] = true
		if IsKernel(s.Name) != strings.HasPrefix(s.Name, "kernel/") {
			t.Errorf("%s is filed wrongly", s.Name)
		}
	}
	if _, err := MeasureKernel(t.Context(), "kernel/none", 1); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("an unknown kernel: %v", err)
	}
}

func TestMeasureKernel(t *testing.T) {
	r, err := MeasureKernel(t.Context(), "kernel/gf128", 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range r.Operations {
		if o.Min <= 0 || o.Median < o.Min || (o.Floor != "" && o.FloorMedian <= 0) {
			t.Errorf("%+v", o)
		}
	}
}

// TestSetupOnce: runs that differ in network, threads and measure share a set-up, and the larger set is the server's.
func TestSetupOnce(t *testing.T) {
	setups := 0
	b := NewBench(self(t), func(p Progress) {
		if p.Phase == "set-up" && p.Total == 0 {
			setups++
		}
	})
	defer b.Close()
	for _, s := range []Spec{
		{N: 500, M: 40, Net: "none", TLS: TLS, Threads: 1}, {N: 40, M: 500, Net: "lan", TLS: NoTLS, Threads: 2}, {N: 40, M: 500, Core: true, Threads: 1},
	} {
		s.Protocol = "psi/oprf"
		r, err := b.Measure(t.Context(), s, 1)
		if err != nil {
			t.Fatal(err)
		}
		if r.N != 40 || r.M != 500 || !r.Correct || r.Matches != 20 {
			t.Errorf("%+v", r)
		}
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		back, err := decode[Result](line)
		if err != nil || back.Setup == nil || *back.Setup != *r.Setup {
			t.Errorf("%s is read as %+v, %v", line, back.Setup, err)
		}
		if rows := Table([]Result{r}); len(rows[0]) != len(rows[1]) {
			t.Errorf("%d cells under %d titles", len(rows[1]), len(rows[0]))
		}
	}
	if setups != 1 {
		t.Errorf("%d set-ups, want 1", setups)
	}
	dirs := b.dirs
	b.Close()
	for _, dir := range dirs {
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("the server's key is left behind: %v", err)
		}
	}
}

// TestTold: progress never goes back, and says what is left.
func TestTold(t *testing.T) {
	var got []Progress
	b := NewBench(nil, func(p Progress) { got = append(got, p) })
	tell := b.told("run", 1, 2)
	for _, s := range []step{{10, 100}, {5, 100}, {10, 100}, {60, 100}, {70, 50}, {100, 100}} {
		tell(s)
	}
	if len(got) != 4 || got[0].Total != 0 || got[1].Done != 10 || got[2].Done != 60 || got[3].Done != 100 || got[3].Left != 0 || got[1].Left != 0 || got[2].Left <= 0 {
		t.Errorf("%+v", got)
	}
}

func TestMemoryFor(t *testing.T) {
	for _, c := range []struct {
		sets []int
		want int64
	}{
		{[]int{2}, memoryFloor},
		{[]int{1 << 20, 1 << 20}, memoryBase + 2<<20*(memoryPerItem+memoryPerWork)},
		{[]int{1 << 24}, memoryBase + memoryPerItem<<24 + memoryPerWork*memoryWorkMost},
	} {
		if got := memoryFor(c.sets...); got != c.want {
			t.Errorf("%v: %d, want %d", c.sets, got, c.want)
		}
	}
	s := good()
	s.Memory = 5
	if s, err := s.check(); err != nil || s.Memory != 5 {
		t.Errorf("%+v, %v", s, err)
	}
	s.Memory = -1
	if _, err := s.check(); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("negative: %v", err)
	}
}
