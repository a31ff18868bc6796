package psibench

import (
	"context"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
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
	// cost is the exact cost of a run for the receiver.
	cost func(Spec) (protocols.Cost, error)
	// setup is nil for none. With one the sender is the party of the larger set and a run needs none of its keys.
	setup *setup
	// binds says that a party's items are its keys bound to the session: a set-up outlives sessions.
	binds bool
	// run is one party's side. It returns the positions in items of the matches, nil for a party that learns nothing.
	run func(context.Context, party) ([]int32, error)
}

// party is what one side of a run works with.
type party struct {
	spec     Spec
	receiver bool
	session  protocols.Session
	conn     protocols.Conn
	items    []psi.Item // distinct; nil for a party that needs none
	kept     string     // the directory for what the set-up leaves
	progress func(done, total int)
}

// registry is every protocol, in the order of `tacit bench list`.
func registry() []protocol {
	return []protocol{
		intersection("psi/ecdh", "Diffie-Hellman, semi-honest", psi.SuiteX25519, psi.ParamsLiteral{Method: psi.MethodECDH}),
		intersection("psi/rr22", "VOLE and OKVS, semi-honest", "", psi.ParamsLiteral{Method: psi.MethodRR22}),
		intersection("psi/rr22-malicious", "VOLE and OKVS, malicious", "", psi.ParamsLiteral{Method: psi.MethodRR22, Malicious: true}),
		unbalanced(),
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
		name: name, about: about, suite: string(suite), output: outputBoth, binds: true,
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
			run := psi.Send
			if p.receiver {
				run = psi.Receive
			}
			m, err := run(ctx, p.session, p.conn, p.items, params.WithProgress(p.progress))
			return m.Position, err
		},
	}
}

// needsKeys reports whether a party's process reads its keys.
func (p protocol) needsKeys(t task) bool {
	switch {
	case p.setup == nil:
		return true
	case t.Setup:
		return !t.Receiver
	}
	return t.Receiver
}

// itemOf returns what a party makes of the digest of a key.
func (p protocol) itemOf(binding [32]byte) func([32]byte) psi.Item {
	if p.binds {
		return func(digest [32]byte) psi.Item { return psi.ItemOf(binding, digest) }
	}
	return func(digest [32]byte) psi.Item { return digest }
}
