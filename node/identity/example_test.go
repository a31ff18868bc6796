package identity_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"time"

	"github.com/tacit-data/tacit/node/identity"
)

// Two parties meet: the bank invites, the utility joins over a handshake with the given exporter value, and each learns
// the other's certified keys.
func Example() {
	dir, err := os.MkdirTemp("", "identity")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	bank, _ := identity.Create(dir+"/bank", "bank", rand.Reader, now)
	utility, _ := identity.Create(dir+"/utility", "utility", rand.Reader, now)
	bankCard, _ := bank.Card([]string{"node.bank.example:7443"}, now)
	utilityCard, _ := utility.Card(nil, now)

	inviter := identity.NewInviter(bank)
	issued, _ := inviter.Issue(bankCard.Addresses, identity.InviteTerm, rand.Reader, now)
	invite, _ := identity.ParseInvite(issued.TokenInsecure()) // read out of a letter, say

	exporter := make([]byte, identity.ExporterBytes) // from the TLS handshake
	joined, response, err := inviter.Redeem(exporter, invite.JoinRequest(exporter, utilityCard), bankCard, now)
	fmt.Println("bank learns", joined.Party, err)
	host, err := invite.AcceptResponse(exporter, utilityCard, response)
	fmt.Println("utility learns", host.Party, err)
	// Output:
	// bank learns utility <nil>
	// utility learns bank <nil>
}
