package budget

import (
	"crypto/ed25519"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// epoch is where the tests' clock starts.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// ledgerState is a party's store in memory; encoded, so that every operation goes through the codec.
type ledgerState struct {
	accounts map[AccountID]string
	holds    map[[32]byte]string
	leaves   []string
}

func newState() *ledgerState {
	return &ledgerState{accounts: map[AccountID]string{}, holds: map[[32]byte]string{}}
}

// memTx is a transaction over a copy: dropping it is a crash before commit.
type memTx struct{ ledgerState }

func (s *ledgerState) begin() *memTx {
	return &memTx{ledgerState{maps.Clone(s.accounts), maps.Clone(s.holds), slices.Clone(s.leaves)}}
}

// do runs f in a transaction and commits it when f succeeds.
func (s *ledgerState) do(f func(tx Tx) error) error {
	tx := s.begin()
	if err := f(tx); err != nil {
		return err
	}
	*s = tx.ledgerState
	return nil
}

func (tx *memTx) Account(id AccountID) (Account, bool, error) {
	b, ok := tx.accounts[id]
	if !ok {
		return Account{}, false, nil
	}
	a, err := DecodeAccount([]byte(b))
	return a, true, err
}

func (tx *memTx) PutAccount(a Account) error {
	tx.accounts[a.ID] = string(a.Encode())
	return nil
}

func (tx *memTx) Hold(key [32]byte) (Hold, bool, error) {
	b, ok := tx.holds[key]
	if !ok {
		return Hold{}, false, nil
	}
	h, err := DecodeHold([]byte(b))
	return h, true, err
}

func (tx *memTx) PutHold(h Hold) error {
	tx.holds[h.Key] = string(h.Encode())
	return nil
}

func (tx *memTx) HeldUntil(now time.Time, limit int) ([][32]byte, error) {
	var out [][32]byte
	for key, b := range tx.holds {
		h, err := DecodeHold([]byte(b))
		if err != nil {
			return nil, err
		}
		if h.State == Held && !now.Before(h.Expires) && len(out) < limit {
			out = append(out, key)
		}
	}
	slices.SortFunc(out, func(a, b [32]byte) int { return slices.Compare(a[:], b[:]) })
	return out, nil
}

func (tx *memTx) Leaf(kind string, _ [32]byte) error {
	tx.leaves = append(tx.leaves, kind)
	return nil
}

func (s *ledgerState) account(t rapid.TB, id AccountID) Account {
	t.Helper()
	a, ok, err := s.begin().Account(id)
	if err != nil || !ok {
		t.Fatalf("account %s: %v %v", id, ok, err)
	}
	return a
}

func (s *ledgerState) hold(t rapid.TB, key [32]byte) Hold {
	t.Helper()
	h, _, err := s.begin().Hold(key)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func unlimited() (a Amounts) {
	for d := range a {
		a[d] = Unlimited
	}
	return a
}

func reservation(amounts Amounts, accounts ...AccountID) Reservation {
	return Reservation{
		Owner: "bank", Key: [32]byte{1}, Job: "job-1", Step: "model", Plan: [32]byte{9},
		Accounts: accounts, Amounts: amounts, Expires: epoch.Add(24 * time.Hour),
	}
}

func open1(t testing.TB, caps Amounts) *ledgerState {
	t.Helper()
	s := newState()
	if err := s.do(func(tx Tx) error { return OpenAccount(tx, "grant:1", caps) }); err != nil {
		t.Fatal(err)
	}
	return s
}

func reserve(s *ledgerState, r Reservation) error {
	return s.do(func(tx Tx) error { _, err := Reserve(tx, r, epoch); return err })
}

// alone opens a hold whose step has one owner.
func alone(s *ledgerState, key [32]byte) error {
	pub, priv, _ := ed25519.GenerateKey(nil)
	return s.do(func(tx Tx) error {
		h, _, err := tx.Hold(key)
		if err != nil {
			return err
		}
		return Begin(tx, Barrier{
			Key: key, Owners: []party.ID{h.Owner}, Votes: []Vote{signed(h.Vote().Sign(priv))},
			PublicKey: func(party.ID) (ed25519.PublicKey, bool) { return pub, true },
		}, epoch)
	})
}

func wantCode(t testing.TB, what string, err error, want fault.Code) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != want {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func TestReserveRefusals(t *testing.T) {
	caps := Amounts{Uses: 10, Rows: 100}
	ok := reservation(Amounts{Uses: 1}, "grant:1")
	with := func(f func(*Reservation)) Reservation {
		r := ok
		r.Accounts = slices.Clone(ok.Accounts)
		f(&r)
		return r
	}
	many := make([]AccountID, MaxAccounts+1)
	for i := range many {
		many[i] = AccountID(fmt.Sprintf("a%03d", i))
	}
	for name, c := range map[string]struct {
		r    Reservation
		want fault.Code
	}{
		"no owner":         {with(func(r *Reservation) { r.Owner = "" }), fault.Invalid},
		"no job":           {with(func(r *Reservation) { r.Job = "" }), fault.Invalid},
		"long step":        {with(func(r *Reservation) { r.Step = string(make([]byte, MaxNameBytes+1)) }), fault.Invalid},
		"no account":       {with(func(r *Reservation) { r.Accounts = nil }), fault.Invalid},
		"too many":         {with(func(r *Reservation) { r.Accounts = many }), fault.LimitExceeded},
		"unsorted":         {with(func(r *Reservation) { r.Accounts = []AccountID{"grant:1", "a"} }), fault.Invalid},
		"repeated":         {with(func(r *Reservation) { r.Accounts = []AccountID{"a", "a"} }), fault.Invalid},
		"malformed id":     {with(func(r *Reservation) { r.Accounts = []AccountID{"a b"} }), fault.Invalid},
		"nothing":          {with(func(r *Reservation) { r.Amounts = Amounts{} }), fault.Invalid},
		"negative":         {with(func(r *Reservation) { r.Amounts[Rows] = -1 }), fault.Invalid},
		"overflow":         {with(func(r *Reservation) { r.Amounts[Rows] = MaxAmount + 1 }), fault.Invalid},
		"past":             {with(func(r *Reservation) { r.Expires = epoch }), fault.Expired},
		"far past":         {with(func(r *Reservation) { r.Expires = time.Time{} }), fault.Invalid},
		"round 1 first":    {with(func(r *Reservation) { r.Round = 1 }), fault.Invalid},
		"unknown account":  {with(func(r *Reservation) { r.Accounts = []AccountID{"grant:1", "grant:2"} }), fault.NotFound},
		"over the cap":     {with(func(r *Reservation) { r.Amounts[Rows] = 101 }), fault.BudgetExhausted},
		"a cap of nothing": {with(func(r *Reservation) { r.Amounts[Money] = 1 }), fault.BudgetExhausted},
	} {
		s := open1(t, caps)
		wantCode(t, name, reserve(s, c.r), c.want)
		if got := s.account(t, "grant:1"); got.Held != (Amounts{}) || len(s.leaves) != 0 {
			t.Errorf("%s: left %+v", name, got)
		}
	}
	if err := reserve(open1(t, caps), with(func(r *Reservation) { r.Amounts = caps })); err != nil {
		t.Errorf("exactly the cap: %v", err)
	}
}

func TestExhaustionNamesWhatIsMissing(t *testing.T) {
	s := open1(t, Amounts{Uses: 5, Rows: 100})
	err := reserve(s, reservation(Amounts{Uses: 7, Rows: 100}, "grant:1"))
	wantCode(t, "over", err, fault.BudgetExhausted)
	if got, want := fault.ReasonOf(err), "account grant:1: uses requested 7, remaining 5"; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
}

// TestWaiting: what others merely hold is Unavailable, what they have used up is BudgetExhausted, and that outranks it.
func TestWaiting(t *testing.T) {
	s := open1(t, Amounts{Uses: 2, Rows: 10})
	first := reservation(Amounts{Uses: 2}, "grant:1")
	second := reservation(Amounts{Uses: 1}, "grant:1")
	second.Key, second.Job = [32]byte{2}, "job-2"
	if err := reserve(s, first); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "held by another", reserve(s, second), fault.Unavailable)
	second.Amounts[Rows] = 11
	wantCode(t, "held and exhausted", reserve(s, second), fault.BudgetExhausted)
	second.Amounts[Rows] = 0
	if err := alone(s, first.Key); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "open at another", reserve(s, second), fault.Unavailable)
	if err := s.do(func(tx Tx) error { return Commit(tx, first.Key, Amounts{Uses: 2}, [32]byte{7}) }); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "committed by another", reserve(s, second), fault.BudgetExhausted)
}

func TestRounds(t *testing.T) {
	s := open1(t, Amounts{Uses: 1})
	r := reservation(Amounts{Uses: 1}, "grant:1")
	release := func() error { return s.do(func(tx Tx) error { return Release(tx, r.Key, "canceled") }) }
	if err := reserve(s, r); err != nil {
		t.Fatal(err)
	}
	if err := reserve(s, r); err != nil {
		t.Errorf("repeat: %v", err)
	}
	other := r
	other.Amounts = Amounts{Uses: 1, Rows: 1}
	wantCode(t, "other body", reserve(s, other), fault.Exists)
	stranger := r
	stranger.Job = "job-2"
	wantCode(t, "other job", reserve(s, stranger), fault.Unavailable)
	next := r
	next.Round = 1
	wantCode(t, "next round while held", reserve(s, next), fault.Unavailable)
	for range 2 {
		if err := release(); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, "late duplicate", reserve(s, r), fault.Expired)
	skip := r
	skip.Round = 2
	wantCode(t, "skipped round", reserve(s, skip), fault.Invalid)
	next.Job = "job-2" // an aborted first try does not poison the question
	if err := reserve(s, next); err != nil {
		t.Errorf("next round: %v", err)
	}
	wantCode(t, "late duplicate of round 0", reserve(s, r), fault.Expired)
}

func TestCommitAndCapture(t *testing.T) {
	s := open1(t, Amounts{Uses: 3, Rows: 100, Money: 1000, DPRho: 50})
	r := reservation(Amounts{Uses: 1, Rows: 60, Money: 400, DPRho: 20}, "grant:1")
	commit := func(a Amounts, sealed [32]byte) error {
		return s.do(func(tx Tx) error { return Commit(tx, r.Key, a, sealed) })
	}
	capture := func(m int64) error { return s.do(func(tx Tx) error { return Capture(tx, r.Key, m) }) }
	wantCode(t, "unknown key", commit(Amounts{}, [32]byte{}), fault.NotFound)
	if err := reserve(s, r); err != nil {
		t.Fatal(err)
	}
	actual, sealed := Amounts{Uses: 1, Rows: 42, DPRho: 20}, [32]byte{7}
	wantCode(t, "commit before begin", commit(actual, sealed), fault.Invalid)
	if err := alone(s, r.Key); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "more than held", commit(Amounts{Rows: 61}, sealed), fault.Invalid)
	wantCode(t, "negative", commit(Amounts{Rows: -1}, sealed), fault.Invalid)
	wantCode(t, "money", commit(Amounts{Money: 1}, sealed), fault.Invalid)
	wantCode(t, "capture before commit", capture(1), fault.Invalid)
	for range 2 {
		if err := commit(actual, sealed); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, "second digest", commit(actual, [32]byte{8}), fault.Exists)
	wantCode(t, "second amounts", commit(Amounts{Uses: 1}, sealed), fault.Exists)
	wantCode(t, "reserve again", reserve(s, r), fault.Exists)
	want := Account{ID: "grant:1", Caps: s.account(t, "grant:1").Caps, Committed: actual, Open: Amounts{Money: 400}}
	if got := s.account(t, "grant:1"); got != want {
		t.Errorf("after commit %+v, want %+v", got, want)
	}
	wantCode(t, "capture too much", capture(401), fault.Invalid)
	wantCode(t, "capture negative", capture(-1), fault.Invalid)
	for range 2 {
		if err := capture(250); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, "another sum", capture(251), fault.Exists)
	if err := commit(actual, sealed); err != nil {
		t.Errorf("late duplicate of the commit: %v", err)
	}
	want.Open, want.Committed[Money] = Amounts{}, 250
	if got := s.account(t, "grant:1"); got != want {
		t.Errorf("after capture %+v, want %+v", got, want)
	}
	if got, ok, err := Answer(s.begin(), r.Key); err != nil || !ok || got != sealed {
		t.Errorf("Answer = %x, %v, %v", got[:2], ok, err)
	}
	if _, ok, err := Answer(s.begin(), [32]byte{99}); err != nil || ok {
		t.Errorf("Answer of an unknown key: %v, %v", ok, err)
	}
	if want := []string{"budget.held", "budget.open", "budget.committed", "budget.captured"}; !slices.Equal(s.leaves, want) {
		t.Errorf("leaves %v, want %v", s.leaves, want)
	}
}

func TestAbort(t *testing.T) {
	amounts := Amounts{Uses: 1, Rows: 60, Fuel: 30, Money: 400, DPRho: 20, DPDelta: 2}
	caps := Amounts{Uses: 1, Rows: 60, Fuel: 30, Money: 400, DPRho: 20, DPDelta: 2}
	for name, c := range map[string]struct {
		used      bool
		reading   *Amounts
		state     State
		committed Amounts
		open      Amounts
	}{
		"unused":  {false, nil, Released, Amounts{}, Amounts{}},
		"used":    {true, nil, Committed, Amounts{Uses: 1, Rows: 60, Fuel: 30, DPRho: 20, DPDelta: 2}, Amounts{Money: 400}},
		"metered": {true, &Amounts{Rows: 5, Fuel: 31}, Committed, Amounts{Uses: 1, Rows: 5, Fuel: 30, DPRho: 20, DPDelta: 2}, Amounts{Money: 400}},
	} {
		s := open1(t, caps)
		r := reservation(amounts, "grant:1")
		if err := reserve(s, r); err != nil {
			t.Fatal(err)
		}
		wantCode(t, "use before begin", s.do(func(tx Tx) error { return Use(tx, r.Key) }), fault.Invalid)
		if err := alone(s, r.Key); err != nil {
			t.Fatal(err)
		}
		if c.used {
			for range 2 {
				if err := s.do(func(tx Tx) error { return Use(tx, r.Key) }); err != nil {
					t.Fatal(err)
				}
			}
			wantCode(t, "release of a used hold", s.do(func(tx Tx) error { return Release(tx, r.Key, "x") }), fault.Invalid)
		}
		wantCode(t, "no reason", s.do(func(tx Tx) error { return Abort(tx, r.Key, c.reading, "") }), fault.Invalid)
		for range 2 {
			if err := s.do(func(tx Tx) error { return Abort(tx, r.Key, c.reading, "PeerAborted: utility") }); err != nil {
				t.Fatal(err)
			}
		}
		a, h := s.account(t, "grant:1"), s.hold(t, r.Key)
		if h.State != c.state || a.Committed != c.committed || a.Open != c.open || a.Held != (Amounts{}) {
			t.Errorf("%s: %v %+v", name, h.State, a)
		}
		if _, ok, _ := Answer(s.begin(), r.Key); ok {
			t.Errorf("%s: an answer without one", name)
		}
		if !c.used {
			continue
		}
		if err := s.do(func(tx Tx) error { return Capture(tx, r.Key, 0) }); err != nil {
			t.Fatal(err)
		}
		if got := s.account(t, "grant:1"); got.Open != (Amounts{}) || got.Committed[Money] != 0 {
			t.Errorf("%s: money after a receipt of zero: %+v", name, got)
		}
	}
}

func TestExpire(t *testing.T) {
	s := open1(t, Amounts{Uses: 3})
	for i := range 3 {
		r := reservation(Amounts{Uses: 1}, "grant:1")
		r.Key[0], r.Expires = byte(i), epoch.Add(time.Duration(i+1)*time.Hour)
		if err := reserve(s, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := alone(s, [32]byte{0}); err != nil { // open: never expires
		t.Fatal(err)
	}
	for _, c := range []struct {
		now  time.Time
		want int
	}{
		{epoch, 0},
		{epoch.Add(2*time.Hour - time.Millisecond), 0},
		{epoch.Add(2 * time.Hour), 1},
		{epoch.Add(2 * time.Hour), 0},
		{epoch.Add(999 * time.Hour), 1},
		{epoch.Add(9999 * time.Hour), 0},
	} {
		var got int
		err := s.do(func(tx Tx) (err error) { got, err = Expire(tx, c.now); return err })
		if err != nil || got != c.want {
			t.Errorf("Expire(%v) = %d, %v, want %d", c.now.Sub(epoch), got, err, c.want)
		}
	}
	if a := s.account(t, "grant:1"); a.Open[Uses] != 1 || a.Held[Uses] != 0 {
		t.Errorf("after expiry %+v", a)
	}
	wantCode(t, "begin of an expired hold", alone(s, [32]byte{1}), fault.Expired)
}

func TestOpenAccount(t *testing.T) {
	s := newState()
	do := func(id AccountID, caps Amounts) error {
		return s.do(func(tx Tx) error { return OpenAccount(tx, id, caps) })
	}
	for name, c := range map[string]struct {
		id   AccountID
		caps Amounts
	}{
		"no id": {"", Amounts{}}, "bad id": {"a b", Amounts{}}, "long id": {AccountID(make([]byte, 129)), Amounts{}},
		"negative cap": {"a", Amounts{Uses: -2}}, "huge cap": {"a", Amounts{Uses: MaxAmount + 1}},
	} {
		wantCode(t, name, do(c.id, c.caps), fault.Invalid)
	}
	for range 2 {
		if err := do("a", unlimited()); err != nil {
			t.Error(err)
		}
	}
	wantCode(t, "other caps", do("a", Amounts{Uses: 1}), fault.Exists)
	r := reservation(Amounts{Uses: MaxAmount}, "a")
	if err := reserve(s, r); err != nil {
		t.Errorf("all of an unlimited dimension: %v", err)
	}
	r.Key[0], r.Amounts = 2, Amounts{Uses: 1}
	wantCode(t, "beyond MaxAmount", reserve(s, r), fault.Unavailable)
	if d, err := ParseDim("dp.rho"); err != nil || d != DPRho || d.String() != "dp.rho" {
		t.Errorf("ParseDim = %v, %v", d, err)
	}
	_, err := ParseDim("epsilon")
	wantCode(t, "unknown dimension", err, fault.Invalid)
}

func TestChargeOnAbort(t *testing.T) {
	for d := range DimCount {
		for _, c := range []struct {
			used, metered bool
			reading, want int64
		}{
			{false, false, 0, 0},
			{false, true, 5, 0},
			{true, false, 5, 10},
			{true, true, 5, 5},
			{true, true, 11, 10},
			{true, true, -1, 0},
			{true, true, 0, 0},
		} {
			want := c.want
			switch {
			case d == Money:
				want = 0
			case d != Rows && d != Fuel && c.used:
				want = 10
			}
			if got := ChargeOnAbort(d, c.used, 10, c.reading, c.metered); got != want {
				t.Errorf("ChargeOnAbort(%v, %v, 10, %d, %v) = %d, want %d", d, c.used, c.reading, c.metered, got, want)
			}
		}
	}
}

// TestMachine drives every state with every event: who answers, who stays, who refuses. The strings are the diagram.
func TestMachine(t *testing.T) {
	r := reservation(Amounts{Uses: 2, Money: 3}, "grant:1")
	base := func(s State, used bool) Hold { return Hold{Reservation: r, State: s, Used: used} }
	done := base(Committed, true)
	done.Actual, done.Sealed = Amounts{Uses: 1}, [32]byte{7}
	next := r
	next.Round = 1
	later := r.Expires
	events := []Event{
		{Kind: EvReserve, Reservation: r},
		{Kind: EvReserve, Reservation: next},
		{Kind: EvBegin, Now: epoch},
		{Kind: EvBegin, Now: later},
		{Kind: EvUse},
		{Kind: EvCommit, Actual: Amounts{Uses: 1}, Sealed: [32]byte{7}},
		{Kind: EvAbort, Reason: "x"},
		{Kind: EvCapture, Actual: Amounts{Money: 2}},
		{Kind: EvRelease, Reason: "x"},
		{Kind: EvExpire, Now: epoch},
		{Kind: EvExpire, Now: later},
		{Kind: eventCount},
	}
	const stay = "stay"
	for name, c := range map[string]struct {
		h    Hold
		want []string
	}{
		"absent": {Hold{}, []string{
			"held", "Invalid", "Invalid", "Invalid", "Invalid", "Invalid", "Invalid", "Invalid", "Invalid", "Invalid", "Invalid", "Invalid",
		}},
		"held": {base(Held, false), []string{
			stay, "Unavailable", "open", "Expired", "Invalid", "Invalid", "released", "Invalid", "released", "Invalid", "expired", "Invalid",
		}},
		"open": {base(Open, false), []string{
			stay, "Unavailable", stay, stay, "open", "committed", "released", "Invalid", "released", "Invalid", "Invalid", "Invalid",
		}},
		"used": {base(Open, true), []string{
			stay, "Unavailable", stay, stay, stay, "committed", "committed", "Invalid", "Invalid", "Invalid", "Invalid", "Invalid",
		}},
		"committed": {done, []string{
			"Exists", "Exists", "Invalid", "Invalid", "Invalid", stay, stay, "committed", "Invalid", "Invalid", "Invalid", "Invalid",
		}},
		"released": {base(Released, false), []string{
			"Expired", "held", "Expired", "Expired", "Invalid", "Invalid", stay, "Invalid", stay, "Invalid", "Invalid", "Invalid",
		}},
		"expired": {base(Expired, false), []string{
			"Expired", "held", "Expired", "Expired", "Invalid", "Invalid", stay, "Invalid", stay, stay, stay, "Invalid",
		}},
	} {
		for i, e := range events {
			got, effects := c.h.Next(e)
			answer := stay
			switch {
			case len(effects) == 1 && effects[0].Kind == EffectReject:
				answer = effects[0].Code.String()
			case len(effects) > 0:
				answer = got.State.String()
			}
			if answer != c.want[i] {
				t.Errorf("%s, event %d (%d): %s, want %s", name, i, e.Kind, answer, c.want[i])
			}
			if len(effects) == 0 || effects[0].Kind == EffectReject {
				if string(got.Encode()) != string(c.h.Encode()) {
					t.Errorf("%s, event %d: changed although it stays", name, i)
				}
			}
		}
	}
}

func TestNextIsPure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := Hold{
			Reservation: reservation(Amounts{Uses: 3, Rows: 4, Money: 5}, "a", "b"),
			State:       State(rapid.IntRange(0, 7).Draw(t, "state")), Used: rapid.Bool().Draw(t, "used"),
		}
		e := Event{
			Kind: EventKind(rapid.IntRange(0, 9).Draw(t, "kind")), Now: epoch, Reservation: h.Reservation, Reason: "x",
			Actual: Amounts{Uses: rapid.Int64().Draw(t, "uses"), Money: rapid.Int64().Draw(t, "money")},
		}
		before := string(h.Encode())
		a, _ := h.Next(e)
		b, _ := h.Next(e)
		if string(h.Encode()) != before || string(a.Encode()) != string(b.Encode()) {
			t.Fatal("Next is not a function of its arguments")
		}
	})
}

func signed(v Vote, err error) Vote {
	if err != nil {
		panic(err)
	}
	return v
}
