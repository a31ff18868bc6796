package oprf

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// BenchmarkQuery runs both parties in one process over an in-memory Conn, against a small tag file. cpu-µs/query is user
// and system time of the process per query: both parties together.
func BenchmarkQuery(b *testing.B) {
	for _, c := range []struct {
		suite Suite
		n     int
	}{{SuiteRistretto255, 1 << 10}, {SuiteRistretto255, 10_000}, {SuiteP256, 1 << 10}} {
		b.Run(fmt.Sprintf("%s/n=%d", c.suite, c.n), func(b *testing.B) {
			l := literal()
			l.Suite, l.SessionQueries = c.suite, c.n
			p, err := NewParams(l)
			if err != nil {
				b.Fatal(err)
			}
			at := newSite(b, p, digests(0, 64), nil)
			x := digests(32, 32+c.n)
			before := cpuMicros(b)
			for b.Loop() {
				o := at.play(b.Context(), b, x)
				if o.errClient != nil || o.errServer != nil || len(o.matches.Position) != 32 {
					b.Fatal(o.errClient, o.errServer, len(o.matches.Position))
				}
			}
			queries := float64(b.N) * float64(c.n)
			cost := p.Cost(c.n)
			b.ReportMetric(float64(cpuMicros(b)-before)/queries, "cpu-µs/query")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/queries, "wall-µs/query")
			b.ReportMetric(float64(cost.SentBytes+cost.RecvBytes)/float64(c.n), "B/query")
		})
	}
}

// BenchmarkBuildTags is the offline work per item of the server.
func BenchmarkBuildTags(b *testing.B) {
	for _, suite := range []Suite{SuiteRistretto255, SuiteP256} {
		b.Run(string(suite), func(b *testing.B) {
			const n = 1 << 12
			l := literal()
			l.Suite, l.ServerItems = suite, n
			p, err := NewParams(l)
			if err != nil {
				b.Fatal(err)
			}
			key, err := GenerateKey(suite, rand.Reader)
			if err != nil {
				b.Fatal(err)
			}
			rows := Rows(digests(0, n))
			before := cpuMicros(b)
			for b.Loop() {
				if _, err := BuildTags(b.Context(), Offline{Key: key, Rand: rand.Reader, Workers: 2}, rows, io.Discard, p); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpuMicros(b)-before)/float64(b.N)/n, "cpu-µs/item")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/n, "wall-µs/item")
		})
	}
}

// BenchmarkLookup sorts, writes, opens and searches a tag file of a million random records: all of the protocol but the
// group.
func BenchmarkLookup(b *testing.B) {
	const n, queries = 1 << 20, 1 << 16
	l := literal()
	l.ServerItems = n
	p, err := NewParams(l)
	if err != nil {
		b.Fatal(err)
	}
	file, tags := randomRecords(b, p, n)
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			if _, err := OpenTags(b.Context(), bytes.NewReader(file), int64(len(file)), p); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(int64(len(file)))
	})
	f, err := OpenTags(b.Context(), bytes.NewReader(file), int64(len(file)), p)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("find", func(b *testing.B) {
		hits := 0
		for b.Loop() {
			hits = 0
			if err := f.find(b.Context(), tags[:queries*p.tagBytes()], func(int, []byte) error { hits++; return nil }); err != nil {
				b.Fatal(err)
			}
		}
		if hits != queries {
			b.Fatalf("%d hits", hits)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/queries, "ns/query")
	})
	b.Run("sort", func(b *testing.B) {
		for b.Loop() {
			parts := partitions{width: p.recordBytes(), tag: p.tagBytes()}
			for i := range n {
				parts.add(tags[i*parts.width : (i+1)*parts.width])
			}
			if err := parts.sort(b.Context(), newPool(2)); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/item")
	})
}

// BenchmarkTenMillion is 10⁵ queries of a file of 10⁷ records on disk, both parties in one process with two workers each.
// All but 1000 of the records are random: evaluating them is BenchmarkBuildTags' subject. peak-MB is the process's, the
// making of the file included.
func BenchmarkTenMillion(b *testing.B) {
	if testing.Short() {
		b.Skip("half a minute")
	}
	const n, real, queries = 10_000_000, 1000, 100_000
	l := literal()
	l.ServerItems, l.Queries, l.SessionQueries = n, 1<<24, queries
	p, err := NewParams(l)
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "tags")
	at := bigSite(b, p, path, n, real)
	disk, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer disk.Close()
	start := time.Now()
	if at.file, err = OpenTags(b.Context(), disk, p.FileBytes(n), p); err != nil {
		b.Fatal(err)
	}
	opened := time.Since(start)
	x := digests(real/2, real/2+queries)
	before := cpuMicros(b)
	for b.Loop() {
		o := at.play(b.Context(), b, x)
		if o.errClient != nil || o.errServer != nil || len(o.matches.Position) != real/2 {
			b.Fatal(o.errClient, o.errServer, len(o.matches.Position))
		}
	}
	b.ReportMetric(float64(cpuMicros(b)-before)/float64(b.N)/1e6, "cpu-s/run")
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "wall-s/run")
	b.ReportMetric(opened.Seconds(), "open-s")
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(u.Maxrss)/1e3, "peak-MB")
}

// bigSite writes a tag file of n records, of which the digests 0 … real−1 are some.
func bigSite(b *testing.B, p Params, path string, n, real int) *site {
	key, err := GenerateKey(p.lit.Suite, rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	build, err := newBuilder(Offline{Key: key, Rand: rand.Reader, Workers: 2}, p)
	if err != nil {
		b.Fatal(err)
	}
	rows := make([]Row, real)
	for i, d := range digests(0, real) {
		rows[i].Digest = d
	}
	if err := build.add(b.Context(), rows); err != nil {
		b.Fatal(err)
	}
	record := make([]byte, p.recordBytes())
	for range n - real {
		_, _ = rand.Read(record)
		build.records.add(record)
	}
	w, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	pin, err := build.write(b.Context(), w)
	if err != nil {
		b.Fatal(err)
	}
	return &site{p: p, key: key, pin: pin}
}

// randomRecords returns a tag file of n random records, and the records in random order.
func randomRecords(t testing.TB, p Params, n int) (file, records []byte) {
	key, err := GenerateKey(p.lit.Suite, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	records = make([]byte, n*p.recordBytes())
	if _, err := rand.Read(records); err != nil {
		t.Fatal(err)
	}
	b, err := newBuilder(Offline{Key: key, Rand: rand.Reader, Workers: 2}, p)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		b.records.add(records[i*p.recordBytes() : (i+1)*p.recordBytes()])
	}
	var w bytes.Buffer
	if _, err := b.write(t.Context(), &w); err != nil {
		t.Fatal(err)
	}
	return w.Bytes(), records
}

// digests returns the digests of the keys lo … hi−1.
func digests(lo, hi int) []Digest {
	out := make([]Digest, hi-lo)
	for i := range out {
		binary.BigEndian.PutUint64(out[i][:], uint64(lo+i))
	}
	return out
}

// cpuMicros returns the CPU time of this process so far, in microseconds.
func cpuMicros(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano()/1000 + u.Stime.Nano()/1000
}
