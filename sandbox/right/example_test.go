package right

import (
	"crypto/ed25519"
	"fmt"

	"github.com/tacit-data/tacit/api/party"
)

// Both parties sign the same bytes; a price changed afterwards is seen by everybody.
func ExampleVerifyAgreement() {
	a := deal()
	payload, err := a.Encode()
	if err != nil {
		fmt.Println(err)
		return
	}
	bank, _ := Sign("bank", payload, key(1))
	utility, _ := Sign("utility", payload, key(2))
	keys := map[party.ID]ed25519.PublicKey{"bank": pub(1), "utility": pub(2)}

	fmt.Println(VerifyAgreement(a, []Signature{bank, utility}, keys))
	fmt.Println(VerifyAgreement(a, []Signature{bank}, keys))
	a.Price.Minor = 1
	fmt.Println(VerifyAgreement(a, []Signature{bank, utility}, keys))
	// Output:
	// <nil>
	// right.VerifyAgreement: Denied: rule agreement/signature: utility has not signed
	// right.VerifyAgreement: Misbehaved (bank): bad signature of bank
}

// A grant lives by a table: what is not in it is refused.
func ExampleGrantState_Step() {
	s := GrantProposed
	for _, e := range []GrantEvent{GrantActivate, GrantSuspend, GrantResume, GrantRevoke, GrantResume} {
		next, err := s.Step(e)
		fmt.Println(s, "+", e, "=", next, err)
		s = next
	}
	// Output:
	// proposed + activate = active <nil>
	// active + suspend = suspended <nil>
	// suspended + resume = active <nil>
	// active + revoke = revoked <nil>
	// revoked + resume = revoked right.GrantState: Invalid: a grant that is "revoked" cannot "resume"
}
