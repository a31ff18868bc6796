package demo

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
)

const (
	bankRows    = 12_000
	utilityRows = 10_000
	commonRows  = 8_000
	missingRate = 0.01 // of the cells that may be missing
)

// Regions are the groups of the sample's noised answer.
var Regions = []string{"east", "north", "south", "west"}

// column is one synthetic feature: how it hangs on the customer's hidden solvency, and how it looks.
type column struct {
	name        string
	weight      float64 // effect on the log-odds of default, per standard deviation
	mean, sd    float64 // of the printed value
	decimals    int
	nonNegative bool
	missing     bool
}

var bankColumns = []column{
	{"age", -0.12, 43, 12, 0, true, false},
	{"income", -0.35, 5200, 1900, 0, true, true},
	{"debt_ratio", 0.30, 0.36, 0.14, 3, true, false},
	{"card_limit", -0.14, 21000, 9000, 0, true, false},
	{"tenure_months", -0.12, 64, 31, 0, true, false},
	{"utilisation", 0.26, 0.44, 0.21, 3, true, false},
	{"late_30d", 0.23, 0.9, 1.1, 0, true, false},
	{"late_60d", 0.16, 0.3, 0.6, 0, true, false},
	{"inquiries", 0.09, 1.6, 1.4, 0, true, true},
	{"accounts", 0.02, 3.1, 1.5, 0, true, false},
	{"balance", 0.06, 8400, 4700, 0, false, false},
	{"savings", -0.14, 12800, 8900, 0, true, true},
	{"loans_open", 0.07, 1.1, 0.9, 0, true, false},
}

var utilityColumns = []column{
	{"kwh_mean", -0.04, 310, 95, 1, true, false},
	{"kwh_sd", 0.19, 48, 19, 1, true, false},
	{"gas_m3", -0.03, 22, 9, 1, true, true},
	{"water_m3", 0.02, 11, 4, 1, true, false},
	{"bill_mean", 0.09, 240, 70, 2, true, false},
	{"bill_sd", 0.18, 38, 17, 2, true, false},
	{"late_bills", 0.40, 1.2, 1.3, 0, true, false},
	{"disconnects", 0.25, 0.2, 0.5, 0, true, false},
	{"autopay_share", -0.30, 0.55, 0.28, 3, true, false},
	{"moves", 0.14, 0.7, 0.8, 0, true, false},
}

// sampler draws the sample from a public seed: the same seed gives the same files on every machine.
type sampler struct{ s *aes.Stream }

func newSampler(seed uint64) *sampler {
	h := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("tacit/demo/sample/v1"), seed))
	return &sampler{aes.NewStream(aes.Block(h[:16]), aes.Block(h[16:]))}
}

func (s *sampler) uniform() float64 {
	var b [8]byte
	s.s.Fill(b[:])
	return float64(binary.LittleEndian.Uint64(b[:])>>11) / (1 << 53)
}

// normal is a standard normal draw (Box and Muller).
func (s *sampler) normal() float64 {
	return math.Sqrt(-2*math.Log(1-s.uniform())) * math.Cos(2*math.Pi*s.uniform())
}

// shuffle permutes indexes 0…n−1.
func (s *sampler) shuffle(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := int(s.uniform() * float64(i+1))
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// WriteSample writes the bank's and the utility's files. Customers 0…bankRows−1 are the bank's, the last utilityRows the
// utility's; both shuffle their rows.
func WriteSample(bankPath, utilityPath string, seed uint64) error {
	s := newSampler(seed)
	total := bankRows + utilityRows - commonRows
	people := make([]person, total)
	ids := s.shuffle(90_000_000 / 1000)[:total]
	for i := range people {
		people[i] = s.person(ids[i])
	}
	if err := writeTable(bankPath, append([]string{"id", "y", "region"}, columnNames(bankColumns)...), s.shuffle(bankRows), func(i int) []string {
		p := people[i]
		return append([]string{p.id, strconv.Itoa(p.label), p.region}, p.bank...)
	}); err != nil {
		return err
	}
	return writeTable(utilityPath, append([]string{"id"}, columnNames(utilityColumns)...), s.shuffle(utilityRows), func(i int) []string {
		p := people[total-utilityRows+i]
		return append([]string{p.id}, p.utility...)
	})
}

type person struct {
	id, region    string
	label         int
	bank, utility []string
}

func (s *sampler) person(id int) person {
	p := person{id: fmt.Sprintf("C%08d", 10_000_000+id*911), region: Regions[int(s.uniform()*float64(len(Regions)))]}
	odds := -1.35
	odds += s.cells(bankColumns, &p.bank)
	odds += s.cells(utilityColumns, &p.utility)
	if p.region == "south" {
		odds += 0.25
	}
	if s.uniform() < 1/(1+math.Exp(-odds)) {
		p.label = 1
	}
	return p
}

// cells draws a row's features and returns their effect on the log-odds.
func (s *sampler) cells(columns []column, out *[]string) float64 {
	effect := 0.0
	for _, c := range columns {
		z := s.normal()
		effect += c.weight * z
		v := c.mean + c.sd*z
		if c.nonNegative {
			v = max(v, 0)
		}
		cell := strconv.FormatFloat(v, 'f', c.decimals, 64)
		if c.missing && s.uniform() < missingRate {
			cell = ""
		}
		*out = append(*out, cell)
	}
	return effect
}

func columnNames(columns []column) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.name
	}
	return out
}

func writeTable(path string, header []string, order []int, row func(int) []string) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "demo.WriteSample", err, "the sample cannot be written")
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriter(f)
	writeRow(w, header)
	for _, i := range order {
		writeRow(w, row(i))
	}
	return fault.Wrap(fault.Unavailable, "demo.WriteSample", w.Flush(), "the sample cannot be written")
}

// writeRow writes plain cells; a write error surfaces at Flush.
func writeRow(w *bufio.Writer, cells []string) {
	for i, c := range cells {
		if i > 0 {
			_ = w.WriteByte(',')
		}
		_, _ = w.WriteString(c)
	}
	_ = w.WriteByte('\n')
}
