package psibench

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/engine/table"
	"github.com/tacit-data/tacit/protocols/psi"
)

// keyColumn is the only column of a file. A key is "e:" and 64 hexadecimal digits, what the advertising industry exchanges for
// an email address: 66 bytes.
const keyColumn = "id"

func rules() []feature.Rule { return []feature.Rule{feature.Raw} }

func ruleset() [32]byte { return feature.RulesetDigest(rules()) }

// side is one party's keys: numbers from first on, in an order of its own.
type side struct {
	seed  uint64
	first int
	n     int
	salt  uint64
}

// sides returns both parties' keys, half of the smaller set in common.
func (s Spec) sides() (receiver, sender side) {
	common := s.intersection()
	return side{s.Seed, 0, s.N, 1}, side{s.Seed, s.N - common, s.M, 2}
}

// number is the key in a row. The order is a permutation, i → (a·i + b) mod n, so that neither file is sorted and a row's number
// can be found from its key and back.
func (d side) number(row int) int {
	a, b := d.order()
	return d.first + int((uint64(row)*a+b)%uint64(d.n))
}

func (d side) order() (a, b uint64) {
	a = mix(d.seed+d.salt)%uint64(d.n) | 1
	for gcd(a, uint64(d.n)) != 1 {
		a += 2
	}
	return a, mix(d.seed+d.salt+1) % uint64(d.n)
}

// mix is the finaliser of SplitMix64: the order of a test file needs no more.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// holds reports whether a key number is among d's.
func (d side) holds(number int) bool { return number >= d.first && number < d.first+d.n }

// key is the text of a key number.
func key(seed uint64, number int) [66]byte {
	var in [16]byte
	binary.BigEndian.PutUint64(in[:], seed)
	binary.BigEndian.PutUint64(in[8:], uint64(number))
	sum := sha256.Sum256(in[:])
	out := [66]byte{'e', ':'}
	hex.Encode(out[2:], sum[:])
	return out
}

// write makes d's file.
func (d side) write(path string) (err error) {
	const op = "psibench.write"
	f, err := os.Create(path)
	if err != nil {
		return fault.Wrap(fault.Unavailable, op, err, "a file of keys cannot be made")
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = fault.Wrap(fault.Unavailable, op, cerr, "a file of keys cannot be written")
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	_, _ = w.WriteString(keyColumn + "\n") // Flush has the error
	for row := range d.n {
		k := key(d.seed, d.number(row))
		_, _ = w.Write(k[:])
		_ = w.WriteByte('\n')
	}
	return fault.Wrap(fault.Unavailable, op, w.Flush(), "a file of keys cannot be written")
}

// readKeys reads a file of n keys and makes items of their digests, batch by batch: the party holds nothing twice.
func readKeys(ctx context.Context, path string, n int, of func([32]byte) psi.Item) (_ []psi.Item, err error) {
	schema := arrow.NewSchema([]arrow.Field{table.Field(keyColumn, arrow.BinaryTypes.String)}, nil)
	src, err := table.Open(ctx, path, memory.DefaultAllocator, table.Options{Schema: schema})
	if err != nil {
		return nil, err
	}
	digests, err := feature.Key{Columns: []string{keyColumn}, Rules: rules()}.Open(ctx, memory.DefaultAllocator, []engine.Stream{src})
	if err != nil {
		_ = src.Close() // the error that counts is err
		return nil, err
	}
	items := make([]psi.Item, 0, n)
	_, err = table.Each(ctx, digests, func(rec arrow.Record) error {
		col, ok := rec.Column(0).(*array.FixedSizeBinary)
		if !ok || col.NullN() > 0 || len(items)+col.Len() > n {
			return fault.New(fault.Internal, "psibench.readKeys", "the file is not the one that was written")
		}
		for row := range col.Len() {
			items = append(items, of([32]byte(col.Value(row))))
		}
		return nil
	})
	if cerr := digests.Close(); err == nil {
		err = cerr
	}
	if err == nil && len(items) != n {
		err = fault.New(fault.Internal, "psibench.readKeys", "%d of %d keys", len(items), n)
	}
	return items, err // without gaps: position is row
}

// writeRows is what a party has in the end: the numbers of its rows that match, in aligned order.
func writeRows(path string, rows []int32) (err error) {
	const op = "psibench.writeRows"
	f, err := os.Create(path)
	if err != nil {
		return fault.Wrap(fault.Unavailable, op, err, "the matches cannot be written")
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = fault.Wrap(fault.Unavailable, op, cerr, "the matches cannot be written")
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	var line []byte
	for _, r := range rows {
		line = append(strconv.AppendInt(line[:0], int64(r), 10), '\n')
		_, _ = w.Write(line) // Flush has the error
	}
	return fault.Wrap(fault.Unavailable, op, w.Flush(), "the matches cannot be written")
}

// readRows reads what writeRows wrote, at most limit rows.
func readRows(path string, limit int) ([]int32, error) {
	const op = "psibench.readRows"
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err, "the matches cannot be read")
	}
	defer func() { _ = f.Close() }() // reading: nothing to lose
	var out []int32
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		v, err := strconv.ParseInt(lines.Text(), 10, 32)
		if err != nil || len(out) == limit {
			return nil, fault.New(fault.Invalid, op, "the matches are malformed")
		}
		out = append(out, int32(v))
	}
	return out, fault.Wrap(fault.Unavailable, op, lines.Err(), "the matches cannot be read")
}
