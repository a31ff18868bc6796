package oprf

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols/conntest"
)

// resum replaces the digest of a file by that of its changed bytes.
func resum(b []byte) []byte {
	sum := sha256.Sum256(b[:len(b)-sha256.Size])
	return append(b[:len(b)-sha256.Size], sum[:]...)
}

// Offsets of the header's fields.
const (
	atVersion = len(fileMagic)
	atSuite   = atVersion + 1
	atParams  = atSuite + 1
	atPublic  = atParams + 3*32
	atRecords = atPublic + maxElement
	atTag     = atRecords + 8
)

func TestOpenTagsErrors(t *testing.T) {
	p := small(t, literal(), 4)
	at := newSite(t, p, digests(0, 6), nil)
	width := p.recordBytes()
	for name, c := range map[string]struct {
		change func(b []byte) []byte
		want   fault.Code
	}{
		"empty":            {func([]byte) []byte { return nil }, fault.Corrupt},
		"magic":            {func(b []byte) []byte { b[0] ^= 1; return resum(b) }, fault.Corrupt},
		"version":          {func(b []byte) []byte { b[atVersion]++; return resum(b) }, fault.Unsupported},
		"suite":            {func(b []byte) []byte { b[atSuite]++; return resum(b) }, fault.Corrupt},
		"params":           {func(b []byte) []byte { b[atParams] ^= 1; return resum(b) }, fault.PlanMismatch},
		"public key":       {func(b []byte) []byte { b[atPublic+31] |= 0x80; return resum(b) }, fault.Corrupt},
		"padding":          {func(b []byte) []byte { b[atRecords-1] = 1; return resum(b) }, fault.Corrupt},
		"fewer records":    {func(b []byte) []byte { b[atRecords+7]--; return resum(b) }, fault.Corrupt},
		"more records":     {func(b []byte) []byte { b[atRecords+7]++; return resum(b) }, fault.Corrupt},
		"over declared":    {func(b []byte) []byte { b[atRecords+7] = 65; return resum(b) }, fault.LimitExceeded},
		"huge":             {func(b []byte) []byte { b[atRecords] = 0xff; return resum(b) }, fault.LimitExceeded},
		"tag width":        {func(b []byte) []byte { b[atTag]++; return resum(b) }, fault.Corrupt},
		"one record short": {func(b []byte) []byte { return resum(slices.Delete(b, fileHeaderBytes, fileHeaderBytes+width)) }, fault.Corrupt},
		"cut":              {func(b []byte) []byte { return b[:len(b)-1] }, fault.Corrupt},
		"longer":           {func(b []byte) []byte { return append(b, 0) }, fault.Corrupt},
		"header only":      {func(b []byte) []byte { return b[:fileHeaderBytes] }, fault.Corrupt},
		"out of order": {func(b []byte) []byte {
			x := bytes.Clone(b[fileHeaderBytes : fileHeaderBytes+width])
			copy(b[fileHeaderBytes:], b[fileHeaderBytes+width:fileHeaderBytes+2*width])
			copy(b[fileHeaderBytes+width:], x)
			return resum(b)
		}, fault.Corrupt},
		"equal tags": {func(b []byte) []byte {
			copy(b[fileHeaderBytes+width:], b[fileHeaderBytes:fileHeaderBytes+width])
			return resum(b)
		}, fault.Corrupt},
	} {
		b := c.change(bytes.Clone(at.raw))
		_, err := OpenTags(t.Context(), bytes.NewReader(b), int64(len(b)), p)
		if fault.CodeOf(err) != c.want || err == nil || conntest.Culprit(err) != "" {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for i := range at.raw { // every single byte
		b := bytes.Clone(at.raw)
		b[i] ^= 0x10
		if _, err := OpenTags(t.Context(), bytes.NewReader(b), int64(len(b)), p); err == nil {
			t.Fatalf("byte %d changed: accepted", i)
		}
	}
	if _, err := OpenTags(t.Context(), bytes.NewReader(at.raw), int64(len(at.raw))+1, p); fault.CodeOf(err) != fault.Corrupt {
		t.Errorf("a source shorter than its size: %v", err)
	}
	if _, err := OpenTags(t.Context(), failing{}, 10, p); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("a source that fails: %v", err)
	}
	if _, err := OpenTags(t.Context(), bytes.NewReader(nil), 0, Params{}); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("zero params: %v", err)
	}
}

type failing struct{}

func (failing) ReadAt([]byte, int64) (int, error) { return 0, errors.New("disk") }
func (failing) Write([]byte) (int, error)         { return 0, errors.New("disk") }

// A file that shrinks or fails after it was opened is found at the next query.
func TestDamageAfterOpening(t *testing.T) {
	l := literal()
	l.ValueBytes = 4
	p := small(t, l, 4)
	at := newSite(t, p, digests(0, 6), nil)
	whole := *at.file
	for name, c := range map[string]struct {
		r    io.ReaderAt
		want fault.Code
	}{
		"shorter": {bytes.NewReader(at.raw[:fileHeaderBytes+3]), fault.Corrupt},
		"fails":   {failing{}, fault.Unavailable},
	} {
		f := whole
		f.r = c.r
		at.file = &f
		o := at.play(t.Context(), t, digests(0, 6))
		if fault.CodeOf(o.errClient) != c.want || conntest.Culprit(o.errClient) != "" {
			t.Errorf("%s: %v, want %v", name, o.errClient, c.want)
		}
	}
}

// A server that seals a value wrongly learns nothing from its client: the query ends as ever, and only the client's own
// result says that a record was there.
func TestWrongValueIsNoMatch(t *testing.T) {
	l := literal()
	l.ValueBytes = 4
	at := newSite(t, small(t, l, 4), digests(0, 6), nil)
	damaged := bytes.Clone(at.raw)
	damaged[len(damaged)-sha256.Size-1] ^= 1 // in the last value
	f := *at.file
	f.r = bytes.NewReader(damaged)
	at.file = &f
	o := at.play(t.Context(), t, digests(0, 6))
	if o.errClient != nil || o.errServer != nil {
		t.Fatal(o.errClient, o.errServer)
	}
	if len(o.matches.Position) != 5 || len(o.matches.Value) != 5 || o.matches.Unopened != 1 {
		t.Errorf("%d matches, %d values, %d that did not open", len(o.matches.Position), len(o.matches.Value), o.matches.Unopened)
	}
}

func TestBuildTagsErrors(t *testing.T) {
	l := literal()
	l.ServerItems = 3
	p := small(t, l, 4)
	l.ValueBytes = 2
	labelled := small(t, l, 4)
	key, err := GenerateKey(SuiteRistretto255, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := GenerateKey(SuiteP256, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := Offline{Key: key, Rand: rand.Reader, Workers: 1}
	broken := func(yield func(Row, error) bool) { yield(Row{}, fault.New(fault.NotFound, "test", "gone")) }
	twice := func(yield func(Row, error) bool) {
		_ = yield(Row{Value: []byte("ab")}, nil) && yield(Row{Value: []byte("cd")}, nil)
	}
	for name, c := range map[string]struct {
		o    Offline
		rows iter.Seq2[Row, error]
		w    io.Writer
		p    Params
		want fault.Code
	}{
		"zero params":    {good, Rows(nil), io.Discard, Params{}, fault.Invalid},
		"zero key":       {Offline{Rand: rand.Reader, Workers: 1}, Rows(nil), io.Discard, p, fault.Invalid},
		"other suite":    {Offline{Key: foreign, Rand: rand.Reader, Workers: 1}, Rows(nil), io.Discard, p, fault.Invalid},
		"no source":      {Offline{Key: key, Workers: 1}, Rows(nil), io.Discard, p, fault.Invalid},
		"no workers":     {Offline{Key: key, Rand: rand.Reader}, Rows(nil), io.Discard, p, fault.Invalid},
		"broken source":  {Offline{Key: key, Rand: strings.NewReader("short"), Workers: 1}, Rows(nil), io.Discard, p, fault.Internal},
		"too many rows":  {good, Rows(digests(0, 4)), io.Discard, p, fault.LimitExceeded},
		"rows that fail": {good, broken, io.Discard, p, fault.NotFound},
		"writer fails":   {good, Rows(digests(0, 3)), failing{}, p, fault.Unavailable},
		"value missing":  {good, Rows(digests(0, 1)), io.Discard, labelled, fault.Invalid},
		"value too many": {good, twice, io.Discard, p, fault.Invalid},
		"labelled twice": {good, twice, io.Discard, labelled, fault.Invalid},
	} {
		if _, err := BuildTags(t.Context(), c.o, c.rows, c.w, c.p); fault.CodeOf(err) != c.want || err == nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// The file depends on key, epoch, rows and salt; not on the workers nor on the order of the rows. Progress reaches the
// number of rows. More rows than one chunk.
func TestBuildTagsIsDeterministic(t *testing.T) {
	const n = buildRows + 3
	l := literal()
	l.ServerItems = n
	p := small(t, l, 4)
	key, err := GenerateKey(SuiteRistretto255, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var files [2]bytes.Buffer
	rows := digests(0, n)
	for k, workers := range []int{1, 4} {
		last := 0
		watched := p.WithProgress(func(done, total int) {
			if done <= last || total != n {
				t.Errorf("progress %d of %d after %d", done, total, last)
			}
			last = done
		})
		o := Offline{Key: key, Epoch: [32]byte{9}, Rand: zeros{}, Workers: workers}
		if _, err := BuildTags(t.Context(), o, Rows(rows), &files[k], watched); err != nil {
			t.Fatal(err)
		}
		if last != n {
			t.Errorf("progress ended at %d", last)
		}
		slices.Reverse(rows)
	}
	if !bytes.Equal(files[0].Bytes(), files[1].Bytes()) {
		t.Error("two files of one set")
	}
}

// A value that changes within an epoch is sealed under another key: the file's salt sees to it.
func TestSaltSeparatesFiles(t *testing.T) {
	l := literal()
	l.ValueBytes = 16
	p := small(t, l, 4)
	key, err := GenerateKey(SuiteRistretto255, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var record [2][]byte
	for k := range record {
		var w bytes.Buffer
		rows := func(yield func(Row, error) bool) { yield(Row{Value: make([]byte, 16)}, nil) }
		if _, err := BuildTags(t.Context(), Offline{Key: key, Rand: rand.Reader, Workers: 1}, rows, &w, p); err != nil {
			t.Fatal(err)
		}
		record[k] = w.Bytes()[fileHeaderBytes:]
	}
	tag := p.tagBytes()
	if !bytes.Equal(record[0][:tag], record[1][:tag]) || bytes.Equal(record[0][tag:tag+16], record[1][tag:tag+16]) {
		t.Error("tags must stay and sealed values must change")
	}
}

// Lookups against a plain search, over files of several blocks and tags at their bounds.
func TestFind(t *testing.T) {
	l := literal()
	l.ServerItems = 3 * indexRecords
	p := small(t, l, 4)
	width := p.recordBytes()
	for _, n := range []int{0, 1, indexRecords - 1, indexRecords, indexRecords + 1, 3 * indexRecords} {
		file, records := randomRecords(t, p, n)
		f, err := OpenTags(t.Context(), bytes.NewReader(file), int64(len(file)), p)
		if err != nil {
			t.Fatal(err)
		}
		body := file[fileHeaderBytes : len(file)-sha256.Size]
		queries := slices.Concat(make([]byte, width), bytes.Repeat([]byte{0xff}, width), records)
		for at := 0; at < len(body); at += 97 * width { // neighbours of records, which are no records
			near := bytes.Clone(body[at : at+width])
			near[width-1] ^= 1
			queries = append(queries, near...)
		}
		queries = append(queries, records[:min(len(records), 5*width)]...) // repeated
		want := map[int]bool{}
		has := map[string]bool{}
		for at := 0; at < len(body); at += width {
			has[string(body[at:at+width])] = true
		}
		for i := range len(queries) / width {
			if has[string(queries[i*width:(i+1)*width])] {
				want[i] = true
			}
		}
		got := map[int]bool{}
		err = f.find(t.Context(), queries, func(i int, record []byte) error {
			if got[i] || !bytes.Equal(record, queries[i*width:(i+1)*width]) {
				t.Errorf("n=%d: query %d reported twice or with another record", n, i)
			}
			got[i] = true
			return nil
		})
		if err != nil || len(got) != len(want) {
			t.Errorf("n=%d: %d found, want %d, %v", n, len(got), len(want), err)
		}
		for i := range want {
			if !got[i] {
				t.Errorf("n=%d: query %d not found", n, i)
			}
		}
	}
	file, records := randomRecords(t, p, 3)
	f, err := OpenTags(t.Context(), bytes.NewReader(file), int64(len(file)), p)
	if err != nil {
		t.Fatal(err)
	}
	stop := fault.New(fault.Corrupt, "test", "stop")
	if err := f.find(t.Context(), records, func(int, []byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("an error of hit: %v", err)
	}
	if err := f.find(canceled(t), records, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

func TestZeroTagFile(t *testing.T) {
	s, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	for _, f := range []*TagFile{nil, {}} {
		_, err := Query(t.Context(), s, conntest.Replay(conntest.PartyB, nil), nil, f)
		for _, err := range []error{err, SendTags(t.Context(), s, conntest.Replay(conntest.PartyB, nil), f)} {
			if fault.CodeOf(err) != fault.Invalid {
				t.Errorf("got %v", err)
			}
		}
	}
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// Radix sort against the standard one, with prefixes that agree and records that repeat.
func TestPartitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tag := rapid.IntRange(5, 9).Draw(t, "tag")
		width := tag + rapid.IntRange(0, 3).Draw(t, "rest")
		n := rapid.IntRange(0, 300).Draw(t, "n")
		letters := rapid.SampledFrom([]int{1, 2, 200}).Draw(t, "letters")
		p := partitions{width: width, tag: tag}
		unique := map[string]bool{}
		seed := rapid.Uint32().Draw(t, "seed")
		for range n {
			b := make([]byte, width)
			for i := range b {
				seed = seed*1664525 + 1013904223
				b[i] = byte(int(seed>>16) % letters)
			}
			unique[string(b[:tag])] = true
			p.add(b)
		}
		if err := p.sort(t.Context(), newPool(2)); err != nil {
			t.Fatal(err)
		}
		removed := p.compact()
		var got []string
		for _, part := range p.part {
			for at := 0; at < len(part); at += width {
				got = append(got, string(part[at:at+tag]))
			}
		}
		if removed != n-len(unique) || p.count != len(unique) || len(got) != len(unique) {
			t.Fatalf("%d of %d removed, %d left, want %d", removed, n, len(got), len(unique))
		}
		if !slices.IsSorted(got) {
			t.Fatal("not sorted")
		}
		for _, g := range got {
			if !unique[g] {
				t.Fatal("a record that nobody added")
			}
		}
	})
}
