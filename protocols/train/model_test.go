package train

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
)

// half is a hand-made half of a model of 2 + 1 columns.
func half(label bool, shares ...uint64) Model {
	return Model{Iterations: 7, Converged: true, m: &model{
		id: [32]byte{1, 2, 3}, label: label, labelCols: 2, hostCols: 1, shares: shares,
	}}
}

func TestModelEncoding(t *testing.T) {
	m := half(true, 1, 1<<63, 3, ^uint64(0))
	b, err := m.EncodeInsecure()
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeModel(b)
	if err != nil {
		t.Fatal(err)
	}
	l, h := got.Cols()
	if got.ID() != m.ID() || !got.Label() || l != 2 || h != 1 || got.Iterations != 7 || !got.Converged ||
		!slices.Equal(got.SharesInsecure(), m.SharesInsecure()) {
		t.Error("another model after encoding and decoding")
	}
	for name, c := range map[string]struct {
		change func([]byte) []byte
		want   fault.Code
	}{
		"empty":            {func([]byte) []byte { return nil }, fault.Corrupt},
		"another version":  {func(b []byte) []byte { b[0] = 2; return b }, fault.Unsupported},
		"another link":     {func(b []byte) []byte { b[1] = 9; return b }, fault.Unsupported},
		"another scale":    {func(b []byte) []byte { b[3]++; return b }, fault.Unsupported},
		"another role":     {func(b []byte) []byte { b[4] = 2; return b }, fault.Corrupt},
		"another bool":     {func(b []byte) []byte { b[5] = 2; return b }, fault.Corrupt},
		"no iteration":     {func(b []byte) []byte { clear(b[6:10]); return b }, fault.Corrupt},
		"no label columns": {func(b []byte) []byte { clear(b[42:46]); return b }, fault.Corrupt},
		"many columns":     {func(b []byte) []byte { b[46] = 0xff; return b }, fault.Corrupt},
		"one column more":  {func(b []byte) []byte { b[49]++; return b }, fault.Corrupt},
		"truncated":        {func(b []byte) []byte { return b[:len(b)-1] }, fault.Corrupt},
		"a byte more":      {func(b []byte) []byte { return append(b, 0) }, fault.Corrupt},
	} {
		if _, err := DecodeModel(c.change(bytes.Clone(b))); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := (Model{}).EncodeInsecure(); !errors.Is(err, fault.Invalid) {
		t.Errorf("the zero model: %v", err)
	}
}

func TestNothingPrints(t *testing.T) {
	m := half(true, 424242424242, 2, 3, 4)
	in := Input{Label: true, X: []float64{424242424242}, Rows: 1, Cols: 1, Y: []uint8{1}}
	x := Columns{}
	x.x.Data = []int64{424242424242}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("step", "model", m, "input", in, "columns", x, "pair", &Pair{})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		fmt.Fprintf(&log, verb+verb+verb+verb, m, in, x, &Pair{})
		fmt.Fprintf(&log, verb, struct {
			M Model
			I Input
			C Columns
		}{m, in, x})
	}
	if s := log.String(); strings.Contains(s, "424242") || strings.Contains(s, fmt.Sprintf("%x", 424242424242)) {
		t.Errorf("a secret is printed: %s", s)
	}
}

func FuzzDecodeModel(f *testing.F) {
	for _, m := range []Model{half(true, 1, 2, 3, 4), half(false, 0, 0, 0, 1<<63)} {
		b, err := m.EncodeInsecure()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := DecodeModel(b)
		if err != nil {
			if !errors.Is(err, fault.Corrupt) && !errors.Is(err, fault.Unsupported) {
				t.Errorf("%v", err)
			}
			return
		}
		again, err := m.EncodeInsecure()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("not canonical: %v", err)
		}
	})
}

func FuzzDecodeMembership(f *testing.F) {
	f.Add(uint16(9), []byte{0x81, 1})
	f.Add(uint16(8), []byte{0xff})
	f.Fuzz(func(t *testing.T, rows uint16, b []byte) {
		if rows < 2 || len(b) != membershipBytes(int(rows)) {
			return
		}
		train, test, err := decodeMembership(int(rows), b)
		if err != nil {
			return
		}
		again, err := encodeMembership(int(rows), test)
		if err != nil || !bytes.Equal(again, b) || len(train)+len(test) != int(rows) {
			t.Errorf("not canonical: %v", err)
		}
	})
}

func FuzzDecodeHello(f *testing.F) {
	l := GLMLiteral{Link: LinkLogit, Rows: 100, LabelCols: 1, HostCols: 1}
	p, err := NewGLMParams(l)
	if err != nil {
		f.Fatal(err)
	}
	session := sessionForFuzz()
	t := runTranscript(session, p.Digest())
	tag := helloTag(t, true)
	f.Add(tag[:])
	f.Add(make([]byte, helloBytes(p.he)))
	f.Add(append(tag[:], make([]byte, helloBytes(p.he)-tagBytes)...))
	f.Fuzz(func(tt *testing.T, b []byte) {
		_, err := decodeHello(p.he, t, true, b)
		if err != nil && !errors.Is(err, fault.Misbehaved) && !errors.Is(err, fault.PlanMismatch) {
			tt.Errorf("%v", err)
		}
	})
}
