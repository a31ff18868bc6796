package intersect

import (
	"context"
	"fmt"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/psi"
)

// Net is a network as the planner sees it.
type Net struct {
	Name string
	Bits float64       // per second and direction
	RTT  time.Duration // round trip
}

// NetLAN is the network that is assumed where nothing is said.
func NetLAN() Net { return Nets()[0] }

// Nets lists the known networks.
func Nets() []Net {
	return []Net{
		{"lan", 1e9, 200 * time.Microsecond},
		{"wan-20ms", 1e9, 20 * time.Millisecond},
		{"wan-100ms", 1e9, 100 * time.Millisecond},
		{"metro", 100e6, 10 * time.Millisecond},
		{"sf", 100e6, 50 * time.Millisecond},
		{"slow", 2e6, 50 * time.Millisecond},
	}
}

// ParseNet returns the network of that name.
//
// Errors: fault.Invalid.
func ParseNet(name string) (Net, error) {
	for _, n := range Nets() {
		if n.Name == name {
			return n, nil
		}
	}
	return Net{}, fault.New(fault.Invalid, "intersect.ParseNet", "a network is lan, wan-20ms, wan-100ms, metro, sf or slow")
}

// Question is what the planner is asked.
type Question struct {
	Own, Peer int64 // distinct keys
	Side      Side  // of Own
	Terms     Terms
	Memory    int64      // for one bucket, of the party that has less
	Method    psi.Method // insist; MethodAuto
	Suite     psi.Suite  // insist; empty
	Net       Net
	Workers   int
	// Exactly asks for measured rates of every candidate, also where one is ahead beyond doubt.
	Exactly bool

	bits int // of the cut, in tests
}

// Plan is how an intersection is done.
type Plan struct {
	Method   psi.Method
	Suite    psi.Suite
	Receiver Side
	Buckets  psi.Buckets // as the party that asked sees them
	Why      []string    // for people
}

// Candidate is a way to do it, with what it costs.
type Candidate struct {
	Method  psi.Method
	Suite   psi.Suite
	Cost    protocols.Cost // of the party that asked, all buckets
	CPU     time.Duration  // of one party, on one processor
	Wall    time.Duration  // on the network asked for, each party on a machine of its own with Workers processors
	Rate    string         // where CPU comes from: "measured" or "typical"
	Refused string         // why it cannot be had; then nothing else is set
}

// receiverOf is the party that plays R: the one that alone gets the output, else the one with the smaller set, which
// with OKVS methods sends more per item.
func receiverOf(t Terms, listenerKeys, connectorKeys int64) Side {
	switch {
	case t.OutputTo == ToListener:
		return Listener
	case t.OutputTo == ToConnector, connectorKeys < listenerKeys:
		return Connector
	}
	return Listener
}

// Choose answers with the candidate of the least wall time.
//
// Errors: fault.Unsupported (nothing that is asked for is built), those of psi.PlanBuckets.
func Choose(q Question) (Plan, error) {
	p, _, err := Compare(q)
	return p, err
}

// Compare is Choose with all candidates, the chosen one first.
func Compare(q Question) (Plan, []Candidate, error) {
	cut, err := psi.PlanBuckets(q.Own, q.Peer, q.Memory)
	if q.bits > 0 {
		cut, err = psi.CutBuckets(q.Own, q.Peer, q.bits)
	}
	if err != nil {
		return Plan{}, nil, err
	}
	q.Terms = q.Terms.filled()
	listener, connector := q.Own, q.Peer
	if q.Side == Connector {
		listener, connector = connector, listener
	}
	p := Plan{Receiver: receiverOf(q.Terms, listener, connector), Buckets: cut}
	var open, refused []Candidate
	for _, c := range ways(q) {
		c.weigh(q, p, typicalRate(c.Method, c.Suite), "typical")
		if c.Refused != "" {
			refused = append(refused, c)
		} else {
			open = append(open, c)
		}
	}
	if len(open) == 0 {
		return Plan{}, refused, fault.New(fault.Unsupported, "intersect.Choose", "no method that is asked for is built: %s", refusals(refused))
	}
	best(open)
	doubt := len(open) > 1 && open[0].Wall > trifle && float64(open[1].Wall) < decisive*float64(open[0].Wall)
	if q.Exactly || doubt {
		measureAll(open, q, p)
		best(open)
	}
	p.Method, p.Suite = open[0].Method, open[0].Suite
	p.Why = append(p.Why, open[0].reason(open, q, cut)...)
	return p, append(open, refused...), nil
}

// decisive is the ratio of wall times above which typical rates settle the choice: machines differ by less.
const decisive = 4

// trifle is a wall time below which measuring would take longer than the best choice can save.
const trifle = 100 * time.Millisecond

// ways lists what could be asked for.
func ways(q Question) []Candidate {
	all := []Candidate{{Method: psi.MethodRR22}}
	for _, s := range []psi.Suite{psi.SuiteX25519, psi.SuiteRistretto255, psi.SuiteP256, psi.SuiteSM2} {
		all = append(all, Candidate{Method: psi.MethodECDH, Suite: s})
	}
	var out []Candidate
	for _, c := range all {
		if q.Method != MethodAuto && q.Method != "" && c.Method != q.Method {
			continue
		}
		if q.Suite != "" && c.Suite != q.Suite {
			continue
		}
		out = append(out, c)
	}
	return out
}

// best puts the candidate of the least wall time first; the others keep their order.
func best(c []Candidate) {
	for i := 1; i < len(c); i++ {
		for j := i; j > 0 && c[j].Wall < c[j-1].Wall; j-- {
			c[j], c[j-1] = c[j-1], c[j]
		}
	}
}

// rate is what a method costs a party: CPU for a run and for each item of both parties together.
type rate struct{ run, item time.Duration }

// typicalRate is a figure of one 3.7 GHz Zen 4 core. It settles what is beyond doubt; the rest is measured.
func typicalRate(m psi.Method, s psi.Suite) rate {
	switch {
	case m == psi.MethodRR22:
		return rate{30 * time.Millisecond, 600 * time.Nanosecond}
	case s == psi.SuiteX25519:
		return rate{0, 12 * time.Microsecond}
	case s == psi.SuiteRistretto255:
		return rate{0, 62 * time.Microsecond}
	}
	return rate{0, 100 * time.Microsecond}
}

// params are those of one bucket.
func (c Candidate) params(q Question, p Plan) (psi.Params, error) {
	out := psi.OutputReceiver
	if q.Terms.OutputTo == ToBoth {
		out = psi.OutputBoth
	}
	nRecv, nSend := p.Buckets.CapSelf, p.Buckets.CapPeer
	if p.Receiver != q.Side {
		nRecv, nSend = nSend, nRecv
	}
	return psi.NewParams(psi.ParamsLiteral{
		Method: c.Method, Suite: c.Suite, Output: out, Malicious: q.Terms.Malicious, SSP: p.Buckets.SSP,
		ReceiverItems: nRecv, SenderItems: nSend, Exact: true,
	})
}

// weigh fills in what the candidate costs.
func (c *Candidate) weigh(q Question, p Plan, r rate, from string) {
	params, err := c.params(q, p)
	if err != nil {
		c.Refused = fault.ReasonOf(err)
		return
	}
	lit := params.Literal()
	n := p.Buckets.Count()
	c.Cost = params.Cost(lit.ReceiverItems, lit.SenderItems).Times(n)
	if p.Receiver != q.Side {
		c.Cost = c.Cost.Flip()
	}
	c.Rate = from
	items := int64(p.Buckets.CapSelf+p.Buckets.CapPeer) * int64(n)
	c.CPU = time.Duration(n)*r.run + time.Duration(items)*r.item
	wire := time.Duration(float64(max(c.Cost.SentBytes, c.Cost.RecvBytes)) * 8 / q.Net.Bits * 1e9)
	compute := c.CPU / time.Duration(max(q.Workers, 1))
	c.Wall = max(wire, compute) + time.Duration(c.Cost.Rounds)*q.Net.RTT/2
	if c.Method != psi.MethodECDH {
		c.Wall += min(wire, compute) // its steps wait for each other; those of ecdh overlap
	}
}

// measureAll replaces typical rates of what may still win by measured ones. A method that cannot be measured keeps its typical rate.
func measureAll(open []Candidate, q Question, p Plan) {
	limit := decisive * float64(open[0].Wall)
	for i := range open {
		if !q.Exactly && float64(open[i].Wall) >= limit {
			continue
		}
		if r, err := measure(context.Background(), open[i].Method, open[i].Suite, q.Terms.Malicious); err == nil {
			open[i].weigh(q, p, r, "measured")
		}
	}
}

// reason says why c, the first of open, was chosen.
func (c Candidate) reason(open []Candidate, q Question, cut psi.Buckets) []string {
	out := []string{fmt.Sprintf("%s: about %s and %s on %s (%s rates)", c.name(), short(c.Wall), megabytes(c.Cost), q.Net.Name, c.Rate)}
	switch {
	case len(open) == 1 && q.Method != MethodAuto && q.Method != "":
		out = append(out, "the method was asked for")
	case len(open) == 1:
		out = append(out, "nothing else that fits is built")
	default:
		second := open[1]
		out = append(out, fmt.Sprintf("next best %s: about %s and %s", second.name(), short(second.Wall), megabytes(second.Cost)))
	}
	if q.Terms.Malicious {
		out = append(out, "security against a malicious peer was asked for")
	}
	if cut.Bits > 0 {
		out = append(out, fmt.Sprintf("%d buckets of at most %d and %d items, each padded to that", cut.Count(), cut.CapSelf, cut.CapPeer))
	}
	return out
}

func (c Candidate) name() string {
	if c.Suite == "" {
		return string(c.Method)
	}
	return string(c.Method) + "/" + string(c.Suite)
}

// Name is how people call the way chosen.
func (p Plan) Name() string { return Candidate{Method: p.Method, Suite: p.Suite}.name() }

// Name is how people call it.
func (c Candidate) Name() string { return c.name() }

func refusals(list []Candidate) string {
	out := ""
	for i, c := range list {
		if i > 0 {
			out += "; "
		}
		out += c.name() + ": " + c.Refused
	}
	return out
}

func megabytes(c protocols.Cost) string {
	n := float64(c.SentBytes + c.RecvBytes)
	if n < 1e6 {
		return fmt.Sprintf("%.1f kB", n/1e3)
	}
	return fmt.Sprintf("%.1f MB", n/1e6)
}

// short rounds a duration for people.
func short(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Millisecond).String()
}
