package psibench

import (
	"context"
	"io"
	"iter"
	"os"
	"path/filepath"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/oprf"
	"github.com/tacit-data/tacit/protocols/psi"
)

// lifetimeQueries is the declared number of evaluations under one key: it makes the tags longer, not the run.
const lifetimeQueries = 1 << 24

// unbalanced is the line of protocols/oprf: the tags are made and handed over in the set-up, and the client has them when
// the clock of a run starts.
func unbalanced() protocol {
	return protocol{
		name: "psi/oprf", about: "unbalanced: n queries against the tags of m keys, which are made and handed over in a set-up",
		suite: string(oprf.SuiteRistretto255), output: outputReceiver, check: checkOPRF, run: runOPRF,
		cost: func(s Spec) (protocols.Cost, error) {
			p, err := paramsOPRF(s)
			if err != nil {
				return protocols.Cost{}, err
			}
			return p.Cost(s.N), nil
		},
		setup: &setup{
			build: buildOPRF, hand: handOPRF,
			cost: func(s Spec) (protocols.Cost, error) {
				p, err := paramsOPRF(s)
				if err != nil {
					return protocols.Cost{}, err
				}
				return p.TransferCost(s.M), nil
			},
		},
	}
}

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

// What a party keeps of the set-up, in a directory of its own.
const (
	tagsFile   = "tags"
	secretFile = "server" // key and pin: readable by the owner only, and removed with the directory
)

// keyBytes is the length of a key in secretFile; three digests of the pin follow.
const keyBytes = 32

// buildOPRF is the server's offline work.
func buildOPRF(ctx context.Context, p party) error {
	params, err := paramsOPRF(p.spec)
	if err != nil {
		return err
	}
	key, err := oprf.GenerateKey(params.Literal().Suite, p.session.Rand)
	if err != nil {
		return err
	}
	defer key.Wipe()
	f, err := os.OpenFile(filepath.Join(p.kept, tagsFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return diskFault(err)
	}
	o := oprf.Offline{Key: key, Epoch: p.session.Binding, Rand: p.session.Rand, Workers: p.session.Workers}
	pin, err := oprf.BuildTags(ctx, o, rowsOf(p.items), f, params.WithProgress(p.progress))
	if cerr := f.Close(); err == nil {
		err = diskFault(cerr)
	}
	if err != nil {
		return err
	}
	return keepService(p.kept, key, pin)
}

// rowsOf iterates over keys as rows without values.
func rowsOf(keys []psi.Item) iter.Seq2[oprf.Row, error] {
	return func(yield func(oprf.Row, error) bool) {
		for i := range keys {
			if !yield(oprf.Row{Digest: oprf.Digest(keys[i])}, nil) {
				return
			}
		}
	}
}

// keepService stores what the server needs to answer.
func keepService(dir string, key oprf.Key, pin oprf.Pin) error {
	b, err := key.MarshalInsecure()
	if err != nil {
		return err
	}
	for _, d := range [][32]byte{pin.Epoch, pin.Key, pin.File} {
		b = append(b, d[:]...)
	}
	defer clear(b)
	return diskFault(os.WriteFile(filepath.Join(dir, secretFile), b, 0o600))
}

// loadService is the reverse of keepService.
func loadService(dir string, suite oprf.Suite) (oprf.Service, error) {
	b, err := os.ReadFile(filepath.Join(dir, secretFile))
	if err != nil {
		return oprf.Service{}, diskFault(err)
	}
	defer clear(b)
	if len(b) != keyBytes+3*32 {
		return oprf.Service{}, fault.New(fault.Corrupt, "psibench.oprf", "the server's file has %d bytes", len(b))
	}
	key, err := oprf.ParseKeyInsecure(suite, b[:keyBytes])
	if err != nil {
		return oprf.Service{}, err
	}
	d := b[keyBytes:]
	return oprf.Service{Key: key, Pin: oprf.Pin{Epoch: [32]byte(d[:32]), Key: [32]byte(d[32:64]), File: [32]byte(d[64:])}}, nil
}

// handOPRF is the transfer of the tag file.
func handOPRF(ctx context.Context, p party) error {
	params, err := paramsOPRF(p.spec)
	if err != nil {
		return err
	}
	if p.receiver {
		f, err := os.OpenFile(filepath.Join(p.kept, tagsFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return diskFault(err)
		}
		_, err = oprf.ReceiveTags(ctx, p.session, p.conn, f, params)
		if cerr := f.Close(); err == nil {
			err = diskFault(cerr)
		}
		return err
	}
	tags, done, err := openTags(ctx, p.kept, params)
	if err != nil {
		return err
	}
	defer done()
	return oprf.SendTags(ctx, p.session, p.conn, tags)
}

// runOPRF is the online phase.
func runOPRF(ctx context.Context, p party) ([]int32, error) {
	params, err := paramsOPRF(p.spec)
	if err != nil {
		return nil, err
	}
	if !p.receiver {
		service, err := loadService(p.kept, params.Literal().Suite)
		if err != nil {
			return nil, err
		}
		defer service.Key.Wipe()
		_, err = oprf.Serve(ctx, p.session, p.conn, service, params)
		return nil, err
	}
	tags, done, err := openTags(ctx, p.kept, params.WithProgress(p.progress))
	if err != nil {
		return nil, err
	}
	defer done()
	digests := make([]oprf.Digest, len(p.items))
	for i := range digests {
		digests[i] = oprf.Digest(p.items[i])
	}
	m, err := oprf.Query(ctx, p.session, p.conn, digests, tags)
	return m.Position, err
}

// openTags opens a party's tag file; done closes it.
func openTags(ctx context.Context, dir string, params oprf.Params) (_ *oprf.TagFile, done func(), err error) {
	f, err := os.Open(filepath.Join(dir, tagsFile))
	if err != nil {
		return nil, nil, diskFault(err)
	}
	done = func() { _ = f.Close() } // read only: nothing is lost
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		done()
		return nil, nil, diskFault(err)
	}
	tags, err := oprf.OpenTags(ctx, f, size, params)
	if err != nil {
		done()
		return nil, nil, err
	}
	return tags, done, nil
}

func diskFault(err error) error {
	return fault.Wrap(fault.Unavailable, "psibench.oprf", err, "a file of the set-up cannot be written or read")
}
