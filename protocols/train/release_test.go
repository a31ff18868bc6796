package train

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
	"github.com/tacit-data/tacit/protocols/share"
)

func sessionForFuzz() protocols.Session {
	s, _ := conntest.Sessions(conntest.PartyA, conntest.PartyB, 1)
	return s
}

// Altered shares that leave the range are fault.Precision, nobody's provable fault; others go unnoticed.
func TestOwnCoefficients(t *testing.T) {
	one := uint64(1 << weightBits)
	label, host := half(true, one, 5, 7, 11), half(false, one/2, -one-5, 9*one-7, one-11)
	// A party that is not named gets nothing, on the wire either: the cost is exact.
	for _, to := range []share.Receiver{share.ToBoth, share.ToFirst, share.ToSecond} {
		side := func(m Model, role bool) func(context.Context, protocols.Session, protocols.Conn) ([]float64, error) {
			return func(ctx context.Context, s protocols.Session, c protocols.Conn) ([]float64, error) {
				out, err := OwnCoefficients(ctx, s, []protocols.Conn{c}, m, role, to)
				if errors.Is(err, fault.Precision) {
					return nil, nil
				}
				return out, err
			}
		}
		wantA, wantB := []float64{1.5, -1, 9}, []float64{1}
		if to == share.ToFirst {
			wantB = nil
		}
		if to == share.ToSecond {
			wantA = nil
		}
		conntest.Suite(t, conntest.Protocol[[]float64, []float64]{
			A: side(label, true), B: side(host, false), Cost: CoefficientsCost(2, 1, to), TamperUndetected: true,
			Check: func(a, b *[]float64) error {
				if a != nil && !slices.Equal(*a, wantA) || b != nil && !slices.Equal(*b, wantB) {
					return errors.New("other coefficients")
				}
				return nil
			},
		})
	}
	s, c := sessionForFuzz(), []protocols.Conn{}
	if _, err := OwnCoefficients(context.Background(), s, c, label, true, share.ToBoth); !errors.Is(err, fault.Unsupported) {
		t.Errorf("no connection: %v", err)
	}
	conn, _ := conntest.Pair(conntest.PartyA, conntest.PartyB)
	c = []protocols.Conn{conn}
	if _, err := OwnCoefficients(context.Background(), s, c, Model{}, true, share.ToBoth); !errors.Is(err, fault.Invalid) {
		t.Errorf("no model: %v", err)
	}
	if _, err := OwnCoefficients(context.Background(), s, c, label, false, share.ToBoth); !errors.Is(err, fault.Invalid) {
		t.Errorf("another role: %v", err)
	}
	if _, err := OwnCoefficients(context.Background(), s, c, label, true, 0); !errors.Is(err, fault.Invalid) {
		t.Errorf("no receiver: %v", err)
	}
	if _, err := openCoefficients([]uint64{16*one + 1}, []uint64{0}); !errors.Is(err, fault.Precision) {
		t.Errorf("out of range: %v", err)
	}
	if w, err := openCoefficients([]uint64{16 * one, -(16 * one)}, []uint64{0, 0}); err != nil || w[0] != 16 || w[1] != -16 {
		t.Errorf("at the bound: %v", err)
	}
}

type parts struct{ train, test []int32 }

func TestPartition(t *testing.T) {
	for _, c := range []struct {
		rows int
		test []int32
	}{
		{2, []int32{1}}, {8, []int32{0, 7}}, {9, []int32{8}}, {100, []int32{3, 50, 51, 99}},
	} {
		check := func(p *parts) error {
			if p == nil {
				return nil
			}
			if !slices.Equal(p.test, c.test) || len(p.train)+len(p.test) != c.rows || !slices.IsSorted(p.train) {
				return errors.New("other parts")
			}
			return nil
		}
		side := func(label bool, test []int32) func(context.Context, protocols.Session, protocols.Conn) (parts, error) {
			return func(ctx context.Context, s protocols.Session, conn protocols.Conn) (p parts, err error) {
				p.train, p.test, err = Partition(ctx, s, []protocols.Conn{conn}, label, c.rows, test)
				return p, err
			}
		}
		conntest.Suite(t, conntest.Protocol[parts, parts]{
			A: side(true, c.test), B: side(false, nil), Cost: PartitionCost(c.rows), TamperUndetected: true,
			Check: func(a, b *parts) error { return errors.Join(check(a), check(b)) },
		})
	}
	s := sessionForFuzz()
	conn, _ := conntest.Pair(conntest.PartyA, conntest.PartyB)
	for name, c := range map[string]struct {
		label bool
		rows  int
		test  []int32
		want  fault.Code
	}{
		"one row":          {true, 1, []int32{0}, fault.Invalid},
		"too many rows":    {true, MaxPartitionRows + 1, []int32{0}, fault.LimitExceeded},
		"no test row":      {true, 10, nil, fault.Invalid},
		"no training row":  {true, 2, []int32{0, 1}, fault.Invalid},
		"out of range":     {true, 10, []int32{10}, fault.Invalid},
		"negative":         {true, 10, []int32{-1}, fault.Invalid},
		"twice":            {true, 10, []int32{4, 4}, fault.Invalid},
		"descending":       {true, 10, []int32{4, 3}, fault.Invalid},
		"host names them":  {false, 10, []int32{4}, fault.Invalid},
		"host, no message": {false, 0, nil, fault.Invalid},
	} {
		if _, _, err := Partition(context.Background(), s, []protocols.Conn{conn}, c.label, c.rows, c.test); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for _, bad := range [][]byte{{0, 0}, {0xff, 0x01}, {1, 0x02}} {
		if _, _, err := decodeMembership(9, bad); !errors.Is(err, fault.Misbehaved) {
			t.Errorf("%x: %v", bad, err)
		}
	}
}
