package lookup

import (
	"bufio"
	"context"
	"errors"
	"io"
	"iter"
	"math/bits"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node/intersect"
	"github.com/tacit-data/tacit/protocols/oprf"
)

// DefaultQueries is the life of a key where nothing is said: a thousand clients of a million queries each.
const DefaultQueries = 1 << 30

// PublishConfig is what Publish works on.
type PublishConfig struct {
	Dir     string // of the holder; made where it is not there
	Input   string // a CSV, TSV, Arrow IPC or Parquet file
	Columns []string
	Rules   []Rule      // of the key columns in order
	Suite   Suite       // oprf.SuiteRistretto255
	Queries int64       // evaluations in the key's life, over all clients; DefaultQueries
	Workers int         // goroutines; the number of processors
	Observe func(Event) // nil for none
	Rand    io.Reader   // crypto/rand.Reader outside tests
	Now     func() time.Time
}

// Publish evaluates the set of a file under a fresh key and puts it in force as a new epoch: whole or not at all.
//
// Errors: fault.Invalid (no usable key, bounds), fault.SchemaMismatch (key column), fault.LimitExceeded (rows, MaxQueries),
// fault.Exists (another publish runs), fault.Unavailable (disk), fault.Canceled, those of the input.
func Publish(ctx context.Context, c PublishConfig) (Record, error) {
	c, err := c.checked()
	if err != nil {
		return Record{}, err
	}
	lock, err := take(c.Dir, publishLock, "publishes in")
	if err != nil {
		return Record{}, err
	}
	defer func() { _ = lock.Close() }() // the lock goes with it
	current, err := currentEpoch(c.Dir)
	if err != nil && fault.CodeOf(err) != fault.NotFound {
		return Record{}, err
	}
	if err := sweep(c.Dir, current); err != nil {
		return Record{}, err
	}
	p := &publisher{PublishConfig: c, report: intersect.NewReporter(c.Observe, func() (int64, int64) { return 0, 0 })}
	if err := p.count(ctx); err != nil {
		return Record{}, err
	}
	if err := p.epoch(ctx); err != nil {
		return Record{}, err
	}
	return p.record, nil
}

func (c PublishConfig) checked() (PublishConfig, error) {
	if c.Suite == "" {
		c.Suite = oprf.SuiteRistretto255
	}
	if c.Queries == 0 {
		c.Queries = DefaultQueries
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Observe == nil {
		c.Observe = func(Event) {}
	}
	if c.Dir == "" || c.Rand == nil || c.Now == nil || c.Workers < 1 || len(c.Columns) == 0 || len(c.Columns) != len(c.Rules) {
		return c, fault.New(fault.Invalid, "lookup.Publish", "Dir, Rand, Now and key columns, each with its rule, are needed")
	}
	_, err := oprf.NewParams(c.literal(1))
	return c, err
}

// literal is the plan of an epoch of some usable rows. Rows are rounded up, so that beside the number of distinct keys
// that clients see, the number of duplicates stays with the holder.
func (c PublishConfig) literal(rows int64) oprf.ParamsLiteral {
	return oprf.ParamsLiteral{
		Suite: c.Suite, SSP: oprf.MinSSP, Ruleset: intersect.Ruleset(c.Rules), ServerItems: roundUp(rows), Queries: c.Queries,
		SessionQueries: int(min(c.Queries, oprf.MaxSessionQueries)),
	}
}

// roundUp goes to the next power of two, above 2²⁶, where that would cross oprf.MaxTagBuffer, to the next multiple of 2²⁰.
func roundUp(rows int64) int {
	if rows <= 1 {
		return 1
	}
	if rows > 1<<26 {
		return int((rows + 1<<20 - 1) >> 20 << 20)
	}
	return 1 << bits.Len64(uint64(rows-1))
}

// publisher is one publish.
type publisher struct {
	PublishConfig
	rows   *intersect.Rows
	usable int64
	params oprf.Params
	record Record
	report *intersect.Reporter
}

// count reads the file once: how many rows there are decides on the length of a tag.
func (p *publisher) count(ctx context.Context) (err error) {
	p.report.Enter(Event{Phase: intersect.Reading})
	if p.rows, err = intersect.OpenRows(ctx, p.Input); err != nil {
		return err
	}
	n, err := p.rows.Keys(ctx, p.Columns, p.Rules, p.report.Set, func(int64, [32]byte) error { return nil })
	if err != nil {
		return err
	}
	if p.usable = n.Rows - n.Null - n.Malformed; p.usable == 0 {
		return fault.New(fault.Invalid, "lookup.Publish", "the file has no rows: there is nothing to publish")
	}
	p.record = Record{Counts: n, lit: p.literal(p.usable), Made: p.Now()}
	p.params, err = oprf.NewParams(p.record.lit)
	return err
}

// epoch makes the epoch's directory under another name, and puts it in force when it is whole.
func (p *publisher) epoch(ctx context.Context) (err error) {
	const op = "lookup.Publish"
	var id [32]byte
	if _, err := io.ReadFull(p.Rand, id[:]); err != nil {
		return fault.Wrap(fault.Internal, op, err, "the randomness source failed")
	}
	name := filepath.Join(p.Dir, epochName(id))
	partial := name + partialSuffix
	if err := os.Mkdir(partial, 0o700); err != nil {
		return diskFault(op, err)
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(partial) // the next publish sweeps it otherwise
		}
	}()
	if err := p.fill(ctx, partial, id); err != nil {
		return err
	}
	if err := os.Rename(partial, name); err != nil {
		return diskFault(op, err)
	}
	if err := intersect.SyncDir(p.Dir); err != nil {
		return err
	}
	if err := setCurrent(p.Dir, id); err != nil {
		return err
	}
	p.report.Enter(Event{Phase: intersect.Done})
	return sweep(p.Dir, filepath.Base(name))
}

// fill writes all files of an epoch.
func (p *publisher) fill(ctx context.Context, dir string, id [32]byte) error {
	key, err := oprf.GenerateKey(p.Suite, p.Rand)
	if err != nil {
		return err
	}
	defer key.Wipe()
	if err := p.tags(ctx, filepath.Join(dir, tagsFile), key, id); err != nil {
		return err
	}
	p.record.Duplicates = p.usable - p.record.Keys
	if err := saveKey(dir, key); err != nil {
		return err
	}
	if err := newLedger(filepath.Join(dir, ledgerFile), p.Queries).save(); err != nil {
		return err
	}
	return intersect.WriteSealed(filepath.Join(dir, recordFile), p.record.encode())
}

// tags writes the tag file and reads it back.
func (p *publisher) tags(ctx context.Context, path string, key oprf.Key, id [32]byte) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return diskFault("lookup.tags", err)
	}
	defer func() {
		if cerr := f.Close(); cerr != nil && err == nil {
			err = diskFault("lookup.tags", cerr)
		}
	}()
	p.report.Enter(Event{Phase: Evaluating, Total: p.usable})
	params := p.params.WithProgress(func(done, _ int) { p.report.Set(int64(done)) })
	w := bufio.NewWriterSize(f, 1<<20)
	pin, err := oprf.BuildTags(ctx, oprf.Offline{Key: key, Epoch: id, Rand: p.Rand, Workers: p.Workers}, p.items(ctx), w, params)
	if err != nil {
		return err
	}
	if err := errors.Join(w.Flush(), f.Sync()); err != nil {
		return diskFault("lookup.tags", err)
	}
	info, err := f.Stat()
	if err != nil {
		return diskFault("lookup.tags", err)
	}
	written, err := oprf.OpenTags(ctx, f, info.Size(), p.params)
	if err != nil {
		return err
	}
	if written.Pin() != pin {
		return fault.New(fault.Corrupt, "lookup.tags", "what the disk of %s gave back is not what was written to it", p.Dir)
	}
	p.record.Pin, p.record.Keys = pin, int64(written.Records())
	return nil
}

// errStop ends the reading of keys whose taker wants no more.
var errStop = errors.New("no more rows are wanted")

// items iterates over the usable rows.
func (p *publisher) items(ctx context.Context) iter.Seq2[oprf.Row, error] {
	return func(yield func(oprf.Row, error) bool) {
		_, err := p.rows.Keys(ctx, p.Columns, p.Rules, func(int64) {}, func(_ int64, digest [32]byte) error {
			if !yield(oprf.Row{Digest: digest}, nil) {
				return errStop
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(oprf.Row{}, err)
		}
	}
}
