package train

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/he"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/share"
	"github.com/tacit-data/tacit/protocols/transcript"
)

// Pair is one party's end of a joint computation on private matrices and shared vectors: fresh keys for the products and
// an engine for the shares, both for one run. It is not safe for concurrent use and prints as its type's name.
type Pair struct {
	conn    protocols.Conn
	label   bool
	workers int
	engine  *share.Engine
	kits    []*he.Kit
	secret  he.Secret
	peerKey *he.PublicKey
}

// Engine returns the engine for the shares, in which the label holder is first.
func (p *Pair) Engine() *share.Engine { return p.engine }

// Format prints the type's name, whatever the verb.
func (p *Pair) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "train.Pair") }

// LogValue is the type's name.
func (p *Pair) LogValue() slog.Value { return slog.StringValue("train.Pair") }

// PairCost is the cost of NewPair, the same for both parties.
func PairCost(hp he.Params, sp share.Params) protocols.Cost {
	hello := int64(helloBytes(hp))
	return protocols.Cost{Rounds: 1, SentBytes: hello, RecvBytes: hello}.Add(sp.SetupCost())
}

// checkPair returns the one connection of a two-party session.
//
// Errors: fault.Unsupported (another number of parties), fault.Invalid (an incomplete session).
func checkPair(op string, s protocols.Session, c []protocols.Conn) (protocols.Conn, error) {
	switch {
	case len(c) != 1 || len(s.Peers) != 1:
		return nil, fault.New(fault.Unsupported, op, "%d peers over %d connections, only two parties are built", len(s.Peers), len(c))
	case c[0] == nil || c[0].Peer() != s.Peers[0]:
		return nil, fault.New(fault.Invalid, op, "the connection leads to another party than the session's peer")
	case s.Rand == nil || s.Workers < 1 || s.Workers > he.MaxWorkers:
		return nil, fault.New(fault.Invalid, op, "the session needs randomness and 1 to %d workers", he.MaxWorkers)
	}
	return c[0], nil
}

// runTranscript is what both parties of one run of a step have in common.
func runTranscript(s protocols.Session, digest [32]byte) *transcript.Transcript {
	t := transcript.ForSession("tacit/train/pair/v1", s)
	t.Append("params", digest[:])
	return t
}

// roleName separates what the two parties derive.
func roleName(label bool) string {
	if label {
		return string(LabelHolder)
	}
	return string(Host)
}
