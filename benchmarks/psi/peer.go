package psibench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/tacit-data/tacit/api/fault"
)

// Peer is what the script of another system prints, or why there is nothing. Its measures are those of Run: the clock starts when
// both processes are ready, CPU is of both, bytes are of both directions on TCP, memory of the larger process.
type Peer struct {
	Name         string    `json:"peer"`
	Version      string    `json:"version,omitempty"`
	Toolchain    string    `json:"toolchain,omitempty"`
	Protocol     string    `json:"protocol,omitempty"`
	N            int       `json:"n,omitempty"`
	M            int       `json:"m,omitempty"`
	Threads      int       `json:"threads,omitempty"`
	WallSeconds  []float64 `json:"wall_seconds,omitempty"` // of each repeat
	CPUSeconds   []float64 `json:"cpu_seconds,omitempty"`
	BytesSent    int64     `json:"bytes_sent,omitempty"`
	PeakRSS      int64     `json:"peak_rss_bytes,omitempty"`
	Intersection int       `json:"intersection,omitempty"`
	Correct      bool      `json:"correct"`
	NotMeasured  string    `json:"not_measured,omitempty"`
}

// maxResultBytes bounds one line of Collect.
const maxResultBytes = 1 << 20

// Collect reads results, one JSON object per line: what bench run and the scripts of peers print.
//
// Errors: fault.Invalid.
func Collect(in io.Reader) (Study, error) {
	const op = "psibench.Collect"
	study := Study{Kind: "benchmark", Study: "psi"}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxResultBytes)
	for lines.Scan() {
		var head struct {
			Kind string `json:"kind"`
			Peer string `json:"peer"`
		}
		if err := json.Unmarshal(lines.Bytes(), &head); err != nil {
			return Study{}, fault.Wrap(fault.Invalid, op, err, "a line that is no result")
		}
		var v any
		var err error
		switch {
		case head.Peer != "":
			v, err = decode[Peer](lines.Bytes())
		case head.Kind == "psi":
			v, err = decode[Result](lines.Bytes())
		case head.Kind == "kernel":
			v, err = decode[KernelResult](lines.Bytes())
		default:
			err = fault.New(fault.Invalid, op, "a result of an unknown kind")
		}
		if err != nil {
			return Study{}, err
		}
		study.Runs = append(study.Runs, v)
	}
	return study, fault.Wrap(fault.Invalid, op, lines.Err(), "the results cannot be read")
}

func decode[T any](line []byte) (T, error) {
	var v T
	return v, fault.Wrap(fault.Invalid, "psibench.Collect", json.Unmarshal(line, &v), "a result of another form")
}

// Table is the study for people, ours and the peers' side by side, the title first. Kernels have a table of their own.
func (s Study) Table() [][]string {
	out := [][]string{{"SYSTEM", "PROTOCOL", "N", "M", "NET", "THREADS", "WALL S", "CPU S", "MB", "B/KEY", "MB RSS", "CORRECT"}}
	for _, v := range s.Runs {
		switch r := v.(type) {
		case Result:
			row := []string{"tacit", r.label(), strconv.Itoa(r.N), strconv.Itoa(r.M), r.network(), strconv.Itoa(r.Threads)}
			if r.NotMeasured != "" {
				out = append(out, append(row, notMeasuredCell, r.NotMeasured))
				continue
			}
			out = append(out, append(row, figures(r.WallSeconds, r.CPUSeconds, r.BytesSent, r.N, r.M, r.Run.PeakRSS, r.Correct)...))
		case Peer:
			row := []string{r.Name + " " + r.Version, r.Protocol, strconv.Itoa(r.N), strconv.Itoa(r.M), "none, plain", strconv.Itoa(r.Threads)}
			if r.NotMeasured != "" || len(r.WallSeconds) == 0 || len(r.CPUSeconds) == 0 {
				out = append(out, append(row, notMeasuredCell, r.NotMeasured))
				continue
			}
			out = append(out, append(row, figures(median(r.WallSeconds), median(r.CPUSeconds), r.BytesSent, r.N, r.M, r.PeakRSS, r.Correct)...))
		}
	}
	return out
}

// network says what was between the parties.
func (r Result) network() string {
	switch {
	case r.Core:
		return inMemory
	case r.TLS == TLS:
		return r.Net + ", TLS"
	}
	return r.Net + ", plain"
}

func figures(wall, cpu float64, sent int64, n, m int, rss int64, correct bool) []string {
	return []string{
		seconds(wall), seconds(cpu), fmt.Sprintf("%.2f", float64(sent)/1e6), fmt.Sprintf("%.1f", float64(sent)/float64(max(n, m, 1))),
		strconv.FormatInt(rss>>20, 10), strconv.FormatBool(correct),
	}
}

// Kernels are the study's results of kernels.
func (s Study) Kernels() []KernelResult {
	var out []KernelResult
	for _, v := range s.Runs {
		if r, ok := v.(KernelResult); ok {
			out = append(out, r)
		}
	}
	return slices.Clip(out)
}
