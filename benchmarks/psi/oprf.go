package psibench

import (
	"context"
	"io"
	"os"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols/oprf"
)

// lifetimeQueries is the declared number of evaluations under one key: it makes the tags longer, not the run.
const lifetimeQueries = 1 << 24

func paramsOPRF(s Spec) (oprf.Params, error) {
	return oprf.NewParams(oprf.ParamsLiteral{
		Suite: oprf.Suite(s.Suite), SSP: minSSP, Ruleset: ruleset(),
		ServerItems: s.M, Queries: max(lifetimeQueries, int64(s.N)), SessionQueries: s.N,
	})
}

func checkOPRF(s Spec) error {
	if s.Output != outputReceiver {
		return fault.New(fault.Unsupported, "psibench.oprf", "only the client learns the matches")
	}
	_, err := paramsOPRF(s)
	return err
}

// runOPRF is everything of a first contact: the server makes its tags, hands them over and answers. Both parties keep the tags
// in a temporary file.
func runOPRF(ctx context.Context, p party) ([]int32, error) {
	params, err := paramsOPRF(p.spec)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp("", "tacit-bench-tags-")
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "psibench.oprf", err, "no temporary file")
	}
	defer func() {
		_ = f.Close() // of no use to anybody
		_ = os.Remove(f.Name())
	}()
	digests := make([]oprf.Digest, len(p.keys))
	for i := range p.keys {
		digests[i] = p.keys[i]
	}
	if p.receiver {
		return queryOPRF(ctx, p, f, digests, params)
	}
	return nil, serveOPRF(ctx, p, f, digests, params)
}

func queryOPRF(ctx context.Context, p party, f *os.File, digests []oprf.Digest, params oprf.Params) ([]int32, error) {
	if _, err := oprf.ReceiveTags(ctx, p.session, p.conn, f, params); err != nil {
		return nil, err
	}
	tags, err := openTags(ctx, f, params)
	if err != nil {
		return nil, err
	}
	m, err := oprf.Query(ctx, p.session, p.conn, digests, tags)
	return m.Position, err
}

func serveOPRF(ctx context.Context, p party, f *os.File, digests []oprf.Digest, params oprf.Params) error {
	key, err := oprf.GenerateKey(params.Literal().Suite, p.session.Rand)
	if err != nil {
		return err
	}
	o := oprf.Offline{Key: key, Epoch: p.session.Binding, Rand: p.session.Rand, Workers: p.session.Workers}
	pin, err := oprf.BuildTags(ctx, o, oprf.Rows(digests), f, params)
	if err != nil {
		return err
	}
	tags, err := openTags(ctx, f, params)
	if err != nil {
		return err
	}
	if err := oprf.SendTags(ctx, p.session, p.conn, tags); err != nil {
		return err
	}
	_, err = oprf.Serve(ctx, p.session, p.conn, oprf.Service{Key: key, Pin: pin}, params)
	return err
}

func openTags(ctx context.Context, f *os.File, params oprf.Params) (*oprf.TagFile, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "psibench.oprf", err, "the temporary file cannot be read")
	}
	return oprf.OpenTags(ctx, f, size, params)
}
