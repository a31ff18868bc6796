package psibench

import (
	"context"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/oprf"
	"github.com/tacit-data/tacit/protocols/psi"
)

// minSSP is the statistical security of every run, in bits.
const minSSP = psi.MinSSP

// protocol is one line of the registry. A protocol is added by adding a line.
type protocol struct {
	name, about string
	suite       string // default; empty: there is none to choose
	output      string // default
	// check refuses a Spec that the protocol's own parameters refuse.
	check func(Spec) error
	// cost is the exact cost of a run for the receiver; nil: none is declared for what is measured.
	cost func(Spec) (protocols.Cost, error)
	// run is one party's side. It returns the positions in keys of the matches, nil for a party that learns nothing.
	run func(context.Context, party) ([]int32, error)
}

// party is what one side of a run works with.
type party struct {
	spec     Spec
	receiver bool
	session  protocols.Session
	conn     protocols.Conn
	keys     [][32]byte // digests of distinct keys
	items    []psi.Item // of keys; nil: the run makes them
}

// registry is every protocol, in the order of `tacit bench list`.
func registry() []protocol {
	return []protocol{
		intersection("psi/ecdh", "Diffie-Hellman, semi-honest", psi.SuiteX25519, psi.ParamsLiteral{Method: psi.MethodECDH}),
		intersection("psi/rr22", "VOLE and OKVS, semi-honest", "", psi.ParamsLiteral{Method: psi.MethodRR22}),
		intersection("psi/rr22-malicious", "VOLE and OKVS, malicious", "", psi.ParamsLiteral{Method: psi.MethodRR22, Malicious: true}),
		{
			name: "psi/oprf", about: "unbalanced: n queries against m tags, set-up and transfer of the tags included",
			suite: string(oprf.SuiteRistretto255), output: outputReceiver, check: checkOPRF, run: runOPRF,
		},
	}
}

// Subject is what can be measured.
type Subject struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

// Subjects lists protocols and kernels.
func Subjects() []Subject {
	var out []Subject
	for _, p := range registry() {
		out = append(out, Subject{p.name, p.about})
	}
	for _, k := range kernels() {
		out = append(out, Subject{k.name, k.about})
	}
	return out
}

func protocolNamed(name string) (protocol, error) {
	for _, p := range registry() {
		if p.name == name {
			return p, nil
		}
	}
	return protocol{}, fault.New(fault.Invalid, "psibench.Spec", "no such protocol; see tacit bench list")
}

// intersection is a line of protocols/psi.
func intersection(name, about string, suite psi.Suite, l psi.ParamsLiteral) protocol {
	params := func(s Spec) (psi.Params, error) {
		l := l
		l.Suite, l.Output, l.SSP, l.Ruleset = psi.Suite(s.Suite), psi.Output(s.Output), minSSP, ruleset()
		l.ReceiverItems, l.SenderItems, l.Exact = s.N, s.M, true
		return psi.NewParams(l)
	}
	return protocol{
		name: name, about: about, suite: string(suite), output: outputBoth,
		check: func(s Spec) error {
			_, err := params(s)
			return err
		},
		cost: func(s Spec) (protocols.Cost, error) {
			p, err := params(s)
			if err != nil {
				return protocols.Cost{}, err
			}
			return p.Cost(s.N, s.M), nil
		},
		run: func(ctx context.Context, p party) ([]int32, error) {
			params, err := params(p.spec)
			if err != nil {
				return nil, err
			}
			if p.items == nil {
				p.items = bind(p.session.Binding, p.keys)
			}
			run := psi.Send
			if p.receiver {
				run = psi.Receive
			}
			m, err := run(ctx, p.session, p.conn, p.items, params)
			return m.Position, err
		},
	}
}

// bind makes items of keys.
func bind(binding [32]byte, keys [][32]byte) []psi.Item {
	items := make([]psi.Item, len(keys))
	for i := range keys {
		items[i] = psi.ItemOf(binding, keys[i])
	}
	return items
}
