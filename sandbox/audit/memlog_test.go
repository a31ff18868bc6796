package audit

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
)

// memLog is a Tx in memory. Bytes can be flipped behind its back.
type memLog struct {
	leaves [][]byte
	hashes []Hash
	fail   string // method that answers fault.Unavailable
}

func (m *memLog) check(method string) error {
	if m.fail == method {
		return fault.New(fault.Unavailable, "memLog."+method, "told to fail")
	}
	return nil
}

func (m *memLog) TreeSize() (int64, error) { return int64(len(m.leaves)), m.check("TreeSize") }

func (m *memLog) Hashes(positions []int64) ([]Hash, error) {
	out := make([]Hash, len(positions))
	for i, p := range positions {
		if p >= int64(len(m.hashes)) {
			return nil, fault.New(fault.Corrupt, "memLog.Hashes", "no hash at position %d", p)
		}
		out[i] = m.hashes[p]
	}
	return out, m.check("Hashes")
}

func (m *memLog) Leaf(i int64) ([]byte, error) { return m.leaves[i], m.check("Leaf") }

func (m *memLog) PutHashes(first int64, h []Hash) error {
	if first != int64(len(m.hashes)) {
		return fault.New(fault.Internal, "memLog.PutHashes", "position %d, %d stored", first, len(m.hashes))
	}
	m.hashes = append(m.hashes, h...)
	return m.check("PutHashes")
}

func (m *memLog) PutLeaf(i int64, b []byte) error {
	if i != int64(len(m.leaves)) {
		return fault.New(fault.Internal, "memLog.PutLeaf", "leaf %d, %d stored", i, len(m.leaves))
	}
	m.leaves = append(m.leaves, b)
	return m.check("PutLeaf")
}

// leafN is the n-th leaf of the test logs.
func leafN(n int) Leaf {
	return Leaf{
		V: Version, ID: fmt.Sprintf("L%06d", n), T: 1_700_000_000_000 + int64(n), Type: Types()[n%len(Types())], Actor: "bank",
		Refs: map[string]string{"job": fmt.Sprintf("j%d", n%7)}, Body: map[string]any{"n": n},
		Rows: []RowChange{{Table: "job", Key: fmt.Sprintf("j%d", n%7), Revision: int64(n), Digest: fmt.Sprintf("%064x", n)}},
	}
}

func mustEncode(t testing.TB, l Leaf) []byte {
	t.Helper()
	b, err := l.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// logOf is a log of n leaves.
func logOf(t testing.TB, n int) *memLog {
	t.Helper()
	m := &memLog{}
	for i := range n {
		got, err := Append(m, mustEncode(t, leafN(i)))
		if err != nil || got != int64(i) {
			t.Fatalf("Append = %d, %v; want %d", got, err, i)
		}
	}
	return m
}

// plainRoot is MTH of RFC 6962 §2.1, word for word.
func plainRoot(leaves [][]byte) Hash {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	default:
		k := 1
		for 2*k < n {
			k *= 2
		}
		l, r := plainRoot(leaves[:k]), plainRoot(leaves[k:])
		return sha256.Sum256(append(append([]byte{1}, l[:]...), r[:]...))
	}
}

func wantCode(t testing.TB, err error, want fault.Code) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %v", want)
	}
	if got := fault.CodeOf(err); got != want {
		t.Fatalf("code %v (%v), want %v", got, err, want)
	}
}
