package psi_test

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/tacit-data/tacit/protocols/conntest"
	"github.com/tacit-data/tacit/protocols/psi"
)

// A bank learns which of its customers a utility also serves; the utility learns the same, in the same order.
func Example() {
	params, err := psi.NewParams(psi.ParamsLiteral{
		Method: psi.MethodECDH, Suite: psi.SuiteX25519, Output: psi.OutputBoth,
		SSP: 40, ReceiverItems: 3, SenderItems: 4,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	bankSession, utilitySession := conntest.RandomSessions("bank", "utility")
	bankConn, utilityConn := conntest.Pair("bank", "utility")
	bankKeys := []string{"ann", "bo", "cy"}
	utilityKeys := []string{"di", "cy", "ann", "ed"}

	var atBank, atUtility psi.Matches
	errBank, errUtility := conntest.Both(bankConn,
		func() (err error) {
			atBank, err = psi.Receive(context.Background(), bankSession, bankConn, items(bankSession.Binding, bankKeys), params)
			return err
		},
		func() (err error) {
			atUtility, err = psi.Send(context.Background(), utilitySession, utilityConn, items(utilitySession.Binding, utilityKeys), params)
			return err
		})
	if errBank != nil || errUtility != nil {
		fmt.Println(errBank, errUtility)
		return
	}
	same := true
	for k := range atBank.Position {
		same = same && bankKeys[atBank.Position[k]] == utilityKeys[atUtility.Position[k]]
	}
	fmt.Println(atBank.Count, "matches, same order at both:", same)
	fmt.Println("as declared:", bankConn.Cost() == params.Cost(3, 4))
	// Output:
	// 2 matches, same order at both: true
	// as declared: true
}

// items binds canonical keys to the session.
func items(binding [32]byte, keys []string) []psi.Item {
	out := make([]psi.Item, len(keys))
	for i, k := range keys {
		out[i] = psi.ItemOf(binding, sha256.Sum256([]byte(k)))
	}
	return out
}

// The planner asks for the price before anything runs.
func ExampleParams_Cost() {
	params, err := psi.NewParams(psi.ParamsLiteral{
		Method: psi.MethodECDH, Suite: psi.SuiteX25519, Output: psi.OutputReceiver,
		SSP: 40, ReceiverItems: 1 << 20, SenderItems: 1 << 20,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	c := params.Cost(1<<20, 1<<20)
	fmt.Printf("%d flights, %d bytes sent, %d received\n", c.Rounds, c.SentBytes, c.RecvBytes)
	for _, l := range params.Leaks() {
		fmt.Println("reveals:", l.Detail, "to", l.To)
	}
	// Output:
	// 4 flights, 33555125 bytes sent, 44041461 received
	// reveals: the number of distinct items of each party to all
	// reveals: which of its items the sender also holds to receiver
}

// A shop pays for an advertisement by the turnover with customers who saw it: the publisher holds who saw it, the shop
// who bought for how many fen. The publisher learns the number of buyers and the turnover, and no name.
func ExampleReceiveSum() {
	params, err := psi.NewParams(psi.ParamsLiteral{
		Method: psi.MethodECDH, Suite: psi.SuiteX25519, Output: psi.OutputSum, SSP: 40,
		ReceiverItems: 4, SenderItems: 3, MaxValue: 1_000_000, MinMatches: 2,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	publisherSession, shopSession := conntest.RandomSessions("publisher", "shop")
	publisherConn, shopConn := conntest.Pair("publisher", "shop")
	saw := items(publisherSession.Binding, []string{"ann", "bo", "cy", "di"})
	bought, fen := items(shopSession.Binding, []string{"ed", "cy", "ann"}), []int64{100, 19_900, 4_500}

	var sum psi.Sum
	errPublisher, errShop := conntest.Both(publisherConn,
		func() (err error) {
			sum, err = psi.ReceiveSum(context.Background(), publisherSession, publisherConn, saw, params)
			return err
		},
		func() error {
			return psi.SendSum(context.Background(), shopSession, shopConn, bought, fen, params)
		})
	if errPublisher != nil || errShop != nil {
		fmt.Println(errPublisher, errShop)
		return
	}
	fmt.Println(sum.Count, "buyers saw it and spent", sum.Total, "fen")
	for _, l := range params.Leaks() {
		fmt.Println("reveals:", l.Detail, "to", l.To)
	}
	// Output:
	// 2 buyers saw it and spent 24400 fen
	// reveals: the number of distinct items of each party to all
	// reveals: how many of its items the sender also holds to receiver
	// reveals: the sum of the sender's values over the items that both hold to receiver
	// reveals: a number of matches below the agreed minimum too, which its node promises to discard to receiver
}
