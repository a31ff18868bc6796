package audit

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
)

// A party writes what it did, signs the head of its log, and hands its partner a receipt that verifies offline.
func Example() {
	tx := &memLog{}
	for _, l := range []Leaf{
		{V: Version, ID: "01", T: 1, Type: DatasetRegistered, Actor: "utility", Refs: map[string]string{"dataset": "usage@1"}},
		{V: Version, ID: "02", T: 2, Type: PlanApproved, Actor: "utility", Refs: map[string]string{"job": "j-1"}, Body: map[string]any{"rows": 1000}},
	} {
		b, err := l.Encode()
		if err != nil {
			fmt.Println(err)
			return
		}
		if _, err := Append(tx, b); err != nil {
			fmt.Println(err)
			return
		}
	}

	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize)) // a real log draws its key
	root, _ := Root(tx, 2)
	checkpoint, err := SignCheckpoint(Checkpoint{Origin: Origin("utility.example", 1), Size: 2, Root: root}, key)
	if err != nil {
		fmt.Println(err)
		return
	}
	receipt, err := NewReceipt(tx, 1, checkpoint)
	if err != nil {
		fmt.Println(err)
		return
	}
	file := receipt.Marshal() // approval.tlog-proof

	vkey, _ := VerifierKey("utility.example/tacit/1", key.Public().(ed25519.PublicKey))
	back, err := ParseReceipt(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	leaf, head, err := back.Verify(vkey)
	fmt.Println(leaf.Type, leaf.Refs["job"], "leaf", back.Index, "of", head.Size, err)
	// Output: plan.approved j-1 leaf 1 of 2 <nil>
}
