package okvs_test

import (
	"crypto/rand"
	"fmt"

	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/internal/kernel/okvs"
)

func Example() {
	key := []aes.Block{{'a'}, {'b'}, {'c'}}
	val := []aes.Block{{1}, {2}, {3}}
	p, err := okvs.NewParams(len(key), 40)
	if err != nil {
		fmt.Println(err)
		return
	}
	seed := aes.Block{42} // fresh for every run, chosen after the keys
	vector := make([]aes.Block, p.Slots())
	if err := okvs.Encode(vector, key, val, seed, p, rand.Reader); err != nil {
		fmt.Println(err)
		return
	}
	got := make([]aes.Block, 4)
	okvs.Decode(got, append(key, aes.Block{'d'}), vector, seed, p)
	fmt.Println(got[0] == val[0], got[1] == val[1], got[2] == val[2], got[3] == aes.Block{})
	// Output: true true true false
}
