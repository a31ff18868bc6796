package oprf

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
)

// literal is a plan for up to 64 server items and 64 queries a run.
func literal() ParamsLiteral {
	return ParamsLiteral{Suite: SuiteRistretto255, SSP: 40, ServerItems: 64, Queries: 1 << 20, SessionQueries: 64}
}

// small returns checked parameters with frames of the given number of items, so that small sets fill several.
func small(t interface{ Fatal(...any) }, l ParamsLiteral, frame int) Params {
	p, err := NewParams(l)
	if err != nil {
		t.Fatal(err)
	}
	p.frame = frame
	return p
}

// site is a server after its offline work, and a client with the cached file.
type site struct {
	p    Params
	key  Key
	pin  Pin
	raw  []byte
	file *TagFile
	used int64
}

// value is the value of the i-th row in a test.
func value(i, size int) []byte { return bytes.Repeat([]byte{byte(i) + 1}, size) }

func newSite(t interface {
	Fatal(...any)
	Context() context.Context
}, p Params, set []Digest, epoch *[32]byte,
) *site {
	if epoch == nil {
		epoch = &[32]byte{0: 7}
	}
	key, err := GenerateKey(p.lit.Suite, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var w bytes.Buffer
	rows := func(yield func(Row, error) bool) {
		for i, d := range set {
			if !yield(Row{d, value(i, p.lit.ValueBytes)}, nil) {
				return
			}
		}
	}
	pin, err := BuildTags(t.Context(), Offline{Key: key, Epoch: *epoch, Rand: rand.Reader, Workers: 2}, rows, &w, p)
	if err != nil {
		t.Fatal(err)
	}
	f, err := OpenTags(t.Context(), bytes.NewReader(w.Bytes()), int64(w.Len()), p)
	if err != nil {
		t.Fatal(err)
	}
	if f.Pin() != pin {
		t.Fatal("the file is another than BuildTags says")
	}
	return &site{p: p, key: key, pin: pin, raw: w.Bytes(), file: f}
}

func (v *site) service() Service { return Service{Key: v.key, Pin: v.pin, Used: v.used} }

// outcome is both parties' view of one run.
type outcome struct {
	matches              Matches
	evaluations          int
	errClient, errServer error
	cost, costServer     protocols.Cost // as the client, as the server
	record               *conntest.Recorder
}

func (v *site) play(ctx context.Context, t interface{ Fatal(...any) }, queries []Digest) outcome {
	sc, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	return v.playWith(ctx, queries, sc, ss, v.service(), v.p)
}

func (v *site) playWith(ctx context.Context, queries []Digest, sc, ss protocols.Session, service Service, ps Params) (o outcome) {
	cc, cs := conntest.Pair(conntest.PartyA, conntest.PartyB)
	o.record = conntest.Record(cc)
	o.errClient, o.errServer = conntest.Both(cc,
		func() (err error) { o.matches, err = Query(ctx, sc, o.record, queries, v.file); return err },
		func() (err error) { o.evaluations, err = Serve(ctx, ss, cs, service, ps); return err })
	o.cost, o.costServer = cc.Cost(), cs.Cost()
	return o
}

// verify compares matches with the plain join.
func verify(queries, set []Digest, valueBytes int, got Matches) error {
	var want []int32
	var values [][]byte
	for i, q := range queries {
		if at := slices.Index(set, q); at >= 0 {
			want = append(want, int32(i))
			values = append(values, value(at, valueBytes))
		}
	}
	if got.Position == nil || !slices.Equal(got.Position, want) {
		return errors.New("wrong matches")
	}
	if valueBytes == 0 {
		if got.Value != nil {
			return errors.New("values of a set that has none")
		}
		return nil
	}
	if !slices.EqualFunc(got.Value, values, bytes.Equal) {
		return errors.New("wrong values")
	}
	return nil
}

// Random sets, empty ones and repeated queries included, against the plain join; repeated server rows collapse.
func TestAgainstPlainJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := literal()
		if rapid.IntRange(0, 3).Draw(t, "suite") == 0 {
			l.Suite = SuiteP256
		}
		l.ValueBytes = rapid.SampledFrom([]int{0, 0, 1, 9}).Draw(t, "value bytes")
		l.SSP = rapid.IntRange(40, 80).Draw(t, "ssp")
		p := small(t, l, rapid.IntRange(1, 5).Draw(t, "frame"))
		key := rapid.IntRange(0, 15)
		var set, queries []Digest
		draw := rapid.SliceOfN(key, 0, 10)
		if l.ValueBytes > 0 {
			draw = rapid.SliceOfNDistinct(key, 0, 10, rapid.ID)
		}
		for _, k := range draw.Draw(t, "set") {
			set = append(set, digests(k, k+1)...)
		}
		for _, k := range rapid.SliceOfN(key, 0, 10).Draw(t, "queries") {
			queries = append(queries, digests(k, k+1)...)
		}
		at := newSite(t, p, set, nil)
		o := at.play(t.Context(), t, queries)
		if o.errClient != nil || o.errServer != nil {
			t.Fatalf("%v; %v", o.errClient, o.errServer)
		}
		if err := verify(queries, set, l.ValueBytes, o.matches); err != nil {
			t.Fatal(err)
		}
		if o.evaluations != len(queries) {
			t.Fatalf("%d evaluations of %d queries", o.evaluations, len(queries))
		}
		if want := p.Cost(len(queries)); o.cost != want || o.costServer != want.Flip() {
			t.Fatalf("counted %+v and %+v, Cost says %+v", o.cost, o.costServer, want)
		}
		distinct := map[Digest]bool{}
		for _, d := range set {
			distinct[d] = true
		}
		if n := at.file.Records(); n != len(distinct) || int64(len(at.raw)) != p.FileBytes(n) || at.file.Size() != p.FileBytes(n) {
			t.Fatalf("a file of %d bytes and %d records for %d items", len(at.raw), n, len(distinct))
		}
	})
}

func TestSuite(t *testing.T) {
	for name, valueBytes := range map[string]int{"plain": 0, "labelled": 5} {
		t.Run(name, func(t *testing.T) {
			l := literal()
			l.ValueBytes = valueBytes
			p := small(t, l, 2)
			set, queries := digests(2, 8), digests(0, 5)
			at := newSite(t, p, set, nil)
			conntest.Suite(t, conntest.Protocol[Matches, int]{
				A: func(ctx context.Context, s protocols.Session, c protocols.Conn) (Matches, error) {
					return Query(ctx, s, c, queries, at.file)
				},
				B: func(ctx context.Context, s protocols.Session, c protocols.Conn) (int, error) {
					return Serve(ctx, s, c, at.service(), p)
				},
				Cost: p.Cost(len(queries)),
				Check: func(a *Matches, b *int) error {
					if b != nil && *b != len(queries) {
						return errors.New("wrong number of evaluations")
					}
					if a == nil {
						return nil
					}
					return verify(queries, set, valueBytes, *a)
				},
			})
		})
	}
}

// A tag file of more than one chunk arrives whole, or not at all.
func TestTransferSuite(t *testing.T) {
	l := literal()
	l.ServerItems, l.ValueBytes = 1100, 1000
	p := small(t, l, 4)
	file, _ := randomRecords(t, p, 1100)
	f, err := OpenTags(t.Context(), bytes.NewReader(file), int64(len(file)), p)
	if err != nil {
		t.Fatal(err)
	}
	type got struct {
		pin  Pin
		file []byte
	}
	conntest.Suite(t, conntest.Protocol[got, struct{}]{
		A: func(ctx context.Context, s protocols.Session, c protocols.Conn) (got, error) {
			var w bytes.Buffer
			pin, err := ReceiveTags(ctx, s, c, &w, p)
			return got{pin, w.Bytes()}, err
		},
		B: func(ctx context.Context, s protocols.Session, c protocols.Conn) (struct{}, error) {
			return struct{}{}, SendTags(ctx, s, c, f)
		},
		Cost: p.TransferCost(f.Records()),
		Check: func(a *got, _ *struct{}) error {
			if a != nil && (a.pin != f.Pin() || !bytes.Equal(a.file, file)) {
				return errors.New("another file arrived")
			}
			return nil
		},
	})
}

func TestSessionsThatDisagree(t *testing.T) {
	p := small(t, literal(), 4)
	set := digests(0, 6)
	at := newSite(t, p, set, nil)
	other := newSite(t, p, set, &[32]byte{1})
	again := *at // the same key and epoch, another file
	again.pin.File[0] ^= 1
	l := literal()
	l.SSP = 41
	for name, c := range map[string]struct {
		service Service
		p       Params
		binding byte
		want    fault.Code
	}{
		"other params":  {at.service(), small(t, l, 4), 0, fault.PlanMismatch},
		"other session": {at.service(), p, 1, fault.PlanMismatch},
		"rotated epoch": {other.service(), p, 0, fault.Expired},
		"new file":      {again.service(), p, 0, fault.Expired},
		"other key":     {Service{Key: other.key, Pin: Pin{Epoch: at.pin.Epoch, Key: other.pin.Key, File: at.pin.File}}, p, 0, fault.PlanMismatch},
	} {
		sc, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
		ss.Binding[0] ^= c.binding
		o := at.playWith(t.Context(), digests(3, 9), sc, ss, c.service, c.p)
		for side, err := range map[string]error{"client": o.errClient, "server": o.errServer} {
			if fault.CodeOf(err) != c.want {
				t.Errorf("%s, %s: %v, want %v", name, side, err, c.want)
			}
		}
		if o.evaluations != 0 {
			t.Errorf("%s: %d evaluations", name, o.evaluations)
		}
	}
}

// A client learns that its file is old even while it is still sending and the server has gone.
func TestExpiredWhileSending(t *testing.T) {
	p := small(t, literal(), 1)
	at := newSite(t, p, digests(0, 6), nil)
	other := newSite(t, p, digests(0, 6), &[32]byte{1})
	for range 20 {
		sc, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
		o := at.playWith(t.Context(), digests(0, 40), sc, ss, other.service(), p)
		if fault.CodeOf(o.errClient) != fault.Expired || fault.CodeOf(o.errServer) != fault.Expired {
			t.Fatalf("%v; %v", o.errClient, o.errServer)
		}
	}
}

// The product's frames hold 16384 queries: one more makes a second batch.
func TestFullFrames(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds of multiplications")
	}
	l := literal()
	l.SessionQueries = frameItems + 1
	p, err := NewParams(l)
	if err != nil {
		t.Fatal(err)
	}
	set := digests(frameItems-2, frameItems+5)
	at := newSite(t, p, set, nil)
	queries := digests(0, frameItems+1)
	o := at.play(t.Context(), t, queries)
	if o.errClient != nil || o.errServer != nil {
		t.Fatalf("%v; %v", o.errClient, o.errServer)
	}
	if err := verify(queries, set, 0, o.matches); err != nil {
		t.Error(err)
	}
	if want := p.Cost(len(queries)); o.cost != want {
		t.Errorf("counted %+v, Cost says %+v", o.cost, want)
	}
}

// Equal keys and randomness give equal bytes: the digests pin item, tag, sealing, file and messages of both suites.
func TestGolden(t *testing.T) {
	for suite, want := range map[Suite]string{
		SuiteRistretto255: "ac4e95bcbe7f0ff646ca0509ef89b410287d844e3e2a44e5bae20e10dae0a4a7",
		SuiteP256:         "2b9b22e31b1cffcc46b9b7f80b6fa9ce67612040f686eaa241643411a5f8120f",
	} {
		l := literal()
		l.Suite, l.ValueBytes = suite, 3
		p := small(t, l, 4)
		key, err := ParseKeyInsecure(suite, append(make([]byte, 15), bytes.Repeat([]byte{3}, 17)...))
		if err != nil {
			t.Fatal(err)
		}
		rows := func(yield func(Row, error) bool) {
			for i, d := range digests(0, 9) {
				if !yield(Row{d, value(i, 3)}, nil) {
					return
				}
			}
		}
		var w bytes.Buffer
		pin, err := BuildTags(t.Context(), Offline{Key: key, Epoch: [32]byte{5}, Rand: zeros{}, Workers: 2}, rows, &w, p)
		if err != nil {
			t.Fatal(err)
		}
		f, err := OpenTags(t.Context(), bytes.NewReader(w.Bytes()), int64(w.Len()), p)
		if err != nil {
			t.Fatal(err)
		}
		sc, ss := conntest.Sessions(conntest.PartyA, conntest.PartyB, 9)
		o := (&site{p: p, file: f}).playWith(t.Context(), digests(4, 11), sc, ss, Service{Key: key, Pin: pin}, p)
		if o.errClient != nil || o.errServer != nil {
			t.Fatalf("%v; %v", o.errClient, o.errServer)
		}
		h := sha256.New()
		h.Write(w.Bytes())
		for _, m := range slices.Concat(o.record.Sent(), o.record.Received()) {
			h.Write(m)
		}
		if got := fmt.Sprintf("%x", h.Sum(nil)); got != want {
			t.Errorf("%s: file and messages hash to %s, want %s", suite, got, want)
		}
	}
}

func TestQuotas(t *testing.T) {
	l := literal()
	l.SessionQueries, l.Queries = 8, 100
	p := small(t, l, 4)
	at := newSite(t, p, digests(0, 3), nil)
	if o := at.play(t.Context(), t, digests(0, 9)); fault.CodeOf(o.errClient) != fault.LimitExceeded || conntest.Culprit(o.errClient) != "" {
		t.Errorf("more queries than the plan allows: %v", o.errClient)
	}
	s, _ := conntest.RandomSessions(conntest.PartyB, conntest.PartyA)
	greedy := hello{version: wireVersion, binding: s.Binding, params: p.Digest(), pin: at.pin, queries: 9}
	n, err := Serve(t.Context(), s, conntest.Replay(conntest.PartyA, [][]byte{greedy.encode()}), at.service(), p)
	if n != 0 || fault.CodeOf(err) != fault.LimitExceeded || conntest.Culprit(err) != conntest.PartyA {
		t.Errorf("a client that asks too much: %d, %v", n, err)
	}
	at.used = 93
	o := at.play(t.Context(), t, digests(0, 8))
	if fault.CodeOf(o.errServer) != fault.LimitExceeded || conntest.Culprit(o.errServer) != "" || o.evaluations != 0 {
		t.Errorf("a key that is used up: %v", o.errServer)
	}
	if o := at.play(t.Context(), t, digests(0, 7)); o.errClient != nil || o.errServer != nil {
		t.Errorf("the last queries of a key: %v, %v", o.errClient, o.errServer)
	}
}

// A server that answers with another key is found out by the proof, whatever it says in hello.
func TestOtherKeyIsMisbehaved(t *testing.T) {
	p := small(t, literal(), 4)
	at := newSite(t, p, digests(0, 3), nil)
	liar, err := GenerateKey(SuiteRistretto255, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	forged := Key{state: &keyState{suite: liar.state.suite, k: liar.state.k, public: at.key.state.public}}
	sc, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	service := at.service()
	service.Key = forged
	o := at.playWith(t.Context(), digests(0, 2), sc, ss, service, p)
	if fault.CodeOf(o.errClient) != fault.Misbehaved || conntest.Culprit(o.errClient) != conntest.PartyB {
		t.Errorf("got %v", o.errClient)
	}
}

// An element outside the group, or the identity, is refused by both sides.
func TestBadElements(t *testing.T) {
	for _, suite := range []Suite{SuiteRistretto255, SuiteP256} {
		l := literal()
		l.Suite = suite
		p := small(t, l, 4)
		at := newSite(t, p, digests(0, 3), nil)
		for name, element := range badElements(suite) {
			s, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
			asClient := hello{version: wireVersion, binding: s.Binding, params: p.Digest(), pin: at.pin, queries: 1}
			asServer := asClient
			asServer.server, asServer.queries = true, 0
			request := append([]byte{kindRequest, 0, 0, 0, 0, 0, 0, 0, 1}, element...)
			answer := append(append([]byte{kindAnswer, 0, 0, 0, 0, 0, 0, 0, 1}, element...), make([]byte, proofBytes)...)
			_, errS := Serve(t.Context(), s, conntest.Replay(conntest.PartyB, [][]byte{asClient.encode(), request}), at.service(), p)
			cc, cs := conntest.Pair(conntest.PartyA, conntest.PartyB)
			errC, _ := conntest.Both(cc,
				func() error { _, err := Query(t.Context(), s, cc, digests(0, 1), at.file); return err },
				func() error {
					for range 2 {
						if _, err := cs.Recv(t.Context()); err != nil {
							return err
						}
					}
					if err := cs.Send(t.Context(), asServer.encode()); err != nil {
						return err
					}
					return cs.Send(t.Context(), answer)
				})
			for side, err := range map[string]error{"server": errS, "client": errC} {
				if fault.CodeOf(err) != fault.Misbehaved || conntest.Culprit(err) != conntest.PartyB {
					t.Errorf("%s, %s, %s: %v", suite, name, side, err)
				}
			}
		}
	}
}

// badElements returns encodings that a decoder must refuse.
func badElements(suite Suite) map[string][]byte {
	if suite == SuiteP256 {
		p := []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
		return map[string][]byte{
			"zero": make([]byte, 33), "prefix 4": append([]byte{4}, p...), "x is p": append([]byte{2}, p...),
			"prefix 1": append([]byte{1}, make([]byte, 32)...), "off curve": append([]byte{2}, append(make([]byte, 31), 1)...),
		}
	}
	return map[string][]byte{
		"identity":    make([]byte, 32),
		"not reduced": append(append([]byte{0xed}, bytes.Repeat([]byte{0xff}, 30)...), 0x7f),
		"negative":    append([]byte{1}, make([]byte, 31)...),
		"high bit":    append(make([]byte, 31), 0x80),
		"s is −1":     append(append([]byte{0xec}, bytes.Repeat([]byte{0xff}, 30)...), 0x7f),
	}
}

// Messages of two runs with equal numbers have equal lengths, whatever is asked and found; nothing in them repeats.
func TestLengthsDependOnSizesOnly(t *testing.T) {
	p := small(t, literal(), 4)
	at := newSite(t, p, digests(0, 12), nil)
	var sent, recvd [2][]int
	for k, lo := range []int{0, 100} {
		o := at.play(t.Context(), t, digests(lo, lo+9))
		if o.errClient != nil || o.errServer != nil {
			t.Fatalf("%v; %v", o.errClient, o.errServer)
		}
		sent[k], recvd[k] = o.record.Lengths()
	}
	if !slices.Equal(sent[0], sent[1]) || !slices.Equal(recvd[0], recvd[1]) {
		t.Errorf("%v %v and %v %v", sent[0], recvd[0], sent[1], recvd[1])
	}
	o := at.play(t.Context(), t, []Digest{{1}, {1}, {1}, {1}})
	request := o.record.Sent()[1][headerBytes:]
	if bytes.Equal(request[:32], request[32:64]) {
		t.Error("two queries of one item look alike")
	}
}

// No digest, item, unblinded element, output or tag appears on the wire, and no value in the file.
func TestCanary(t *testing.T) {
	l := literal()
	l.ValueBytes = 20
	p := small(t, l, 4)
	at := newSite(t, p, digests(0, 6), nil)
	queries := digests(3, 9)
	o := at.play(t.Context(), t, queries)
	if o.errClient != nil || o.errServer != nil {
		t.Fatalf("%v; %v", o.errClient, o.errServer)
	}
	secretKey, err := at.key.MarshalInsecure()
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range queries {
		in := item(at.pin.Epoch, q)
		out, err := at.key.Evaluate(ModeVOPRF, in[:])
		if err != nil {
			t.Fatal(err)
		}
		point := make([]byte, 32)
		if err := p.scheme.encode(point, p.scheme.group.HashToElement(in[:], p.scheme.hashToGroup)); err != nil {
			t.Fatal(err)
		}
		tag := tagOf(out)
		for _, secret := range [][]byte{in[:8], point[:8], out[:8], tag[:6], secretKey[:8], value(i, 8)} {
			if o.record.Contains(secret) {
				t.Fatal("a secret is on the wire")
			}
		}
		if bytes.Contains(at.raw, value(i, 8)) || bytes.Contains(at.raw, in[:8]) || bytes.Contains(at.raw, secretKey[:8]) {
			t.Fatal("a secret is in the file")
		}
	}
}

// A run recorded in one session is refused in another, and in a repetition with fresh blinds.
func TestReplay(t *testing.T) {
	p := small(t, literal(), 4)
	at := newSite(t, p, digests(0, 6), nil)
	sc, ss := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	o := at.playWith(t.Context(), digests(0, 3), sc, ss, at.service(), p)
	other, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	for _, c := range []struct {
		s    protocols.Session
		want fault.Code
	}{{other, fault.PlanMismatch}, {sc, fault.Misbehaved}} {
		_, err := Query(t.Context(), c.s, conntest.Replay(conntest.PartyB, o.record.Received()), digests(0, 3), at.file)
		if fault.CodeOf(err) != c.want {
			t.Errorf("%v, want %v", err, c.want)
		}
	}
}

// The workers change nothing but the time: equal randomness gives equal messages.
func TestWorkersAndProgress(t *testing.T) {
	var first [][]byte
	for _, workers := range []int{1, 5} {
		last := [2]int{}
		watch := func(k int) func(done, total int) {
			return func(done, total int) {
				if done <= last[k] || total != 11 {
					t.Errorf("progress %d of %d after %d", done, total, last[k])
				}
				last[k] = done
			}
		}
		p := small(t, literal(), 4)
		at := newSite(t, p, digests(0, 6), nil)
		at.file.p = at.file.p.WithProgress(watch(0))
		sc, ss := conntest.Sessions(conntest.PartyA, conntest.PartyB, 3)
		sc.Workers, ss.Workers = workers, workers
		o := at.playWith(t.Context(), digests(3, 14), sc, ss, at.service(), p.WithProgress(watch(1)))
		if o.errClient != nil || o.errServer != nil {
			t.Fatalf("%v; %v", o.errClient, o.errServer)
		}
		if last != [2]int{11, 11} {
			t.Errorf("progress ended at %v", last)
		}
		requests := o.record.Sent()[1:]
		if first == nil {
			first = requests
		}
		if !slices.EqualFunc(first, requests, bytes.Equal) {
			t.Error("the requests depend on the number of workers")
		}
	}
}

func TestCancel(t *testing.T) {
	p := small(t, literal(), 4)
	at := newSite(t, p, digests(0, 6), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	cc, _ := conntest.Pair(conntest.PartyA, conntest.PartyB)
	_, errQuery := Query(ctx, s, cc, digests(0, 3), at.file)
	_, errServe := Serve(ctx, s, cc, at.service(), p)
	errSend := SendTags(ctx, s, cc, at.file)
	_, errReceive := ReceiveTags(ctx, s, cc, io.Discard, p)
	_, errBuild := BuildTags(ctx, Offline{Key: at.key, Rand: rand.Reader, Workers: 1}, Rows(digests(0, 3)), io.Discard, p)
	_, errOpen := OpenTags(ctx, bytes.NewReader(at.raw), int64(len(at.raw)), p)
	for i, err := range []error{errQuery, errServe, errSend, errReceive, errBuild, errOpen} {
		if _, ok := errors.AsType[*fault.Error](err); ok != (i != 2) || (i != 2 && fault.CodeOf(err) != fault.Canceled) {
			t.Errorf("call %d: %v", i, err)
		}
	}
}
