package psibench

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int{"1": 1, "50000": 50000, "2^0": 1, "2^16": 65536, "2^20": 1 << 20, "10^5": 1e5, "10^7": 1e7, "100k": 1e5, "10M": 1e7, "1K": 1000, "1G": 1e9} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%s is %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "2^", "2^64", "2^-1", "1e6", "9999999999999", "10^", "10^10", "10^-1", "k", "3G", "0M", "1.5M", "10^3k10", "1kk"} {
		if _, err := ParseSize(text); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func good() Spec {
	return Spec{Protocol: "psi/ecdh", N: 100, Net: "none", TLS: TLS, Threads: 1, Seed: 1}
}

func TestSpecCheck(t *testing.T) {
	s, err := good().check()
	if err != nil || s.M != 100 || s.Suite == "" || s.Output != outputBoth {
		t.Errorf("defaults %+v, %v", s, err)
	}
	core := good()
	core.Core = true
	if s, err := core.check(); err != nil || s.Net != inMemory || s.TLS != NoTLS {
		t.Errorf("core %+v, %v", s, err)
	}
	for name, c := range map[string]struct {
		change func(*Spec)
		want   fault.Code
	}{
		"protocol": {func(s *Spec) { s.Protocol = "psi/none" }, fault.Invalid},
		"few keys": {func(s *Spec) { s.N = 1 }, fault.Invalid}, "many keys": {func(s *Spec) { s.M = MaxItems + 1 }, fault.LimitExceeded},
		"threads": {func(s *Spec) { s.Threads = 0 }, fault.Invalid}, "network": {func(s *Spec) { s.Net = "moon" }, fault.Invalid},
		"tls": {func(s *Spec) { s.TLS = "1.2" }, fault.Invalid}, "suite": {func(s *Spec) { s.Suite = "rot13" }, fault.Invalid},
		"a suite that is not built": {func(s *Spec) { s.Suite = "ic-x25519-direct" }, fault.Unsupported},
		"oprf to both":              {func(s *Spec) { s.Protocol, s.Output = "psi/oprf", outputBoth }, fault.Unsupported},
	} {
		s := good()
		c.change(&s)
		if _, err := s.check(); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestSides: each file has its number of distinct keys, and what both have is what the Spec says.
func TestSides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Spec{N: rapid.IntRange(2, 300).Draw(t, "n"), M: rapid.IntRange(2, 300).Draw(t, "m"), Seed: rapid.Uint64().Draw(t, "seed")}
		r, d := s.sides()
		numbers := func(d side) []int {
			var out []int
			for row := range d.n {
				k := d.number(row)
				if !d.holds(k) {
					t.Fatalf("row %d has key %d, outside the side", row, k)
				}
				out = append(out, k)
			}
			slices.Sort(out)
			if len(slices.Compact(slices.Clone(out))) != d.n {
				t.Fatal("a key twice")
			}
			return out
		}
		mine, theirs := numbers(r), numbers(d)
		common := 0
		for _, k := range mine {
			if _, ok := slices.BinarySearch(theirs, k); ok {
				common++
			}
		}
		if common != s.intersection() || common != min(s.N, s.M)/2 {
			t.Errorf("%d keys in common, want %d", common, s.intersection())
		}
	})
}

// matched returns the right rows of both parties, aligned.
func matched(s Spec) (recv, send []int32) {
	r, d := s.sides()
	at := map[int]int32{}
	for row := range d.n {
		at[d.number(row)] = int32(row)
	}
	for row := range r.n {
		if other, ok := at[r.number(row)]; ok {
			recv, send = append(recv, int32(row)), append(send, other)
		}
	}
	return recv, send
}

func TestVerify(t *testing.T) {
	s := Spec{N: 40, M: 30, Output: outputBoth, Seed: 7}
	recv, send := matched(s)
	if err := s.verify(recv, send); err != nil {
		t.Fatal(err)
	}
	alone := s
	alone.Output = outputReceiver
	if err := alone.verify(recv, nil); err != nil {
		t.Error(err)
	}
	r, d := s.sides()
	var stranger int32
	for d.holds(r.number(int(stranger))) {
		stranger++
	}
	swapped := slices.Clone(recv)
	swapped[0], swapped[1] = swapped[1], swapped[0]
	with := func(at int, v int32) []int32 {
		out := slices.Clone(recv)
		out[at] = v
		return out
	}
	for name, c := range map[string]struct {
		s          Spec
		recv, send []int32
	}{
		"one missing": {s, recv[1:], send}, "one missing at the sender": {s, recv, send[1:]}, "a row twice": {s, with(0, recv[1]), send},
		"a stranger": {s, with(0, stranger), send}, "no row": {s, with(0, 40), send}, "negative": {s, with(0, -1), send},
		"another order": {s, swapped, send}, "the sender learns": {alone, recv, send},
	} {
		if err := c.s.verify(c.recv, c.send); fault.CodeOf(err) != fault.Internal || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
