package psibench

import (
	"fmt"
	"slices"
	"strconv"
)

// notMeasuredCell stands where there is no number.
const notMeasuredCell = "not measured"

// Table is results for people, the title first.
func Table(results []Result) [][]string {
	out := [][]string{{"PROTOCOL", "N", "M", "NET", "TLS", "THREADS", "WALL S", "CPU S", "MB", "B/KEY", "ROUNDS", "MB RSS", "MATCHES", "CORRECT"}}
	setups := slices.ContainsFunc(results, func(r Result) bool { return r.Setup != nil })
	if setups {
		out[0] = append(out[0], "SET-UP S", "CPU S", "MB", "MB RSS")
	}
	for _, r := range results {
		row := []string{r.label(), strconv.Itoa(r.N), strconv.Itoa(r.M), r.Net, r.TLS, strconv.Itoa(r.Threads)}
		if r.NotMeasured != "" {
			out = append(out, append(row, notMeasuredCell, r.NotMeasured))
			continue
		}
		row = append(row,
			seconds(r.WallSeconds), seconds(r.CPUSeconds), fmt.Sprintf("%.2f", float64(r.BytesSent)/1e6), fmt.Sprintf("%.1f", r.BytesPerItem),
			strconv.Itoa(r.Rounds), strconv.FormatInt(r.Run.PeakRSS>>20, 10), strconv.Itoa(r.Matches), strconv.FormatBool(r.Correct))
		if s := r.Setup; s != nil {
			row = append(row, seconds(s.SetupSeconds), seconds(s.SetupCPUSeconds), fmt.Sprintf("%.2f", float64(s.SetupBytes)/1e6),
				strconv.FormatInt(s.SetupPeakRSS>>20, 10))
		}
		out = append(out, row)
	}
	return out
}

func (r Result) label() string {
	name := r.Protocol
	if r.Suite != "" {
		name += " " + r.Suite
	}
	if r.Setup != nil {
		name += " (online)"
	}
	if r.Core {
		name += " (core)"
	}
	return name
}

// seconds keeps three significant digits of what is short.
func seconds(v float64) string {
	if v < 1 {
		return fmt.Sprintf("%.3f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// KernelTable is results for people, the title first.
func KernelTable(results []KernelResult) [][]string {
	out := [][]string{{"KERNEL", "OPERATION", "NS/ITEM", "FLOOR", "NS/ITEM", "TIMES FASTER"}}
	for _, r := range results {
		for _, o := range r.Operations {
			row := []string{r.Protocol, o.Name, fmt.Sprintf("%.2f", o.Median)}
			if o.Floor != "" {
				row = append(row, o.Floor, fmt.Sprintf("%.2f", o.FloorMedian), fmt.Sprintf("%.1f", o.FloorMedian/o.Median))
			}
			out = append(out, row)
		}
	}
	return out
}
