package okvs

import (
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
)

// FuzzDecodeEncode takes 16-byte keys from the input: either two are equal and Encode says so, or all values come back.
func FuzzDecodeEncode(f *testing.F) {
	f.Add([]byte{}, uint64(0))
	f.Add(make([]byte, 16), uint64(1))
	f.Add(make([]byte, 40), uint64(2))
	long := make([]byte, 16*70)
	for i := range long {
		long[i] = byte(i * i >> 3)
	}
	f.Add(long, uint64(3))
	f.Fuzz(func(t *testing.T, data []byte, number uint64) {
		n := min(len(data)/16, 5000)
		key, seen, repeated := make([]aes.Block, n), make(map[aes.Block]bool, n), false
		for i := range key {
			copy(key[i][:], data[16*i:])
			repeated = repeated || seen[key[i]]
			seen[key[i]] = true
		}
		p := mustParams(t, n, testSSP)
		seed, val := blocks(1, number)[0], blocks(n, number+1)
		dst, got := make([]aes.Block, p.Slots()), make([]aes.Block, n)
		err := Encode(dst, key, val, seed, p, randomness(number))
		if repeated {
			if err == nil || fault.CodeOf(err) != fault.Invalid {
				t.Fatalf("equal keys: %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		Decode(got, key, dst, seed, p)
		for i := range got {
			if got[i] != val[i] {
				t.Fatalf("value %d of %d differs", i, n)
			}
		}
	})
}
