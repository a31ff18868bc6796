package oprf

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cloudflare/circl/group"
	peer "github.com/cloudflare/circl/oprf"
	"github.com/cloudflare/circl/zk/dleq"
	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
)

// hexList is the vectors' form of one or more byte strings.
type hexList [][]byte

func (l *hexList) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	for _, part := range strings.Split(s, ",") {
		v, err := hex.DecodeString(part)
		if err != nil {
			return err
		}
		*l = append(*l, v)
	}
	return nil
}

type vectorFile []struct {
	Identifier Suite   `json:"identifier"`
	Mode       Mode    `json:"mode"`
	SkSm       hexList `json:"skSm"`
	PkSm       hexList `json:"pkSm"`
	GroupDST   hexList `json:"groupDST"`
	Vectors    []struct {
		Batch             int     `json:"Batch"`
		Blind             hexList `json:"Blind"`
		BlindedElement    hexList `json:"BlindedElement"`
		EvaluationElement hexList `json:"EvaluationElement"`
		Input             hexList `json:"Input"`
		Output            hexList `json:"Output"`
		Proof             struct {
			Proof hexList `json:"proof"`
			R     hexList `json:"r"`
		} `json:"Proof"`
	} `json:"vectors"`
}

func readVectors(t testing.TB) vectorFile {
	b, err := os.ReadFile("testdata/rfc9497.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectorFile
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// fixed returns a session whose randomness is the given scalars.
func fixed(scalars ...[]byte) protocols.Session {
	s, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	s.Rand = bytes.NewReader(slices.Concat(scalars...))
	return s
}

// RFC 9497 Appendix A, both suites, modes OPRF and VOPRF, the batches of two included: every value on the wire and every
// output, through the functions that the protocol uses.
func TestRFC9497Vectors(t *testing.T) {
	runs := 0
	for _, v := range readVectors(t) {
		s, err := newScheme(v.Identifier, v.Mode)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(s.hashToGroup, v.GroupDST[0]) {
			t.Errorf("%s mode %d: tag %q, want %q", v.Identifier, v.Mode, s.hashToGroup, v.GroupDST[0])
		}
		key, err := ParseKeyInsecure(v.Identifier, v.SkSm[0])
		if err != nil {
			t.Fatal(err)
		}
		if v.Mode == ModeVOPRF && !bytes.Equal(key.Public(), v.PkSm[0]) {
			t.Errorf("%s: public key differs", v.Identifier)
		}
		for i, c := range v.Vectors {
			runs++
			b, err := Blind(t.Context(), fixed(c.Blind...), v.Identifier, v.Mode, c.Input)
			if err != nil {
				t.Fatal(err)
			}
			if want := slices.Concat(c.BlindedElement...); !bytes.Equal(b.Request(), want) {
				t.Errorf("%s mode %d vector %d: blinded %x, want %x", v.Identifier, v.Mode, i, b.Request(), want)
			}
			evaluated, proof, err := key.BlindEvaluate(t.Context(), fixed(c.Proof.R...), v.Mode, b.Request())
			if err != nil {
				t.Fatal(err)
			}
			if want := slices.Concat(c.EvaluationElement...); !bytes.Equal(evaluated, want) {
				t.Errorf("%s mode %d vector %d: evaluated %x, want %x", v.Identifier, v.Mode, i, evaluated, want)
			}
			if want := slices.Concat(c.Proof.Proof...); !bytes.Equal(proof, want) {
				t.Errorf("%s mode %d vector %d: proof %x, want %x", v.Identifier, v.Mode, i, proof, want)
			}
			out, err := b.Finalize(t.Context(), 2, key.Public(), evaluated, proof)
			if err != nil {
				t.Fatal(err)
			}
			if want := slices.Concat(c.Output...); !bytes.Equal(out, want) {
				t.Errorf("%s mode %d vector %d: output %x, want %x", v.Identifier, v.Mode, i, out, want)
			}
			for k, in := range c.Input {
				if own, err := key.Evaluate(v.Mode, in); err != nil || !bytes.Equal(own, c.Output[k]) {
					t.Errorf("%s mode %d vector %d: the server's own output %x, %v", v.Identifier, v.Mode, i, own, err)
				}
			}
		}
	}
	if runs != 2*2+2*3 {
		t.Errorf("%d vectors, want 10", runs)
	}
}

// peerSuite is the oracle's name of a suite.
func peerSuite(s Suite) peer.Suite {
	if s == SuiteP256 {
		return peer.SuiteP256
	}
	return peer.SuiteRistretto255
}

// circl's client accepts our server and our client accepts circl's, in batches around the bounds of our sums.
func TestAgainstCircl(t *testing.T) {
	sizes := []int{1, 2, fewTerms, fewTerms + 1, block, block + 1, 1000}
	if testing.Short() {
		sizes = []int{1, fewTerms + 1, block + 1}
	}
	for _, suite := range []Suite{SuiteRistretto255, SuiteP256} {
		key, err := GenerateKey(suite, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := key.MarshalInsecure()
		if err != nil {
			t.Fatal(err)
		}
		theirs := new(peer.PrivateKey)
		if err := theirs.UnmarshalBinary(peerSuite(suite), secret); err != nil {
			t.Fatal(err)
		}
		client := peer.NewVerifiableClient(peerSuite(suite), theirs.Public())
		server := peer.NewVerifiableServer(peerSuite(suite), theirs)
		for _, n := range sizes {
			inputs := make([][]byte, n)
			for i := range inputs {
				inputs[i] = []byte{byte(i), byte(i >> 8), byte(n)}
			}
			first := circlClient(t, client, key, inputs)
			second := circlServer(t, server, key, inputs)
			if !bytes.Equal(first, second) {
				t.Errorf("%s, %d inputs: the outputs differ", suite, n)
			}
		}
	}
}

// circlClient lets circl's client ask our server.
func circlClient(t *testing.T, client peer.VerifiableClient, key Key, inputs [][]byte) []byte {
	t.Helper()
	state, request, err := client.Blind(inputs)
	if err != nil {
		t.Fatal(err)
	}
	var wire []byte
	for _, e := range request.Elements {
		b, err := e.MarshalBinaryCompress()
		if err != nil {
			t.Fatal(err)
		}
		wire = append(wire, b...)
	}
	s, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	evaluated, proof, err := key.BlindEvaluate(t.Context(), s, ModeVOPRF, wire)
	if err != nil {
		t.Fatal(err)
	}
	answer := &peer.Evaluation{Proof: new(dleq.Proof)}
	g := request.Elements[0].Group()
	width := len(evaluated) / len(inputs)
	for i := range inputs {
		e := g.NewElement()
		if err := e.UnmarshalBinary(evaluated[i*width : (i+1)*width]); err != nil {
			t.Fatal(err)
		}
		answer.Elements = append(answer.Elements, e)
	}
	if err := answer.Proof.UnmarshalBinary(g, proof); err != nil {
		t.Fatal(err)
	}
	outputs, err := client.Finalize(state, answer)
	if err != nil {
		t.Fatalf("circl's client refuses: %v", err)
	}
	return slices.Concat(outputs...)
}

// circlServer lets our client ask circl's server.
func circlServer(t *testing.T, server peer.VerifiableServer, key Key, inputs [][]byte) []byte {
	t.Helper()
	s, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	b, err := Blind(t.Context(), s, key.Suite(), ModeVOPRF, inputs)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := server.Evaluate(&peer.EvaluationRequest{Elements: b.state.blinded})
	if err != nil {
		t.Fatal(err)
	}
	var wire []byte
	for _, e := range answer.Elements {
		enc, err := e.MarshalBinaryCompress()
		if err != nil {
			t.Fatal(err)
		}
		wire = append(wire, enc...)
	}
	proof, err := answer.Proof.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	out, err := b.Finalize(t.Context(), 2, key.Public(), wire, proof)
	if err != nil {
		t.Fatalf("our client refuses: %v", err)
	}
	return out
}

// The tag file holds what circl's own full evaluation gives, through the formulas of doc.go.
func TestTagsAgainstCircl(t *testing.T) {
	for _, suite := range []Suite{SuiteRistretto255, SuiteP256} {
		l := literal()
		l.Suite = suite
		p := small(t, l, 4)
		at := newSite(t, p, digests(0, 9), nil)
		secret, err := at.key.MarshalInsecure()
		if err != nil {
			t.Fatal(err)
		}
		theirs := new(peer.PrivateKey)
		if err := theirs.UnmarshalBinary(peerSuite(suite), secret); err != nil {
			t.Fatal(err)
		}
		server := peer.NewVerifiableServer(peerSuite(suite), theirs)
		var want [][]byte
		for _, d := range digests(0, 9) {
			in := sha256.Sum256(slices.Concat([]byte("tacit/psi/item/v1"), at.pin.Epoch[:], d[:]))
			out, err := server.FullEvaluate(in[:])
			if err != nil {
				t.Fatal(err)
			}
			tag := sha256.Sum256(append([]byte("tacit/oprf/tag/v1"), out...))
			want = append(want, tag[:9]) // ⌈(40 + 6 + 20)/8⌉
		}
		slices.SortFunc(want, bytes.Compare)
		if got := at.raw[fileHeaderBytes : len(at.raw)-sha256.Size]; !bytes.Equal(got, slices.Concat(want...)) {
			t.Errorf("%s: the file holds other tags", suite)
		}
	}
}

// Sums by buckets equal sums term by term, whatever the scalars.
func TestSum(t *testing.T) {
	s, err := newScheme(SuiteRistretto255, ModeVOPRF)
	if err != nil {
		t.Fatal(err)
	}
	plain := *s
	plain.cheapAdd = false
	order := group.Ristretto255.NewScalar().SetUint64(1)
	order.Neg(order) // ℓ − 1
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(fewTerms+1, 40).Draw(t, "n")
		k, e := make([]group.Scalar, n), make([]group.Element, n)
		for i := range k {
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				k[i] = group.Ristretto255.NewScalar().SetUint64(rapid.Uint64Range(0, 3).Draw(t, "small"))
			case 1:
				k[i] = order.Copy()
			default:
				k[i] = group.Ristretto255.HashToScalar([]byte{byte(i)}, []byte(rapid.String().Draw(t, "seed")))
			}
			e[i] = group.Ristretto255.NewElement().MulGen(group.Ristretto255.NewScalar().SetUint64(uint64(i % 5)))
		}
		got, err := s.sumByBuckets(t.Context(), newPool(2), k, e, rapid.IntRange(2, maxWindow).Draw(t, "width"))
		if err != nil {
			t.Fatal(err)
		}
		want, err := plain.sum(t.Context(), newPool(2), k, e)
		if err != nil {
			t.Fatal(err)
		}
		if !got.IsEqual(want) {
			t.Fatal("the sums differ")
		}
	})
}

// Every window rebuilds its scalar, the extreme ones included.
func TestRecode(t *testing.T) {
	for width := 2; width <= maxWindow; width++ {
		windows := 8*scalarBytes/width + 1
		for _, fill := range []byte{0, 1, 0x55, 0xaa, 0xff} {
			b := bytes.Repeat([]byte{fill}, scalarBytes)
			b[31] &= 0x1f
			digits := make([]int16, windows)
			recode(digits, 1, b, width, windows)
			// Subtract the digits from b, window by window, as a little-endian integer of unlimited carry.
			acc := 0
			bit := func(i int) int {
				if i >= 8*len(b) {
					return 0
				}
				return int(b[i/8]>>(i%8)) & 1
			}
			for w, d := range digits {
				if int(d) > 1<<(width-1) || int(d) < -(1<<(width-1)) {
					t.Fatalf("width %d: digit %d", width, d)
				}
				v := 0
				for i := range width {
					v += bit(w*width+i) << i
				}
				acc += v - int(d)
				if acc%(1<<width) != 0 {
					t.Fatalf("width %d, fill %x, window %d: %d is left", width, fill, w, acc)
				}
				acc >>= width
			}
			if acc != 0 {
				t.Fatalf("width %d, fill %x: %d is left at the end", width, fill, acc)
			}
		}
	}
}

func TestInvert(t *testing.T) {
	for _, g := range []group.Group{group.Ristretto255, group.P256} {
		for n := range 6 {
			src, dst := make([]group.Scalar, n), make([]group.Scalar, n)
			for i := range src {
				src[i] = g.HashToScalar([]byte{byte(i)}, []byte("test"))
			}
			invert(g, dst, src)
			for i := range src {
				if want := g.NewScalar().Inv(src[i]); !dst[i].IsEqual(want) {
					t.Errorf("%v: inverse %d of %d is wrong", g, i, n)
				}
			}
		}
	}
}
