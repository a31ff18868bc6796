package lookup

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node/direct"
	"github.com/tacit-data/tacit/node/intersect"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/oprf"
)

// DefaultWait is how long a client tries to reach a holder that is not there, or busy with its last session.
const DefaultWait = time.Minute

// QueryConfig is what Query works on.
type QueryConfig struct {
	Invite  direct.Invite
	Input   string // a CSV, TSV, Arrow IPC or Parquet file
	Columns []string
	Rules   []Rule // those of the publish
	Output  string
	// Cache keeps the tag file and this party's identity towards the holder: whoever removes it needs a new invite.
	Cache   string
	Wait    time.Duration // DefaultWait
	Workers int
	Observe func(Event) // nil for none
	Rand    io.Reader
	Now     func() time.Time
}

// Share is a part of the work of a query.
type Share struct {
	Took                     time.Duration
	SentBytes, ReceivedBytes int64
}

// Result is what a client knows at the end.
type Result struct {
	Counts
	Matched    int64 // distinct keys that the holder has
	Output     int64 // rows written
	HolderKeys int64
	Suite      Suite
	Epoch      [32]byte
	Left       int64 // queries the holder would still answer
	Fetched    bool  // the tag file was not in the cache
	Damaged    bool  // what was in the cache was not the file
	Offline    Share // fetching and checking the tag file
	Online     Share // asking, the openings included
	Took       time.Duration
	Profiles   []intersect.Profile // of the key columns, when nothing matched; they stay here
}

// Query asks which keys of a file the holder has, and writes the rows that have them, in the order of the file. Repeated
// keys are asked once.
//
// Errors: fault.Invalid (no usable key), fault.SchemaMismatch (key column), fault.PlanMismatch (other key rules; nothing was
// sent), fault.BudgetExhausted (this client's quota), fault.LimitExceeded (keys of one run, the life of the holder's key),
// fault.Unauthenticated (the invite), fault.Expired (epochs follow each other too fast), fault.Timeout (nobody there for
// Wait), fault.Misbehaved, fault.PeerAborted, fault.Unavailable, those of the input.
func Query(ctx context.Context, c QueryConfig) (Result, error) {
	c, err := c.checked()
	if err != nil {
		return Result{}, err
	}
	started := c.Now()
	q := &query{QueryConfig: c}
	q.report = intersect.NewReporter(c.Observe, q.bytes)
	if err := q.read(ctx); err != nil {
		return Result{}, err
	}
	if q.cache, err = openCache(c.Cache, c.Invite.Listener); err != nil {
		return Result{}, err
	}
	defer q.cache.close()
	err = q.converse(ctx)
	if fault.CodeOf(err) == fault.Expired && err != nil { // a new epoch between two messages: its catalog says so at once
		err = q.converse(ctx)
	}
	if err != nil {
		return Result{}, err
	}
	if err := q.write(ctx); err != nil {
		return Result{}, err
	}
	q.result.Took = c.Now().Sub(started)
	q.report.Enter(Event{Phase: intersect.Done})
	return q.result, nil
}

func (c QueryConfig) checked() (QueryConfig, error) {
	const op = "lookup.Query"
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Wait == 0 {
		c.Wait = DefaultWait
	}
	if c.Observe == nil {
		c.Observe = func(Event) {}
	}
	if c.Cache == "" || c.Rand == nil || c.Now == nil || c.Workers < 1 || c.Wait < 0 || len(c.Columns) == 0 || len(c.Columns) != len(c.Rules) {
		return c, fault.New(fault.Invalid, op, "Cache, Rand, Now and key columns, each with its rule, are needed")
	}
	return c, intersect.CheckName(c.Output)
}

// query is one client's run.
type query struct {
	QueryConfig
	rows    *intersect.Rows
	digests []oprf.Digest // distinct
	at      []keyed       // usable rows, sorted by digest
	matched []int32
	cache   *cache
	conn    *direct.Conn
	report  *intersect.Reporter
	result  Result
}

// keyed is a usable row.
type keyed struct {
	digest oprf.Digest
	row    uint32
}

func (q *query) bytes() (sent, recv int64) {
	if q.conn == nil {
		return 0, 0
	}
	cost := q.conn.Cost()
	return cost.SentBytes, cost.RecvBytes
}

// read collects the distinct keys, in an order that says nothing about the file.
func (q *query) read(ctx context.Context) (err error) {
	const op = "lookup.Query"
	q.report.Enter(Event{Phase: intersect.Reading})
	if q.rows, err = intersect.OpenRows(ctx, q.Input); err != nil {
		return err
	}
	if err := q.rows.Check(ctx); err != nil {
		return err
	}
	n, err := q.rows.Keys(ctx, q.Columns, q.Rules, q.report.Set, func(row int64, digest [32]byte) error {
		if len(q.at) >= 2*oprf.MaxSessionQueries {
			return fault.New(fault.LimitExceeded, op, "more than %d rows with a key: cut the file", 2*oprf.MaxSessionQueries)
		}
		q.at = append(q.at, keyed{digest, uint32(row)})
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(q.at, func(a, b keyed) int {
		if c := bytes.Compare(a.digest[:], b.digest[:]); c != 0 {
			return c
		}
		return int(a.row) - int(b.row)
	})
	for i, k := range q.at {
		if i == 0 || k.digest != q.at[i-1].digest {
			q.digests = append(q.digests, k.digest)
		}
	}
	n.Keys = int64(len(q.digests))
	n.Duplicates = int64(len(q.at)) - n.Keys
	q.result.Counts = n
	if n.Keys > oprf.MaxSessionQueries {
		return fault.New(fault.LimitExceeded, op, "MaxSessionQueries: %d distinct keys, at most %d in a run: cut the file", n.Keys, oprf.MaxSessionQueries)
	}
	return nil
}

// converse has one session with the holder.
func (q *query) converse(ctx context.Context) error {
	id, err := loadIdentity(filepath.Join(q.cache.dir, identityFile), q.Rand, q.Now())
	if err != nil {
		return err
	}
	if q.conn, err = q.dial(ctx, id); err != nil {
		return err
	}
	started := q.Now()
	q.result.Offline, q.result.Online = Share{}, Share{}
	if err := q.ask(ctx); err != nil {
		switch fault.CodeOf(err) {
		case fault.PlanMismatch, fault.BudgetExhausted, fault.Expired:
			_ = q.conn.Close() // both know why
		default:
			q.conn.Abort(fault.CodeOf(err))
		}
		return err
	}
	sent, recv := q.bytes()
	q.result.Online = Share{
		Took: q.Now().Sub(started) - q.result.Offline.Took, SentBytes: sent - q.result.Offline.SentBytes, ReceivedBytes: recv - q.result.Offline.ReceivedBytes,
	}
	_ = q.conn.Close() // everything has come
	return nil
}

// retryEvery is how long it takes until a holder that was not there is asked again.
const retryEvery = 500 * time.Millisecond

// dial connects, again and again until Wait has passed or nothing can help.
func (q *query) dial(ctx context.Context, id *direct.Identity) (*direct.Conn, error) {
	until := q.Now().Add(q.Wait)
	q.report.Enter(Event{Phase: intersect.Waiting, Deadline: until})
	for {
		conn, err := direct.Dial(ctx, q.Invite, id, direct.Config{Self: clientName, Peer: holderName})
		switch {
		case err == nil:
			return conn, nil
		case ctx.Err() != nil || !fault.CodeOf(err).Retryable():
			return nil, err
		case !q.Now().Before(until):
			return nil, fault.Wrap(fault.Timeout, "lookup.dial", err, "the holder does not answer at %s: is it serving, and not another query of this client?", q.Invite.Address)
		}
		select {
		case <-ctx.Done():
			return nil, fault.Wrap(fault.CodeOf(ctx.Err()), "lookup.dial", ctx.Err(), "stopped while waiting for the holder")
		case <-time.After(retryEvery):
		}
	}
}

// ask is the client's side of a session.
func (q *query) ask(ctx context.Context) error {
	peer := string(q.conn.Peer())
	nonces, err := greet(ctx, q.conn, opening{ruleset: intersect.Ruleset(q.Rules)}, q.Rand)
	if err != nil {
		return err
	}
	msg, err := q.conn.Recv(ctx)
	if err != nil {
		return err
	}
	c, err := decodeCatalog(msg)
	if err != nil {
		return blamed(err, peer)
	}
	c.lit.Ruleset = intersect.Ruleset(q.Rules)
	p, err := oprf.NewParams(c.lit)
	if err != nil {
		return fault.Blame(fault.Wrap(fault.Misbehaved, "lookup.ask", err, "the holder's catalog is of no use: %s", fault.ReasonOf(err)), peer)
	}
	if len(q.digests) > c.lit.SessionQueries {
		return fault.New(fault.LimitExceeded, "lookup.ask", "%d distinct keys, the holder answers at most %d in a run: cut the file", len(q.digests), c.lit.SessionQueries)
	}
	q.result.HolderKeys, q.result.Suite, q.result.Epoch = int64(c.records), c.lit.Suite, c.pin.Epoch
	sess := protocols.Session{Binding: binding(nonces, c), Self: clientName, Peers: []party.ID{q.conn.Peer()}, Rand: q.Rand, Workers: q.Workers}
	if err := q.prepare(ctx, sess, c, p); err != nil {
		return err
	}
	q.report.Enter(Event{Phase: Asking, Total: int64(len(q.digests))})
	// The parameters of the opened file carry the callback.
	m, err := oprf.Query(ctx, sess, q.conn, q.digests, q.cache.tags)
	q.matched = m.Position
	return err
}

// prepare asks for the grant, and gets the tag file where the cache has none of this digest.
func (q *query) prepare(ctx context.Context, sess protocols.Session, c catalog, p oprf.Params) error {
	started := q.Now()
	p = p.WithProgress(func(done, _ int) { q.report.Set(int64(done)) })
	cached, damaged, err := q.cache.open(ctx, c.pin, p)
	if err != nil {
		return err
	}
	q.result.Fetched, q.result.Damaged = !cached, damaged || q.result.Damaged
	if err := q.conn.Send(ctx, want{fetch: !cached, queries: len(q.digests)}.encode()); err != nil {
		return err
	}
	if err := q.granted(ctx); err != nil {
		return err
	}
	if !cached {
		sent, recv := q.bytes()
		q.report.Enter(Event{Phase: Fetching, Total: p.FileBytes(c.records)})
		if err := q.cache.fetch(ctx, sess, q.conn, c.pin, p, q.report.Set); err != nil {
			return err
		}
		sentNow, recvNow := q.bytes()
		q.result.Offline.SentBytes, q.result.Offline.ReceivedBytes = sentNow-sent, recvNow-recv
	}
	q.result.Offline.Took = q.Now().Sub(started)
	return nil
}

// granted reads the holder's verdict.
func (q *query) granted(ctx context.Context) error {
	const op = "lookup.granted"
	msg, err := q.conn.Recv(ctx)
	if err != nil {
		return err
	}
	v, err := decodeVerdict(msg)
	if err != nil {
		return blamed(err, string(q.conn.Peer()))
	}
	if q.result.Left = v.left; v.granted {
		return nil
	}
	switch v.code {
	case fault.BudgetExhausted:
		return fault.New(v.code, op, "%d distinct keys where the holder grants this client %d more in this epoch", len(q.digests), v.left)
	case fault.LimitExceeded:
		return fault.New(v.code, op, "%d distinct keys where the life of the holder's key leaves %d: it must publish a new epoch", len(q.digests), v.left)
	case fault.Expired:
		return fault.New(v.code, op, "the holder published a new epoch meanwhile: ask again")
	}
	return fault.New(v.code, op, "the holder cannot count this query: it must look at its disk")
}

// write puts the rows of matched keys into the output.
func (q *query) write(ctx context.Context) (err error) {
	q.result.Matched = int64(len(q.matched))
	var keep []uint32
	key, next := -1, 0 // key is the place of a row's digest among the distinct ones
	for i, k := range q.at {
		if i == 0 || k.digest != q.at[i-1].digest {
			key++
		}
		for next < len(q.matched) && int(q.matched[next]) < key {
			next++
		}
		if next < len(q.matched) && int(q.matched[next]) == key {
			keep = append(keep, k.row)
		}
	}
	slices.Sort(keep)
	q.report.Enter(Event{Phase: intersect.Writing, Total: q.result.Rows})
	q.result.Output, err = q.rows.Keep(ctx, q.Output, keep, q.report.Set)
	if err != nil {
		return err
	}
	if q.result.Matched == 0 && q.result.Keys > 0 {
		q.result.Profiles, err = q.rows.Profiles(ctx, q.Columns)
	}
	return err
}
