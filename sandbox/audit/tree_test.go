package audit

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
)

const origin = "utility.example/tacit/1"

// testKey is a fixed key; its verifier key is vkey.
func testKey(t testing.TB, seed byte) (ed25519.PrivateKey, string) {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	vkey, err := VerifierKey(origin, key.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return key, vkey
}

// checkpointOf returns the head of m, plain and signed.
func checkpointOf(t testing.TB, m *memLog) (Checkpoint, []byte) {
	t.Helper()
	root, err := Root(m, int64(len(m.leaves)))
	if err != nil {
		t.Fatal(err)
	}
	c := Checkpoint{Origin: origin, Size: int64(len(m.leaves)), Root: root}
	key, _ := testKey(t, 1)
	signed, err := SignCheckpoint(c, key)
	if err != nil {
		t.Fatal(err)
	}
	return c, signed
}

// Roots, inclusion and consistency proofs agree with RFC 6962 computed from its text.
func TestTreeAgainstPlain(t *testing.T) {
	m := logOf(t, 257)
	roots := make(map[int64]Hash)
	for _, size := range []int64{0, 1, 2, 3, 4, 5, 7, 8, 9, 255, 256, 257} {
		root, err := Root(m, size)
		if err != nil || root != plainRoot(m.leaves[:size]) {
			t.Fatalf("Root(%d) = %x, %v", size, root, err)
		}
		roots[size] = root
		for _, i := range []int64{0, 1, 2, size / 2, size - 1} {
			if i < 0 || i >= size {
				continue
			}
			p, err := ProveInclusion(m, size, i)
			if err != nil {
				t.Fatal(err)
			}
			if err := VerifyInclusion(m.leaves[i], i, size, root, p); err != nil {
				t.Fatal(err)
			}
			wantCode(t, VerifyInclusion(m.leaves[i], i, size, Hash{}, p), fault.Misbehaved)
			wantCode(t, VerifyInclusion([]byte("other"), i, size, root, p), fault.Misbehaved)
			wantCode(t, VerifyInclusion(m.leaves[i], i, size, root, append(p, Hash{})), fault.Misbehaved)
		}
		for old, oldRoot := range roots {
			p, err := ProveConsistency(m, size, old)
			if err != nil {
				t.Fatal(err)
			}
			a, b := Checkpoint{origin, old, oldRoot}, Checkpoint{origin, size, root}
			if err := VerifyConsistency(a, b, p); err != nil {
				t.Fatalf("%d inside %d: %v", old, size, err)
			}
			a.Root[3] ^= 1
			wantCode(t, VerifyConsistency(a, b, p), fault.Misbehaved)
		}
	}
}

func TestTreeBounds(t *testing.T) {
	m := logOf(t, 3)
	for name, f := range map[string]func() error{
		"root beyond":        func() error { _, err := Root(m, 4); return err },
		"root negative":      func() error { _, err := Root(m, -1); return err },
		"inclusion beyond":   func() error { _, err := ProveInclusion(m, 3, 3); return err },
		"inclusion negative": func() error { _, err := ProveInclusion(m, 3, -1); return err },
		"inclusion in none":  func() error { _, err := ProveInclusion(m, 0, 0); return err },
		"consistency beyond": func() error { _, err := ProveConsistency(m, 3, 4); return err },
		"consistency below":  func() error { _, err := ProveConsistency(m, 3, -1); return err },
		"verify huge":        func() error { return VerifyInclusion(nil, 1<<62, 1<<63-1, Hash{}, nil) },
		"verify negative":    func() error { return VerifyInclusion(nil, -1, 3, Hash{}, nil) },
		"extend huge":        func() error { return VerifyConsistency(Checkpoint{Size: 1}, Checkpoint{Size: 1<<63 - 1}, nil) },
		"export beyond":      func() error { return Export(m, 0, 4, nil) },
		"export backwards":   func() error { return Export(m, 3, 2, nil) },
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, f(), fault.Invalid) })
	}
	long := make([]Hash, MaxProofHashes+1)
	wantCode(t, VerifyInclusion(nil, 0, 2, Hash{}, long), fault.LimitExceeded)
	wantCode(t, VerifyConsistency(Checkpoint{Size: 1}, Checkpoint{Size: 2}, long), fault.LimitExceeded)
	wantCode(t, VerifyConsistency(Checkpoint{Size: 2}, Checkpoint{Size: 1}, nil), fault.Misbehaved)
	wantCode(t, VerifyConsistency(Checkpoint{Size: 0}, Checkpoint{Size: 1}, nil), fault.Misbehaved)
	wantCode(t, VerifyConsistency(Checkpoint{Origin: "a"}, Checkpoint{Origin: "b"}, nil), fault.Misbehaved)
}

// A failure of the store reaches the caller under its own code; nothing is appended by half in the index returned.
func TestStoreFailures(t *testing.T) {
	for _, method := range []string{"TreeSize", "Hashes", "PutHashes", "PutLeaf"} {
		m := logOf(t, 3)
		m.fail = method
		_, err := Append(m, mustEncode(t, leafN(3)))
		wantCode(t, err, fault.Unavailable)
	}
	for _, method := range []string{"TreeSize", "Hashes", "Leaf"} {
		m := logOf(t, 3)
		c, signed := checkpointOf(t, m)
		m.fail = method
		wantCode(t, VerifyTree(m, c, nil), fault.Unavailable)
		wantCode(t, Export(m, 0, 3, func(string, []byte) error { return nil }), fault.Unavailable)
		_, err := NewReceipt(m, 1, signed)
		wantCode(t, err, fault.Unavailable)
	}
	m := &memLog{}
	_, err := Append(m, []byte(`{"not":"a leaf"}`))
	wantCode(t, err, fault.Invalid)
	if len(m.leaves)+len(m.hashes) != 0 {
		t.Fatal("a refused leaf was stored")
	}
}

func TestCheckpoint(t *testing.T) {
	m := logOf(t, 5)
	want, signed := checkpointOf(t, m)
	key, vkey := testKey(t, 1)
	got, err := OpenCheckpoint(vkey, signed)
	if err != nil || got != want {
		t.Fatalf("OpenCheckpoint = %+v, %v", got, err)
	}
	if n := strings.Count(string(signed), "\n"); n != 5 {
		t.Fatalf("%d lines, want 3 of text, 1 empty, 1 signature:\n%s", n, signed)
	}

	// A witness's line rides along.
	skey, _, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{9}, 64)), "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	w, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		t.Fatal(err)
	}
	both, err := note.Sign(n, w)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := OpenCheckpoint(vkey, both); err != nil || got != want {
		t.Fatalf("with a cosignature: %+v, %v", got, err)
	}

	_, other := testKey(t, 2)
	flipped := bytes.Clone(signed)
	flipped[len(origin)+1] ^= 1
	text := func(s string) []byte {
		b, err := note.Sign(&note.Note{Text: s}, noteSigner{key, v})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	root := base64.StdEncoding.EncodeToString(want.Root[:])
	for name, c := range map[string]struct {
		vkey   string
		signed []byte
		want   fault.Code
	}{
		"other key":    {other, signed, fault.Unauthenticated},
		"bad vkey":     {"nonsense", signed, fault.Invalid},
		"flipped":      {vkey, flipped, fault.Misbehaved},
		"empty":        {vkey, nil, fault.Invalid},
		"unsigned":     {vkey, []byte(want.Text()), fault.Invalid},
		"long":         {vkey, make([]byte, MaxCheckpointBytes+1), fault.LimitExceeded},
		"extension":    {vkey, text(want.Text() + "more\n"), fault.Invalid},
		"two lines":    {vkey, text(origin + "\n5\n"), fault.Invalid},
		"leading zero": {vkey, text(origin + "\n05\n" + root + "\n"), fault.Invalid},
		"plus":         {vkey, text(origin + "\n+5\n" + root + "\n"), fault.Invalid},
		"huge":         {vkey, text(origin + "\n4503599627370497\n" + root + "\n"), fault.Invalid},
		"short root":   {vkey, text(origin + "\n5\nAAAA\n"), fault.Invalid},
		"origin":       {vkey, text("utility.example\n5\n" + root + "\n"), fault.Invalid},
		"other origin": {vkey, text("bank.example/tacit/1\n5\n" + root + "\n"), fault.Misbehaved},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := OpenCheckpoint(c.vkey, c.signed)
			wantCode(t, err, c.want)
		})
	}
	for _, o := range []string{"", "/tacit/1", "x/tacit/", "x/tacit/01", "x/tacit/-1", "https://x/tacit/1", "x y/tacit/1", "x+y/tacit/1", strings.Repeat("x", 300) + "/tacit/1"} {
		_, err := SignCheckpoint(Checkpoint{Origin: o}, key)
		wantCode(t, err, fault.Invalid)
	}
	_, err = SignCheckpoint(Checkpoint{Origin: origin, Size: -1}, key)
	wantCode(t, err, fault.Invalid)
	if got := Origin("utility.example", 1); got != origin {
		t.Fatalf("Origin = %s", got)
	}
}

func TestReceipt(t *testing.T) {
	_, vkey := testKey(t, 1)
	for _, size := range []int{1, 2, 255, 256, 257} {
		m := logOf(t, size)
		want, signed := checkpointOf(t, m)
		for _, i := range []int{0, size / 2, size - 1} {
			r, err := NewReceipt(m, int64(i), signed)
			if err != nil {
				t.Fatal(err)
			}
			file := r.Marshal()
			back, err := ParseReceipt(file)
			if err != nil || !bytes.Equal(back.Marshal(), file) {
				t.Fatalf("ParseReceipt: %v", err)
			}
			l, c, err := back.Verify(vkey)
			if err != nil || l.ID != leafN(i).ID || c != want {
				t.Fatalf("Verify = %s, %+v, %v", l.ID, c, err)
			}
		}
	}
}

func TestReceiptRefuses(t *testing.T) {
	m := logOf(t, 9)
	_, signed := checkpointOf(t, m)
	_, vkey := testKey(t, 1)
	r, err := NewReceipt(m, 4, signed)
	if err != nil {
		t.Fatal(err)
	}
	file := string(r.Marshal())
	cut := func(old, new string) string {
		if !strings.Contains(file, old) {
			t.Fatalf("%q is not in the file", old)
		}
		return strings.Replace(file, old, new, 1)
	}
	hashLine := base64.StdEncoding.EncodeToString(r.Proof[0][:]) + "\n"
	for name, c := range map[string]struct {
		text string
		want fault.Code
	}{
		"empty":       {"", fault.Invalid},
		"header only": {proofHeader, fault.Invalid},
		"header":      {"x" + file, fault.Invalid},
		"newer":       {cut("@v1", "@v2"), fault.Unsupported},
		"no extra":    {cut("extra ", ""), fault.Invalid},
		"bad extra":   {cut("extra ", "extra !"), fault.Invalid},
		"not a leaf":  {cut("extra "+base64.StdEncoding.EncodeToString(r.Leaf), "extra e30="), fault.Invalid},
		"index":       {cut("index 4", "index 04"), fault.Invalid},
		"no index":    {cut("index 4\n", ""), fault.Invalid},
		"hash":        {cut(hashLine, "AAAA\n"), fault.Invalid},
		"63 lines":    {cut(hashLine, strings.Repeat(hashLine, MaxProofHashes)), fault.LimitExceeded},
		"checkpoint":  {cut("\n9\n", "\nx\n"), fault.Invalid},
		"long":        {file + strings.Repeat("x", MaxReceiptBytes), fault.LimitExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseReceipt([]byte(c.text))
			wantCode(t, err, c.want)
		})
	}
	for name, text := range map[string]string{
		"other index":   cut("index 4", "index 5"),
		"missing hash":  cut(hashLine, ""),
		"repeated hash": cut(hashLine, hashLine+hashLine),
		"other size":    cut("\n9\n", "\n8\n"),
	} {
		t.Run(name, func(t *testing.T) {
			p, err := ParseReceipt([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = p.Verify(vkey)
			wantCode(t, err, fault.Misbehaved)
		})
	}
	_, err = NewReceipt(m, 9, signed)
	wantCode(t, err, fault.Invalid)
	_, err = NewReceipt(m, 0, []byte("x"))
	wantCode(t, err, fault.Invalid)
	m.leaves[4] = mustEncode(t, leafN(5))
	_, err = NewReceipt(m, 4, signed)
	wantCode(t, err, fault.Corrupt)
}

// Any one bit flipped in a receipt makes it fail, or leaves the proven leaf as it was (signature lines of others).
func TestReceiptBitFlips(t *testing.T) {
	m := logOf(t, 11)
	_, signed := checkpointOf(t, m)
	_, vkey := testKey(t, 1)
	r, err := NewReceipt(m, 7, signed)
	if err != nil {
		t.Fatal(err)
	}
	file := r.Marshal()
	rapid.Check(t, func(t *rapid.T) {
		b := bytes.Clone(file)
		b[rapid.IntRange(0, len(b)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		p, err := ParseReceipt(b)
		if err != nil {
			return
		}
		if _, _, err = p.Verify(vkey); err == nil {
			t.Fatalf("verified:\n%s", b)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	leaf := mustEncode(b, goldenLeaf())
	b.ReportAllocs()
	m := &memLog{}
	for b.Loop() {
		if _, err := Append(m, leaf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyTree(b *testing.B) {
	m := logOf(b, 4096)
	c, _ := checkpointOf(b, m)
	for b.Loop() {
		if err := VerifyTree(m, c, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/leaf")
}
