package he

import (
	"math/big"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
)

func TestLookup(t *testing.T) {
	for _, c := range []struct {
		id                  ID
		n, limbs, plainBits int
		floods              bool
	}{{H1, 4096, 2, 30, false}, {H2, 8192, 4, 64, true}} {
		p, err := Lookup(c.id)
		if err != nil {
			t.Fatal(err)
		}
		if p.ID() != c.id || p.N() != c.n || p.Limbs() != c.limbs || p.PlainBits() != c.plainBits || p.Floods() != c.floods {
			t.Errorf("%s: got N %d, %d limbs, %d plain bits, floods %t", c.id, p.N(), p.Limbs(), p.PlainBits(), p.Floods())
		}
	}
	for _, id := range []ID{0, H3, H4, 5, 255} {
		_, err := Lookup(id)
		wantCode(t, err, fault.Unsupported)
	}
	var zero Params
	if zero.ID() != 0 || zero.N() != 0 || zero.Limbs() != 0 || zero.PlainBits() != 0 || zero.Floods() {
		t.Error("the zero Params answers something")
	}
}

// TestTable: every row of the table, reserved ones too, passes the checks; the primes are prime by another test.
func TestTable(t *testing.T) {
	for id := H1; id <= H4; id++ {
		l, ok := literalOf(id)
		if !ok {
			t.Fatalf("no %s", id)
		}
		if err := l.check(); err != nil {
			t.Error(err)
		}
		for _, q := range append(append([]uint64{}, l.q...), l.p...) {
			if !new(big.Int).SetUint64(q).ProbablyPrime(20) || q%(2*uint64(l.n)) != 1 {
				t.Errorf("%s: %d", id, q)
			}
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	h2, _ := literalOf(H2)
	for name, l := range map[string]literal{
		"insecure":       {n: 4096, q: h2.q},
		"degree":         {n: 1000, q: []uint64{2001 * 1}},
		"no primes":      {n: 4096},
		"twice":          {n: 8192, q: []uint64{h2.q[0], h2.q[0]}},
		"over 49 bits":   {n: 8192, q: []uint64{562949954961409}},
		"composite":      {n: 8192, q: []uint64{1 + 16384*3}},
		"not 1 mod 2N":   {n: 8192, q: []uint64{65539}},
		"limbs to seal":  {n: 8192, q: h2.q[:3], flood: 101},
		"special prime":  {n: 4096, q: h2.q[:2], p: h2.q[2:3]},
		"zero degree":    {n: 0, q: h2.q[:1]},
		"negative check": {n: 8192, q: []uint64{0}},
	} {
		if err := l.check(); err == nil || fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
