package oprf_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"github.com/tacit-data/tacit/protocols/conntest"
	"github.com/tacit-data/tacit/protocols/oprf"
)

// A bank asks which of its three applicants are in a register of five, and gets the register's grade for each. The
// register learns that three were asked about.
func Example() {
	params, err := oprf.NewParams(oprf.ParamsLiteral{
		Suite: oprf.SuiteRistretto255, SSP: 40, ServerItems: 1000, Queries: 1 << 20, SessionQueries: 100, ValueBytes: 1,
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	// Once per epoch, at the register.
	key, err := oprf.GenerateKey(oprf.SuiteRistretto255, rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer key.Wipe()
	register := map[string]string{"ann": "A", "bo": "C", "cy": "B", "di": "A", "ed": "B"}
	rows := func(yield func(oprf.Row, error) bool) {
		for name, grade := range register {
			if !yield(oprf.Row{Digest: sha256.Sum256([]byte(name)), Value: []byte(grade)}, nil) {
				return
			}
		}
	}
	var file bytes.Buffer
	epoch := sha256.Sum256([]byte("2026-11"))
	offline := oprf.Offline{Key: key, Epoch: epoch, Rand: rand.Reader, Workers: 2}
	pin, err := oprf.BuildTags(context.Background(), offline, rows, &file, params)
	if err != nil {
		fmt.Println(err)
		return
	}

	// Once per epoch, at the bank, which got the file by ReceiveTags.
	tags, err := oprf.OpenTags(context.Background(), bytes.NewReader(file.Bytes()), int64(file.Len()), params)
	if err != nil {
		fmt.Println(err)
		return
	}

	// As often as the plan allows.
	bankSession, registerSession := conntest.RandomSessions("bank", "register")
	bankConn, registerConn := conntest.Pair("bank", "register")
	names := []string{"flo", "cy", "ann"}
	digests := make([]oprf.Digest, len(names))
	for i, name := range names {
		digests[i] = sha256.Sum256([]byte(name))
	}
	var found oprf.Matches
	var used int
	errBank, errRegister := conntest.Both(bankConn,
		func() (err error) {
			found, err = oprf.Query(context.Background(), bankSession, bankConn, digests, tags)
			return err
		},
		func() (err error) {
			used, err = oprf.Serve(context.Background(), registerSession, registerConn, oprf.Service{Key: key, Pin: pin}, params)
			return err
		})
	if errBank != nil || errRegister != nil {
		fmt.Println(errBank, errRegister)
		return
	}
	for k, i := range found.Position {
		fmt.Printf("%s: %s\n", names[i], found.Value[k])
	}
	fmt.Println("evaluations:", used, "as declared:", bankConn.Cost() == params.Cost(len(names)))
	// Output:
	// cy: B
	// ann: A
	// evaluations: 3 as declared: true
}

// The planner asks for the price before anything runs: ten million server items, a hundred thousand queries.
func ExampleParams_Cost() {
	params, err := oprf.NewParams(oprf.ParamsLiteral{
		Suite: oprf.SuiteRistretto255, SSP: 40, ServerItems: 10_000_000, Queries: 1 << 24, SessionQueries: 100_000,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	once, each := params.TransferCost(10_000_000), params.Cost(100_000)
	fmt.Printf("once per epoch: %d bytes\n", once.RecvBytes)
	fmt.Printf("each run: %d flights, %d bytes sent, %d received\n", each.Rounds, each.SentBytes, each.RecvBytes)
	for _, l := range params.Leaks() {
		fmt.Println("reveals:", l.Detail, "to", l.To)
	}
	// Output:
	// once per epoch: 110001226 bytes
	// each run: 2 flights, 3200247 bytes sent, 3200695 received
	// reveals: the number of queries of each run to server
	// reveals: the number of distinct items of the server in each tag file to client
	// reveals: which of its queries the server also holds to client
}

// The bare function: a client learns F(input) under the server's key; the server learns nothing.
func ExampleBlind() {
	ctx := context.Background()
	client, server := conntest.RandomSessions("client", "server")
	key, err := oprf.GenerateKey(oprf.SuiteRistretto255, rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	input := []byte("a keyword")
	blinded, err := oprf.Blind(ctx, client, oprf.SuiteRistretto255, oprf.ModeVOPRF, [][]byte{input})
	if err != nil {
		fmt.Println(err)
		return
	}
	evaluated, proof, err := key.BlindEvaluate(ctx, server, oprf.ModeVOPRF, blinded.Request())
	if err != nil {
		fmt.Println(err)
		return
	}
	output, err := blinded.Finalize(ctx, client.Workers, key.Public(), evaluated, proof)
	if err != nil {
		fmt.Println(err)
		return
	}
	own, err := key.Evaluate(oprf.ModeVOPRF, input)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(output), "bytes, as the server computes it:", bytes.Equal(output, own))
	// Output:
	// 64 bytes, as the server computes it: true
}
