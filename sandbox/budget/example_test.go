package budget

import (
	"crypto/ed25519"
	"fmt"

	"github.com/tacit-data/tacit/api/party"
)

// Example takes one owner through a step: set aside, open, commit less than was held, ask again.
func Example() {
	ledger := newState()
	must(ledger.do(func(tx Tx) error { return OpenAccount(tx, "grant:1", Amounts{Uses: 10, DPRho: 500}) }))

	r := reservation(Amounts{Uses: 1, DPRho: 125}, "grant:1")
	var vote Vote
	must(ledger.do(func(tx Tx) (err error) { vote, err = Reserve(tx, r, epoch); return err }))

	pub, priv, _ := ed25519.GenerateKey(nil)
	barrier := Barrier{
		Key: r.Key, Owners: []party.ID{"bank"}, Votes: []Vote{signed(vote.Sign(priv))},
		PublicKey: func(party.ID) (ed25519.PublicKey, bool) { return pub, true },
	}
	must(ledger.do(func(tx Tx) error { return Begin(tx, barrier, epoch) }))
	must(ledger.do(func(tx Tx) error { return Use(tx, r.Key) }))
	must(ledger.do(func(tx Tx) error { return Commit(tx, r.Key, Amounts{Uses: 1, DPRho: 125}, [32]byte{7}) }))

	a, _, _ := ledger.begin().Account("grant:1")
	fmt.Println("remaining:", a.Remaining(Uses), Uses, a.Remaining(DPRho), DPRho)
	_, err := Reserve(ledger.begin(), r, epoch)
	fmt.Println(err)
	// Output:
	// remaining: 9 uses 375 dp.rho
	// budget.Reserve: Exists: the key is committed: ask for its answer
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
