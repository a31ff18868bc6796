package budget

import (
	"bytes"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// key returns a fixed key pair per party.
func key(p party.ID) (ed25519.PublicKey, ed25519.PrivateKey) {
	seed := bytes.Repeat([]byte{p[0]}, ed25519.SeedSize)
	priv := ed25519.NewKeyFromSeed(seed)
	return priv.Public().(ed25519.PublicKey), priv
}

func pinned(p party.ID) (ed25519.PublicKey, bool) {
	pub, _ := key(p)
	return pub, p != "stranger"
}

func TestBarrier(t *testing.T) {
	r := reservation(Amounts{Uses: 1}, "grant:1")
	own := Hold{Reservation: r, State: Held}.Vote()
	other := own
	other.Owner, other.Key = "utility", [32]byte{2}
	sign := func(v Vote) Vote {
		_, priv := key(v.Owner)
		return signed(v.Sign(priv))
	}
	both := []party.ID{"utility", "bank"}
	with := func(f func(own, other *Vote)) []Vote {
		a, b := own, other
		f(&a, &b)
		return []Vote{sign(a), sign(b)}
	}
	forged := sign(other)
	forged.Signature[3] ^= 1
	stolen := sign(other)
	_, priv := key("mallory")
	stolen = signed(stolen.Sign(priv))
	for name, c := range map[string]struct {
		owners []party.ID
		votes  []Vote
		want   fault.Code
	}{
		"missing vote":    {both, []Vote{sign(own)}, fault.PlanMismatch},
		"vote twice":      {both, []Vote{sign(own), sign(own)}, fault.PlanMismatch},
		"foreign vote":    {[]party.ID{"bank"}, []Vote{sign(own), sign(other)}, fault.PlanMismatch},
		"not an owner":    {[]party.ID{"utility"}, []Vote{sign(other)}, fault.PlanMismatch},
		"none":            {nil, nil, fault.PlanMismatch},
		"too many":        {both, make([]Vote, MaxOwners+1), fault.LimitExceeded},
		"unknown signer":  {[]party.ID{"bank", "stranger"}, with(func(_, o *Vote) { o.Owner = "stranger" }), fault.Unauthenticated},
		"bad signature":   {both, []Vote{sign(own), forged}, fault.Misbehaved},
		"other's key":     {both, []Vote{sign(own), stolen}, fault.Misbehaved},
		"other plan":      {both, with(func(_, o *Vote) { o.Plan[0]++ }), fault.PlanMismatch},
		"other step":      {both, with(func(_, o *Vote) { o.Step = "scores" }), fault.PlanMismatch},
		"other job":       {both, with(func(_, o *Vote) { o.Job = "job-2" }), fault.PlanMismatch},
		"late vote":       {both, with(func(_, o *Vote) { o.Expires = epoch }), fault.Expired},
		"own of round 1":  {both, with(func(a, _ *Vote) { a.Round = 1 }), fault.PlanMismatch},
		"own, other body": {both, with(func(a, _ *Vote) { a.Body[0]++ }), fault.PlanMismatch},
	} {
		s := open1(t, Amounts{Uses: 1})
		if err := reserve(s, r); err != nil {
			t.Fatal(err)
		}
		b := Barrier{Key: r.Key, Owners: c.owners, Votes: c.votes, PublicKey: pinned}
		wantCode(t, name, s.do(func(tx Tx) error { return Begin(tx, b, epoch) }), c.want)
		if h := s.hold(t, r.Key); h.State != Held {
			t.Errorf("%s: the hold is %v", name, h.State)
		}
	}
	s := open1(t, Amounts{Uses: 1})
	if err := reserve(s, r); err != nil {
		t.Fatal(err)
	}
	good := Barrier{Key: r.Key, Owners: both, Votes: []Vote{sign(other), sign(own)}, PublicKey: pinned}
	wantCode(t, "past the own expiry", s.do(func(tx Tx) error { return Begin(tx, good, r.Expires) }), fault.Expired)
	for _, now := range []time.Time{epoch, r.Expires.Add(time.Hour)} { // the second is a late duplicate
		if err := s.do(func(tx Tx) error { return Begin(tx, good, now) }); err != nil {
			t.Errorf("Begin at %v: %v", now, err)
		}
	}
	good.Key[0]++
	wantCode(t, "unknown key", s.do(func(tx Tx) error { return Begin(tx, good, epoch) }), fault.NotFound)
}

func TestVoteCodec(t *testing.T) {
	_, priv := key("bank")
	v := signed(Hold{Reservation: reservation(Amounts{Uses: 1}, "grant:1"), State: Held}.Vote().Sign(priv))
	got, err := DecodeVote(v.Encode())
	if err != nil || got != v {
		t.Fatalf("DecodeVote = %+v, %v", got, err)
	}
	pub, _ := key("bank")
	if err := got.Verify(pub); err != nil {
		t.Error(err)
	}
	wantCode(t, "no key", got.Verify(nil), fault.Misbehaved)
	b := v.Encode()
	for i := range b {
		flipped := bytes.Clone(b)
		flipped[i] ^= 1
		if w, err := DecodeVote(flipped); err == nil && w.Verify(pub) == nil {
			t.Fatalf("byte %d may be flipped", i)
		}
		if _, err := DecodeVote(b[:i]); err == nil {
			t.Fatalf("cut to %d bytes it decodes", i)
		}
	}
}

func FuzzDecodeVote(f *testing.F) {
	f.Add(Hold{Reservation: reservation(Amounts{Uses: 1}, "grant:1"), State: Held}.Vote().Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := DecodeVote(b); err == nil && !bytes.Equal(v.Encode(), b) {
			t.Error("two encodings of one vote")
		}
	})
}

func FuzzDecodeHold(f *testing.F) {
	r := reservation(Amounts{Uses: 1, Money: 7}, "a", "grant:1")
	for s := Held; s <= Expired; s++ {
		f.Add(Hold{Reservation: r, State: s, Reason: "x"}.Encode())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := DecodeHold(b)
		if err != nil {
			if c := fault.CodeOf(err); c != fault.Corrupt && c != fault.Unsupported {
				t.Error(err)
			}
			return
		}
		if !bytes.Equal(h.Encode(), b) {
			t.Error("two encodings of one hold")
		}
	})
}

func FuzzDecodeAccount(f *testing.F) {
	f.Add(Account{ID: "grant:1", Caps: Amounts{Uses: 5}, Held: Amounts{Uses: 2}, Open: Amounts{Uses: 3}}.Encode())
	f.Add(Account{ID: "x", Caps: unlimited()}.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := DecodeAccount(b)
		if err != nil {
			if c := fault.CodeOf(err); c != fault.Corrupt && c != fault.Unsupported {
				t.Error(err)
			}
			return
		}
		if !bytes.Equal(a.Encode(), b) {
			t.Error("two encodings of one account")
		}
	})
}
