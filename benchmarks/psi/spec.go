package psibench

import (
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/faultproxy"
)

// MaxItems bounds the keys of a file: 2.2 GB of CSV at each party.
const MaxItems = 1 << 25

// The transports.
const (
	TLS   = "1.3"
	NoTLS = "off"
)

// Spec is one cell of a study: what is measured.
type Spec struct {
	Protocol string `json:"protocol"`
	N        int    `json:"n"` // keys of the receiver, who learns the matches; of oprf the client, whose set is the smaller
	M        int    `json:"m"` // keys of the sender; of oprf the server
	Suite    string `json:"suite,omitempty"`
	Output   string `json:"output"` // who learns the matches: receiver or both
	Core     bool   `json:"core"`
	Net      string `json:"net"`                // a profile of internal/faultproxy, none for loopback as it is; core: memory
	TLS      string `json:"tls"`                // 1.3 or off; core: off
	Threads  int    `json:"threads"`            // of each party, also where one process is both
	Memory   int64  `json:"memory_limit_bytes"` // soft, of each process; 0: chosen by the sizes
	Seed     uint64 `json:"seed"`
}

// The values of Spec.Output.
const (
	outputReceiver = "receiver"
	outputBoth     = "both"
)

// inMemory is the network of a core run.
const inMemory = "memory"

// check fills defaults in and refuses what cannot be measured.
//
// Errors: fault.Invalid, fault.LimitExceeded, and those of the protocol's own parameters.
func (s Spec) check() (Spec, error) {
	const op = "psibench.Spec"
	p, err := protocolNamed(s.Protocol)
	if err != nil {
		return s, err
	}
	if s.M == 0 {
		s.M = s.N
	}
	if err := s.checkSizes(); err != nil {
		return s, err
	}
	if p.setup != nil {
		s.N, s.M = min(s.N, s.M), max(s.N, s.M)
	}
	if s.Memory < 0 {
		return s, fault.New(fault.Invalid, op, "a negative memory limit")
	}
	if s.Memory == 0 {
		s.Memory = s.defaultMemory(p)
	}
	if s.Threads < 1 {
		return s, fault.New(fault.Invalid, op, "at least 1 thread")
	}
	if s.Suite == "" {
		s.Suite = p.suite
	}
	if s.Output == "" {
		s.Output = p.output
	}
	if s.Core {
		s.Net, s.TLS = inMemory, NoTLS
	} else if _, err := faultproxy.Named(s.Net); err != nil {
		return s, err
	}
	if s.TLS != TLS && s.TLS != NoTLS {
		return s, fault.New(fault.Invalid, op, "TLS is %s or %s", TLS, NoTLS)
	}
	return s, p.check(s)
}

func (s Spec) checkSizes() error {
	const op = "psibench.Spec"
	if min(s.N, s.M) < 2 {
		return fault.New(fault.Invalid, op, "at least 2 keys at each party")
	}
	if n := max(s.N, s.M); n > MaxItems {
		return fault.New(fault.LimitExceeded, op, "%d keys, MaxItems is %d", n, MaxItems)
	}
	return nil
}

// intersection is how many keys both parties have: half of the smaller set.
func (s Spec) intersection() int { return min(s.N, s.M) / 2 }

// maxDecimal is the largest power of ten that is a size.
const maxDecimal = 9

// ParseSize reads a number of keys: 1000, 2^20, 10^5, 100k or 10M.
//
// Errors: fault.Invalid.
func ParseSize(text string) (int, error) {
	bad := fault.New(fault.Invalid, "psibench.ParseSize", "a size is a number such as 50000, 100k or 10M, or a power such as 2^20 or 10^6")
	if exponent, isPower := strings.CutPrefix(text, "2^"); isPower {
		k, err := strconv.ParseUint(exponent, 10, 8)
		if err != nil || k >= bits.UintSize-1 {
			return 0, bad
		}
		return 1 << k, nil
	}
	unit := uint64(1)
	if exponent, isPower := strings.CutPrefix(text, "10^"); isPower {
		k, err := strconv.ParseUint(exponent, 10, 8)
		if err != nil || k > maxDecimal {
			return 0, bad
		}
		text = "1" + strings.Repeat("0", int(k))
	}
	for _, s := range []struct {
		suffix string
		unit   uint64
	}{{"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}} {
		if digits, ok := strings.CutSuffix(text, s.suffix); ok {
			text, unit = digits, s.unit
			break
		}
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n == 0 || n*unit > math.MaxInt32 {
		return 0, bad
	}
	return int(n * unit), nil
}
