package link

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"google.golang.org/grpc/mem"
	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
)

func wireBytes(t testing.TB, f *frame) []byte {
	t.Helper()
	s, err := codec{}.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return s.Materialize()
}

// parse reads a frame cut into buffers of at most size bytes, as the transport delivers them.
func parse(b []byte, size int) (frame, error) {
	var s mem.BufferSlice
	for rest := b; len(rest) > 0; rest = rest[min(size, len(rest)):] {
		s = append(s, mem.SliceBuffer(rest[:min(size, len(rest))]))
	}
	var f frame
	err := codec{}.Unmarshal(s, &f)
	if err == nil {
		err = f.err
	}
	return f, err
}

// The layout, written out by hand: another implementation needs nothing else.
func TestFrameLayout(t *testing.T) {
	got := wireBytes(t, &frame{kind: kindData, flags: flagLast, stream: 0x01020304, seq: 5, payload: []byte("abc")})
	want := []byte{3, 1, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 3}
	sum := crc32.Checksum(append(bytes.Clone(want), "abc"...), crc32.MakeTable(crc32.Castagnoli))
	want = append(binary.BigEndian.AppendUint32(want, sum), "abc"...)
	if !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}

func TestFrameRoundTrip(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		f := frame{
			kind:   kind(rapid.IntRange(int(kindHello), int(kindReset)).Draw(r, "kind")),
			flags:  rapid.SampledFrom([]uint8{0, flagLast, flagResend, flagLast | flagResend}).Draw(r, "flags"),
			stream: rapid.Uint32().Draw(r, "stream"), seq: rapid.Uint64().Draw(r, "seq"),
		}
		payload := rapid.SliceOfN(rapid.Byte(), 0, 5000).Draw(r, "payload")
		if rapid.Bool().Draw(r, "pooled") && len(payload) > 0 {
			f.body = mem.Copy(payload, mem.DefaultBufferPool())
		} else {
			f.payload = payload
		}
		s, err := codec{}.Marshal(&f)
		if err != nil {
			r.Fatal(err)
		}
		got, err := parse(s.Materialize(), rapid.IntRange(1, 100).Draw(r, "cut"))
		if err != nil || got.kind != f.kind || got.flags != f.flags || got.stream != f.stream || got.seq != f.seq ||
			!bytes.Equal(got.payload, payload) {
			r.Fatalf("%+v became %+v, %v", f, got, err)
		}
	})
}

func TestFrameRefuses(t *testing.T) {
	good := wireBytes(t, &frame{kind: kindData, stream: 1, payload: make([]byte, 100)})
	change := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(good)) }
	for _, c := range []struct {
		name string
		b    []byte
		want fault.Code
	}{
		{"empty", nil, fault.Misbehaved},
		{"half a header", good[:23], fault.Misbehaved},
		{"truncated", good[:len(good)-1], fault.Misbehaved},
		{"longer", append(bytes.Clone(good), 0), fault.Misbehaved},
		{"kind 0", change(func(b []byte) []byte { b[0] = 0; return b }), fault.Misbehaved},
		{"kind 10", change(func(b []byte) []byte { b[0] = 10; return b }), fault.Misbehaved},
		{"unknown flag", change(func(b []byte) []byte { b[1] = 0x80; return b }), fault.Misbehaved},
		{"reserved", change(func(b []byte) []byte { b[3] = 1; return b }), fault.Misbehaved},
		{"length 2^32-1", change(func(b []byte) []byte { copy(b[16:], "\xff\xff\xff\xff"); return b }), fault.LimitExceeded},
		{"flipped seq", change(func(b []byte) []byte { b[15] ^= 1; return b }), fault.Corrupt},
		{"flipped payload", change(func(b []byte) []byte { b[50] ^= 1; return b }), fault.Corrupt},
	} {
		if _, err := parse(c.b, 16); err == nil || fault.CodeOf(err) != c.want {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	over := wireBytes(t, &frame{kind: kindData, payload: make([]byte, maxPayloadBytes+1)})
	if _, err := parse(over, 1<<20); fault.CodeOf(err) != fault.LimitExceeded {
		t.Errorf("payload over the bound: %v", err)
	}
	if _, err := (codec{}).Marshal("text"); fault.CodeOf(err) != fault.Internal {
		t.Errorf("foreign value: %v", err)
	}
}

func TestCompatible(t *testing.T) {
	mk := func(w, c Range) hello { return hello{party: "a", wire: w, compiler: c} }
	one := Range{1, 1}
	for _, c := range []struct {
		a, b hello
		ok   bool
	}{
		{mk(one, one), mk(one, one), true},
		{mk(Range{1, 3}, one), mk(Range{3, 5}, one), true},
		{mk(Range{1, 2}, one), mk(Range{3, 5}, one), false},
		{mk(one, Range{2, 2}), mk(one, Range{1, 1}), false},
	} {
		for _, err := range []error{compatible(c.a, c.b), compatible(c.b, c.a)} {
			if (err == nil) != c.ok || (err != nil && fault.CodeOf(err) != fault.Unsupported) {
				t.Errorf("%v with %v: %v", c.a, c.b, err)
			}
		}
	}
}

func TestHelloOfALaterVersionIsRead(t *testing.T) {
	h := hello{party: "alpha", wire: Range{1, 9}, compiler: Range{2, 3}, epoch: 7, delivered: 8}
	got, err := parseHello(append(h.frame().payload, "fields to come"...))
	if err != nil || got != h {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestLoansAreBoundedAndReturned(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var l loans
		var held []int64
		for range rapid.IntRange(1, 300).Draw(r, "steps") {
			switch {
			case len(held) < maxStreams && (len(held) == 0 || rapid.Bool().Draw(r, "open")):
				held = append(held, l.take(0, streamBytes))
			case rapid.Bool().Draw(r, "grow"):
				i := rapid.IntRange(0, len(held)-1).Draw(r, "which")
				was := held[i]
				if held[i] = l.take(was, streamBytes); held[i] < was {
					r.Fatal("a window shrank")
				}
			default:
				i := rapid.IntRange(0, len(held)-1).Draw(r, "which")
				l.giveBack(held[i])
				held = append(held[:i], held[i+1:]...)
			}
			var sum int64
			for _, w := range held {
				if w < ownedBytes || w > streamBytes {
					r.Fatalf("a window of %d bytes", w)
				}
				sum += w
			}
			if sum > linkBytes {
				r.Fatalf("windows of %d bytes together", sum)
			}
		}
		for _, w := range held {
			l.giveBack(w)
		}
		if l.out != 0 {
			r.Fatalf("%d bytes never came back", l.out)
		}
	})
}

func FuzzFrame(f *testing.F) {
	f.Add(wireBytes(f, &frame{kind: kindData, flags: flagLast, stream: 1, payload: []byte("x")}))
	f.Add(wireBytes(f, hello{party: "alpha"}.frame()))
	junk := make([]byte, 64)
	rand.NewChaCha8([32]byte{}).Read(junk)
	f.Add(junk)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := parse(b, 7); err == nil && !bytes.Equal(wireBytes(t, &got), b) {
			t.Error("one frame, two encodings")
		}
	})
}

func FuzzPayloads(f *testing.F) {
	f.Add(hello{party: "alpha", wire: Range{1, 1}, compiler: Range{1, 1}}.frame().payload)
	f.Add(open{id: SessionID{Job: "j", Step: "s"}, credit: 100}.frame(1).payload)
	f.Add(reset{code: fault.Denied, reason: "no"}.frame(1).payload)
	f.Add(creditFrame(1, 5).payload)
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = parseHello(b)
		if o, err := parseOpen(b); err == nil && !bytes.Equal(o.frame(1).payload, b) {
			t.Error("one OPEN, two encodings")
		}
		if r, err := parseReset(b); err == nil && !bytes.Equal(r.frame(1).payload, b) {
			t.Error("one RESET, two encodings")
		}
		if n, err := parseCredit(b); err == nil && !bytes.Equal(creditFrame(1, n).payload, b) {
			t.Error("one CREDIT, two encodings")
		}
	})
}
