package lookup

import (
	"fmt"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node/intersect"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/oprf"
)

// worthwhile is the ratio of set sizes from which a published set is a candidate.
const worthwhile = 64

// Typical CPU times with ristretto255, of BenchmarkBuildTags and BenchmarkQuery of package oprf (its # Cost).
const (
	typicalPublish = 66 * time.Microsecond  // per key of the holder
	typicalQuery   = 211 * time.Microsecond // per query, both parties together
)

// Price is what a query of a published set costs.
type Price struct {
	Name string
	Cost protocols.Cost // of the party that asks the planner
	CPU  time.Duration  // of both parties together, on one processor
	Wall time.Duration
	Why  []string // for people
}

// Prices says what it costs where the larger set of a question is published: with the tag file in the client's cache, and
// without. It is empty where the sets are too much alike, or where the holder would be the one to learn the result.
// A set that is too large to be published has no price.
func Prices(q intersect.Question) ([]Price, error) {
	client, holder := min(q.Own, q.Peer), max(q.Own, q.Peer)
	if client < 1 || holder/client < worthwhile || !learns(q) {
		return nil, nil
	}
	p, err := oprf.NewParams(PublishConfig{Suite: oprf.SuiteRistretto255, Queries: DefaultQueries}.literal(holder))
	switch {
	case fault.CodeOf(err) == fault.LimitExceeded && err != nil, client > oprf.MaxSessionQueries:
		return nil, nil
	case err != nil:
		return nil, err
	}
	cached := price(q, "oprf (published)", p.Cost(int(client)), time.Duration(client)*typicalQuery)
	first := price(q, "oprf (published, first run)", plus(p.Cost(int(client)), p.TransferCost(int(holder))), time.Duration(client)*typicalQuery)
	offline := time.Duration(holder) * typicalPublish
	cached.Why = []string{
		fmt.Sprintf("oprf (published): the larger set is published once, %s of CPU or %s here; then 64 bytes a key, and only the party with fewer keys learns the result (tacit psi publish)",
			offline.Round(time.Second), (offline / time.Duration(max(q.Workers, 1))).Round(time.Second)),
	}
	return []Price{cached, first}, nil
}

// learns reports whether the party with the smaller set may be the only one that gets the result. Both is the default, which
// nobody may have meant.
func learns(q intersect.Question) bool {
	smaller := intersect.ToConnector
	if (q.Own < q.Peer) == (q.Side == intersect.Listener) {
		smaller = intersect.ToListener
	}
	return q.Terms.OutputTo == "" || q.Terms.OutputTo == intersect.ToBoth || q.Terms.OutputTo == smaller
}

func plus(a, b protocols.Cost) protocols.Cost {
	return protocols.Cost{Rounds: a.Rounds + b.Rounds, SentBytes: a.SentBytes + b.SentBytes, RecvBytes: a.RecvBytes + b.RecvBytes}
}

// price weighs a cost of the client. The batches of a run flow while others are computed, so that the slower of link and
// processors decides; the sum of both parties' CPU is put on one machine's processors, which is on the safe side.
func price(q intersect.Question, name string, c protocols.Cost, cpu time.Duration) Price {
	wire := time.Duration(float64(max(c.SentBytes, c.RecvBytes)) * 8 / q.Net.Bits * 1e9)
	out := Price{Name: name, Cost: c, CPU: cpu}
	out.Wall = max(wire, cpu/time.Duration(max(q.Workers, 1))) + time.Duration(c.Rounds)*q.Net.RTT/2
	if q.Own > q.Peer {
		out.Cost = c.Flip()
	}
	return out
}
