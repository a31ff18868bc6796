package he

import (
	"bytes"
	"slices"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
)

// samples returns one valid encoding per kind, with the pattern of the sealed one.
func samples(t testing.TB, b bench) (map[Kind][]byte, Kept) {
	t.Helper()
	k := b.kits[0]
	ct := newCiphertext(b.p)
	if err := k.Encrypt(ct, b.key, []uint64{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	out := map[Kind][]byte{KindSeeded: ct.Append(nil), KindPublic: b.pk.Append(nil)}
	acc := newCiphertext(b.p)
	if err := k.Add(acc, ct); err != nil {
		t.Fatal(err)
	}
	out[KindFull] = acc.Append(nil)
	kept := Kept{Stride: 1024, Offset: 5, Count: 3} // 294 bits: 2 padding bits
	n, err := NoiseBound(b.p, Load{Polys: 1, XMax: 1, Kept: 3, Sealed: 1})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := k.Seal(acc, b.pk, []uint64{9, 9, 9}, kept, n)
	if err != nil {
		t.Fatal(err)
	}
	out[KindSealed] = sealed.Append(nil)
	return out, kept
}

// reencode decodes src and encodes the result.
func reencode(p Params, kind Kind, kept Kept, src []byte) ([]byte, error) {
	switch kind {
	case KindSealed:
		c, err := DecodeSealed(p, kept, src)
		if err != nil {
			return nil, err
		}
		return c.Append(nil), nil
	case KindPublic:
		pk, err := DecodePublicKey(p, [32]byte{1}, src)
		if err != nil {
			return nil, err
		}
		return pk.Append(nil), nil
	}
	c, err := Decode(p, kind, src)
	if err != nil {
		return nil, err
	}
	return c.Append(nil), nil
}

func TestCodecRoundTripAndSizes(t *testing.T) {
	b := newBench(t, H2, 1)
	all, kept := samples(t, b)
	for kind, want := range map[Kind]int{KindSeeded: 200_760, KindFull: 401_432, KindSealed: 100_376 + 37, KindPublic: 200_728} {
		src := all[kind]
		if len(src) != want || b.p.WireBytes(kind, kept.Count) != want {
			t.Errorf("kind %d: %d bytes, WireBytes %d, want %d", kind, len(src), b.p.WireBytes(kind, kept.Count), want)
		}
		got, err := reencode(b.p, kind, kept, src)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, src) {
			t.Errorf("kind %d does not survive a round trip", kind)
		}
	}
	h1, _ := Lookup(H1)
	if got := h1.WireBytes(KindSeeded, 0); got != 50_232 {
		t.Errorf("H1 seeded: %d bytes", got)
	}
	if b.p.WireBytes(9, 1) != 0 {
		t.Error("an unknown kind has a size")
	}
}

func TestCodecAppendsToAnything(t *testing.T) {
	b := newBench(t, H1, 1)
	ct := newCiphertext(b.p)
	if err := b.kits[0].Encrypt(ct, b.key, nil); err != nil {
		t.Fatal(err)
	}
	want := ct.Append(nil)
	if got := ct.Append([]byte("prefix")); !bytes.Equal(got[6:], want) || string(got[:6]) != "prefix" {
		t.Error("Append changes or forgets its prefix")
	}
	if got := ct.Append(make([]byte, 0, len(want))); !bytes.Equal(got, want) {
		t.Error("Append depends on capacity")
	}
}

// TestCodecRefusesMalformed: every malformed class answers Misbehaved and never anything else.
func TestCodecRefusesMalformed(t *testing.T) {
	b := newBench(t, H2, 1)
	all, kept := samples(t, b)
	for kind, src := range all {
		body := HeaderBytes
		if kind == KindSeeded {
			body += SeedBytes
		}
		cases := map[string][]byte{
			"empty": {}, "nil": nil, "header only": src[:HeaderBytes], "truncated": src[:len(src)-1],
			"tail": append(slices.Clone(src), 0), "half": src[:len(src)/2], "twice": append(slices.Clone(src), src...),
		}
		for i := range HeaderBytes {
			for _, flip := range []byte{1, 0x80, 0xff} {
				c := slices.Clone(src)
				c[i] ^= flip
				cases[headerField(i)+string(rune('a'+i))+string(rune(flip))] = c
			}
		}
		first := slices.Clone(src)
		for i := range 6 {
			first[body+i] = 0xff
		}
		first[body+6] |= 1
		cases["first coefficient 2^49-1"] = first
		equal := slices.Clone(src)
		q := b.p.t.lit.q[0]
		for i := range 6 {
			equal[body+i] = byte(q >> (8 * i))
		}
		equal[body+6] |= byte(q >> 48)
		cases["first coefficient q"] = equal
		for name, c := range cases {
			_, err := reencode(b.p, kind, kept, c)
			if err == nil || fault.CodeOf(err) != fault.Misbehaved {
				t.Errorf("kind %d, %s: got %v", kind, name, err)
			}
		}
	}
	for bit := 6; bit < 8; bit++ {
		c := slices.Clone(all[KindSealed])
		c[len(c)-1] |= 1 << bit
		_, err := DecodeSealed(b.p, kept, c)
		wantCode(t, err, fault.Misbehaved)
	}
	other := kept
	other.Offset++
	_, err := DecodeSealed(b.p, other, all[KindSealed])
	wantCode(t, err, fault.Misbehaved)
	_, err = DecodeSealed(b.p, Kept{Stride: 1024, Offset: 5, Count: 9}, all[KindSealed])
	wantCode(t, err, fault.Invalid)
	_, err = Decode(b.p, KindSealed, all[KindSealed])
	wantCode(t, err, fault.Invalid)
	_, err = Decode(Params{}, KindFull, nil)
	wantCode(t, err, fault.Invalid)
	_, err = DecodePublicKey(Params{}, [32]byte{}, nil)
	wantCode(t, err, fault.Invalid)
	h1, _ := Lookup(H1)
	_, err = DecodeSealed(h1, Kept{1, 0, 1}, nil)
	wantCode(t, err, fault.Unsupported)
	_, err = Decode(h1, KindSeeded, all[KindSeeded])
	wantCode(t, err, fault.Misbehaved)
}

// FuzzDecode: every kind of bytes gives a value that encodes to the same bytes, or Misbehaved; never a panic.
func FuzzDecode(f *testing.F) {
	b := newBench(f, H2, 1)
	all, kept := samples(f, b)
	for kind := KindSeeded; kind <= KindPublic; kind++ {
		src := all[kind]
		f.Add(uint8(kind), uint32(0), uint8(0), uint32(len(src)))
		f.Add(uint8(kind), uint32(3), uint8(0xff), uint32(len(src)))
		f.Add(uint8(kind), uint32(len(src)-1), uint8(0x80), uint32(len(src)))
		f.Add(uint8(kind), uint32(60), uint8(1), uint32(20))
		f.Add(uint8(kind), uint32(0), uint8(0), uint32(0))
	}
	// The input edits a valid encoding: a random string would never pass the length check.
	f.Fuzz(func(t *testing.T, kind uint8, at uint32, flip uint8, length uint32) {
		k := Kind(kind%4) + KindSeeded
		src := slices.Clone(all[k])
		src[int(at)%len(src)] ^= flip
		if n := int(length % uint32(len(src)+64)); n <= len(src) {
			src = src[:n]
		} else {
			src = append(src, make([]byte, n-len(src))...)
		}
		got, err := reencode(b.p, k, kept, src)
		if err != nil {
			if fault.CodeOf(err) != fault.Misbehaved {
				t.Fatalf("got %v", err)
			}
			return
		}
		if !bytes.Equal(got, src) {
			t.Fatal("two encodings of one value")
		}
	})
}

// FuzzDecodeRaw gives the decoders unstructured bytes.
func FuzzDecodeRaw(f *testing.F) {
	p, err := Lookup(H1)
	if err != nil {
		f.Fatal(err)
	}
	h := p.header(KindSeeded, Kept{})
	f.Add([]byte{})
	f.Add(h[:])
	f.Add(append(h[:], make([]byte, p.WireBytes(KindSeeded, 0)-HeaderBytes)...))
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, kind := range []Kind{KindSeeded, KindFull, KindPublic} {
			if _, err := reencode(p, kind, Kept{}, src); err != nil && fault.CodeOf(err) != fault.Misbehaved {
				t.Fatalf("got %v", err)
			}
		}
	})
}
