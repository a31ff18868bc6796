package oprf

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
)

func TestKeyRoundTrip(t *testing.T) {
	for _, suite := range []Suite{SuiteRistretto255, SuiteP256} {
		k, err := GenerateKey(suite, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := k.MarshalInsecure()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseKeyInsecure(suite, secret)
		if err != nil {
			t.Fatal(err)
		}
		if again.Commitment() != k.Commitment() || !bytes.Equal(again.Public(), k.Public()) || again.Suite() != suite {
			t.Errorf("%s: another key came back", suite)
		}
		other, err := GenerateKey(suite, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if other.Commitment() == k.Commitment() {
			t.Errorf("%s: two keys with one commitment", suite)
		}
		k.Wipe()
		if _, err := k.MarshalInsecure(); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: a wiped key: %v", suite, err)
		}
	}
}

func TestKeyErrors(t *testing.T) {
	order := append([]byte{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14}, make([]byte, 16)...)
	order[31] = 0x10 // ℓ, little-endian
	for name, c := range map[string]struct {
		suite Suite
		b     []byte
		want  fault.Code
	}{
		"zero":        {SuiteRistretto255, make([]byte, 32), fault.Corrupt},
		"short":       {SuiteRistretto255, make([]byte, 31), fault.Corrupt},
		"long":        {SuiteP256, make([]byte, 33), fault.Corrupt},
		"order":       {SuiteRistretto255, order, fault.Corrupt},
		"all ones":    {SuiteP256, bytes.Repeat([]byte{0xff}, 32), fault.Corrupt},
		"unbuilt":     {SuiteP521, make([]byte, 32), fault.Unsupported},
		"other suite": {"x", make([]byte, 32), fault.Invalid},
	} {
		if _, err := ParseKeyInsecure(c.suite, c.b); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := GenerateKey(SuiteRistretto255, strings.NewReader("short")); fault.CodeOf(err) != fault.Internal {
		t.Errorf("short source: %v", err)
	}
	if _, err := GenerateKey(SuiteRistretto255, zeros{}); fault.CodeOf(err) != fault.Internal {
		t.Errorf("source of zeros: %v", err)
	}
	var none Key
	if none.Suite() != "" || none.Public() != nil || none.Commitment() != [32]byte{} {
		t.Error("the zero Key is something")
	}
	none.Wipe()
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// A draw is used as it comes when it is below the order, and thrown away otherwise.
func TestScalarRejection(t *testing.T) {
	for _, suite := range []Suite{SuiteRistretto255, SuiteP256} {
		s, err := newScheme(suite, ModeVOPRF)
		if err != nil {
			t.Fatal(err)
		}
		good := bytes.Repeat([]byte{5}, 32)
		k, err := s.scalar(bytes.NewReader(append(bytes.Repeat([]byte{0xff}, 32), good...)))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := k.MarshalBinary(); !bytes.Equal(got, good) {
			t.Errorf("%s: drew %x", suite, got)
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	k, err := GenerateKey(SuiteRistretto255, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	b, err := Blind(t.Context(), s, SuiteRistretto255, ModeOPRF, [][]byte{[]byte("canary")})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", k, "blinded", b)
	text := fmt.Sprintf("%v %+v %#v %x %s %v %+v", k, k, k, b, b, struct{ k Key }{k}, Service{Key: k}) + log.String()
	secret, err := k.MarshalInsecure()
	if err != nil {
		t.Fatal(err)
	}
	for _, leak := range []string{"canary", "63616e617279", fmt.Sprintf("%x", secret), fmt.Sprint(secret), fmt.Sprint(secret[:4])} {
		if strings.Contains(text, strings.Trim(leak, "[]")) {
			t.Errorf("%q is printed in %q", leak, text)
		}
	}
	if !strings.Contains(text, "oprf.Key") || !strings.Contains(text, "oprf.Blinded") {
		t.Errorf("printed %q", text)
	}
}

// The bare OPRF refuses what its comments say it refuses.
func TestBatchErrors(t *testing.T) {
	ctx := t.Context()
	s, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	one := [][]byte{[]byte("a")}
	mute := s
	mute.Rand = nil
	idle := s
	idle.Workers = 0
	broken := s
	broken.Rand = strings.NewReader("short")
	key, err := GenerateKey(SuiteRistretto255, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	blindError := func(s protocols.Session, suite Suite, mode Mode, in [][]byte) error {
		_, err := Blind(ctx, s, suite, mode, in)
		return err
	}
	evaluateError := func(k Key, s protocols.Session, mode Mode, request []byte) error {
		_, _, err := k.BlindEvaluate(ctx, s, mode, request)
		return err
	}
	ownError := func(k Key, mode Mode, in []byte) error {
		_, err := k.Evaluate(mode, in)
		return err
	}
	for name, c := range map[string]struct {
		err  error
		want fault.Code
	}{
		"blind nothing":           {blindError(s, SuiteRistretto255, ModeOPRF, nil), fault.Invalid},
		"blind too many":          {blindError(s, SuiteRistretto255, ModeOPRF, make([][]byte, MaxBatch+1)), fault.Invalid},
		"blind too long":          {blindError(s, SuiteRistretto255, ModeOPRF, [][]byte{make([]byte, 1<<16)}), fault.Invalid},
		"blind, POPRF":            {blindError(s, SuiteRistretto255, ModePOPRF, one), fault.Unsupported},
		"blind, mode 3":           {blindError(s, SuiteRistretto255, 3, one), fault.Invalid},
		"blind, no source":        {blindError(mute, SuiteRistretto255, ModeOPRF, one), fault.Invalid},
		"blind, broken source":    {blindError(broken, SuiteRistretto255, ModeOPRF, one), fault.Internal},
		"evaluate nothing":        {evaluateError(key, s, ModeVOPRF, nil), fault.Misbehaved},
		"evaluate half":           {evaluateError(key, s, ModeVOPRF, make([]byte, 16)), fault.Misbehaved},
		"evaluate the identity":   {evaluateError(key, s, ModeVOPRF, make([]byte, 32)), fault.Misbehaved},
		"evaluate, no workers":    {evaluateError(key, idle, ModeVOPRF, make([]byte, 32)), fault.Invalid},
		"evaluate, zero key":      {evaluateError(Key{}, s, ModeVOPRF, make([]byte, 32)), fault.Invalid},
		"evaluate, too many":      {evaluateError(key, s, ModeVOPRF, make([]byte, 32*(MaxBatch+1))), fault.Misbehaved},
		"own, too long":           {ownError(key, ModeVOPRF, make([]byte, 1<<16)), fault.Invalid},
		"own, zero key":           {ownError(Key{}, ModeVOPRF, nil), fault.Invalid},
		"own, unknown mode":       {ownError(key, 9, nil), fault.Invalid},
		"finalize a zero Blinded": {func() error { _, err := Blinded{}.Finalize(ctx, 1, nil, nil, nil); return err }(), fault.Invalid},
	} {
		if fault.CodeOf(c.err) != c.want || c.err == nil {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
}

// Blinds serve once, and whatever is wrong with an answer gives one reason for the proof.
func TestFinalizeErrors(t *testing.T) {
	ctx := context.Background()
	s, _ := conntest.RandomSessions(conntest.PartyA, conntest.PartyB)
	key, err := GenerateKey(SuiteRistretto255, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	inputs := [][]byte{[]byte("a"), []byte("b")}
	for name, c := range map[string]struct {
		change func(public, evaluated, proof []byte) (p, e, q []byte)
		want   fault.Code
	}{
		"swapped answers": {func(p, e, q []byte) ([]byte, []byte, []byte) { return p, append(e[32:64:64], e[:32]...), q }, fault.Misbehaved},
		"other challenge": {func(p, e, q []byte) ([]byte, []byte, []byte) { q[0] ^= 1; return p, e, q }, fault.Misbehaved},
		"other response":  {func(p, e, q []byte) ([]byte, []byte, []byte) { q[32] ^= 1; return p, e, q }, fault.Misbehaved},
		"high response":   {func(p, e, q []byte) ([]byte, []byte, []byte) { q[63] |= 0x80; return p, e, q }, fault.Misbehaved},
		"short proof":     {func(p, e, q []byte) ([]byte, []byte, []byte) { return p, e, q[:63] }, fault.Misbehaved},
		"no proof":        {func(p, e, q []byte) ([]byte, []byte, []byte) { return p, e, nil }, fault.Misbehaved},
		"short answer":    {func(p, e, q []byte) ([]byte, []byte, []byte) { return p, e[:32], q }, fault.Misbehaved},
		"long answer":     {func(p, e, q []byte) ([]byte, []byte, []byte) { return p, append(e, e[:32]...), q }, fault.Misbehaved},
		"no public key":   {func(p, e, q []byte) ([]byte, []byte, []byte) { return nil, e, q }, fault.Invalid},
		"zero public key": {func(p, e, q []byte) ([]byte, []byte, []byte) { return make([]byte, 32), e, q }, fault.Invalid},
	} {
		b, err := Blind(ctx, s, SuiteRistretto255, ModeVOPRF, inputs)
		if err != nil {
			t.Fatal(err)
		}
		evaluated, proof, err := key.BlindEvaluate(ctx, s, ModeVOPRF, b.Request())
		if err != nil {
			t.Fatal(err)
		}
		public, evaluated, proof := c.change(key.Public(), evaluated, proof)
		if _, err := b.Finalize(ctx, 1, public, evaluated, proof); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if c.want != fault.Misbehaved {
			continue
		}
		if _, err := b.Finalize(ctx, 1, key.Public(), evaluated, proof); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: a second use: %v", name, err)
		}
		for _, k := range b.state.inverse {
			if !k.IsZero() {
				t.Errorf("%s: a blind was not wiped", name)
			}
		}
	}
}
