package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node/demo"
)

func measured() Run {
	auc := 0.7
	r := Run{Name: "t", Repeat: 3, Cols: 5, Peer: map[string]Peer{
		sklearnPeer: {Fit: &Spread{0.4, 0.5}, FitCPU: &Spread{0.5, 1}, AUC: &auc},
		spuPeer:     {PerIteration: 6, CPUIteration: 2},
	}}
	for i := range 3 {
		r.Demos = append(r.Demos, demo.Summary{
			Intersection: 100, Rounds: 9, BytesSent: int64(10 + i), WallSeconds: float64(12 - i), TrainSecondsPerIteration: 1 + float64(i),
			Iterations: 10, CPUSeconds: 4, PeakRSSBytes: int64(i), AUCJoint: 0.71, AUCPooled: 0.71 - 0.001*float64(i), KSJoint: 0.3,
		})
	}
	r.summarise()
	r.Ratios = r.ratios()
	return r
}

func TestSummarise(t *testing.T) {
	r := measured()
	if r.Rows != 100 || r.Rounds != 9 || r.Bytes != 12 || r.PeakRSS != 2 {
		t.Errorf("rows %d, rounds %d, bytes %d, memory %d", r.Rows, r.Rounds, r.Bytes, r.PeakRSS)
	}
	if want := (Timing{10, 10, 1, 4}); r.Min != want {
		t.Errorf("min %v, want %v", r.Min, want)
	}
	if want := (Timing{11, 20, 2, 4}); r.Median != want {
		t.Errorf("median %v, want %v", r.Median, want)
	}
}

func TestRatios(t *testing.T) {
	want := map[string]float64{
		"auc_pooled_gap": 0.002, "train_to_sklearn_fit": 40, "wall_to_sklearn_fit": 22, "cpu_to_sklearn_fit_cpu": 4,
		"auc_minus_sklearn": 0.01, "spu_iteration_to_tacit_iteration": 3,
		"spu_iteration_cpu_to_tacit_job_cpu_per_iteration": 5,
	}
	got := measured().Ratios
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
	for name, v := range want {
		if math.Abs(got[name]-v) > 1e-9 {
			t.Errorf("%s is %v, want %v", name, got[name], v)
		}
	}
}

func TestNothingMeasuredIsNoRatio(t *testing.T) {
	r := measured()
	r.Peer = map[string]Peer{sklearnPeer: {NotMeasured: "not installed"}, spuPeer: {NotMeasured: "not installed"}}
	r.Ratios = r.ratios()
	if len(r.Ratios) != 1 {
		t.Errorf("ratios to peers that did not run: %v", r.Ratios)
	}
	var b bytes.Buffer
	printTable(&b, Study{Runs: []Run{r}})
	if strings.Count(b.String(), notMeasured) != 5 {
		t.Errorf("cells without a number do not say so:\n%s", b.String())
	}
	text, err := json.Marshal(r.Peer)
	if err != nil || string(text) != `{"sklearn":{"not_measured":"not installed"},"spu":{"not_measured":"not installed"}}` {
		t.Errorf("%s, %v", text, err)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{4, 1}, 2.5}, {[]float64{9, 1, 2}, 2}} {
		if got := median(c.of); got != c.want {
			t.Errorf("median of %v is %v", c.of, got)
		}
	}
}

func TestPrepareSkipsWhatIsAbsent(t *testing.T) {
	data := t.TempDir()
	for name, text := range map[string]string{"breast_hetero_guest.csv": "id,y,a\r\n", "breast_hetero_host.csv": "id,b,c\n", "default_credit_hetero_host.csv": "id\n"} {
		if err := os.WriteFile(filepath.Join(data, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said bytes.Buffer
	tables, err := prepare(data, t.TempDir(), &said)
	if err != nil {
		t.Fatal(err)
	}
	if len(tables) != 2 || tables[0].name != "sample" || tables[0].cols != 23 || tables[1].name != "breast" || tables[1].cols != 3 {
		t.Errorf("tables %+v", tables)
	}
	if !strings.Contains(said.String(), "default_credit: skipped") {
		t.Errorf("said %q", said.String())
	}
}

func TestWrongCommandLine(t *testing.T) {
	for _, args := range [][]string{{}, {"-tacit", "x"}, {"-tacit", "x", "-o", "y", "-repeat", "0"}, {"-tacit", "x", "-o", "y", "more"}} {
		if err := run(t.Context(), args, io.Discard, io.Discard); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%v: %v", args, err)
		}
	}
}
