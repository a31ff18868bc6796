package transcript_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/transcript"
)

// No two different sequences of inputs hash alike: neither where bytes move between inputs, nor between an input and
// its label, nor where an input is empty or missing.
func TestSequencesAreSeparated(t *testing.T) {
	type input struct{ label, b string }
	sums := make(map[[32]byte]string)
	for name, seq := range map[string][]input{
		"none":         nil,
		"empty":        {{"", ""}},
		"two empty":    {{"", ""}, {"", ""}},
		"ab c":         {{"x", "ab"}, {"x", "c"}},
		"a bc":         {{"x", "a"}, {"x", "bc"}},
		"abc":          {{"x", "abc"}},
		"label xa":     {{"xa", "bc"}},
		"swapped":      {{"x", "c"}, {"x", "ab"}},
		"other label":  {{"y", "ab"}, {"x", "c"}},
		"zero byte":    {{"x", "\x00"}},
		"expand label": {{"expand:sum", "\x00\x00\x00\x00\x00\x00\x00\x20"}},
	} {
		tr := transcript.New("t")
		for _, in := range seq {
			tr.Append(in.label, []byte(in.b))
		}
		sum := tr.Sum()
		if other, ok := sums[sum]; ok {
			t.Errorf("%q and %q hash alike", name, other)
		}
		sums[sum] = name
	}
}

func TestTagAndSessionSeparate(t *testing.T) {
	var one, two protocols.Session
	two.Binding[31] = 1
	sums := map[[32]byte]bool{
		transcript.New("a").Sum():             true,
		transcript.New("b").Sum():             true,
		transcript.ForSession("a", one).Sum(): true,
		transcript.ForSession("a", two).Sum(): true,
		transcript.ForSession("b", one).Sum(): true,
	}
	if len(sums) != 5 {
		t.Errorf("5 starts give %d sums", len(sums))
	}
}

func TestForkIsIndependent(t *testing.T) {
	tr := transcript.New("t")
	tr.Append("x", []byte("shared"))
	f := tr.Fork()
	if tr.Sum() != f.Sum() {
		t.Error("a fork starts elsewhere")
	}
	before := tr.Sum()
	f.Append("x", []byte("only here"))
	if tr.Sum() != before {
		t.Error("the fork changed its origin")
	}
	forked := f.Sum()
	tr.Append("x", []byte("only there"))
	if f.Sum() != forked || tr.Sum() == forked {
		t.Error("the two are not independent")
	}
	tr2 := transcript.New("t")
	tr2.Append("x", []byte("shared"))
	tr2.Append("x", []byte("only here"))
	if tr2.Sum() != forked {
		t.Error("a fork differs from a transcript of the same inputs")
	}
}

// Expand changes nothing, and depends on label and length.
func TestExpand(t *testing.T) {
	tr := transcript.New("t")
	before := tr.Sum()
	long, short, other := make([]byte, 64), make([]byte, 32), make([]byte, 64)
	tr.Expand("key", long)
	tr.Expand("key", short)
	tr.Expand("iv", other)
	tr.Expand("nothing", nil)
	if tr.Sum() != before {
		t.Error("Expand changed the transcript")
	}
	if bytes.Equal(long[:32], short) || bytes.Equal(long, other) {
		t.Error("expansions of other labels or lengths must differ")
	}
	again := bytes.Repeat([]byte{0xaa}, 64)
	tr.Expand("key", again)
	if !bytes.Equal(again, long) {
		t.Error("Expand depends on what was in the buffer")
	}
}

func TestAppendIntIsItsBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Int().Draw(t, "v")
		a, b := transcript.New("t"), transcript.New("t")
		a.AppendInt("n", v)
		raw, err := hex.DecodeString(fmt.Sprintf("%016x", uint64(v)))
		if err != nil {
			t.Fatal(err)
		}
		b.Append("n", raw)
		if a.Sum() != b.Sum() {
			t.Fatal("AppendInt is not eight bytes, big-endian")
		}
	})
}

// The encoding is part of every protocol's wire format: these values never change. They were checked against a second
// implementation of cSHAKE256, written from FIPS 202 and SP 800-185.
func TestGolden(t *testing.T) {
	s := protocols.Session{Binding: [32]byte{1, 2, 3}}
	tr := transcript.ForSession("tacit/golden/v1", s)
	tr.Append("message", []byte("hello"))
	tr.AppendInt("rows", -2)
	out := make([]byte, 48)
	tr.Expand("challenge", out)
	sum := tr.Sum()
	const wantSum = "6ddae67b20afea664dc43a8f7ad647dbd38dbf352531e6bdfef44b726b8d9049"
	const wantOut = "4916d87770436ca34082e7a43f54fc6766ac5054745d84f6c79cfa88d7ebfa8be6d61e19b1a06400449850d9f4bb79a0"
	if got := hex.EncodeToString(sum[:]); got != wantSum {
		t.Errorf("Sum is %s, want %s", got, wantSum)
	}
	if got := hex.EncodeToString(out); got != wantOut {
		t.Errorf("Expand is %s, want %s", got, wantOut)
	}
}

func ExampleTranscript_Expand() {
	s := protocols.Session{} // both parties hold the same binding
	here, there := transcript.ForSession("tacit/example/v1", s), transcript.ForSession("tacit/example/v1", s)
	for _, t := range []*transcript.Transcript{here, there} {
		t.Append("commitment", []byte("what was sent"))
	}
	a, b := make([]byte, 16), make([]byte, 16)
	here.Expand("challenge", a)
	there.Expand("challenge", b)
	fmt.Println("same challenge:", bytes.Equal(a, b))
	// Output: same challenge: true
}
