package main

import (
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/node/rpc"
)

func (a *app) auditCommand() *cobra.Command {
	return group("audit", "Verify the log and prove what is in it", a.auditVerify(), a.auditProve())
}

func (a *app) auditVerify() *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Recompute the log in --dir from its first leaf; no node needs to run",
		Long:  "Recompute the log in --dir from its first leaf and compare state, tree and signed checkpoint. No node needs to run.\nA difference is exit code 26 and names the leaf.",
		Args:  args(),
		RunE: func(c *cobra.Command, _ []string) error {
			v, err := node.VerifyAuditOffline(c.Context(), a.dir)
			if err != nil {
				return err
			}
			return a.show(auditOf(v), func() error {
				return table(a.out, [][]string{
					{"log", fmt.Sprintf("%d leaves, every one verified", v.Size)},
					{"root", hex.EncodeToString(v.Root[:])},
					{"key", v.VerifierKey},
				})
			})
		},
	}
}

func (a *app) auditProve() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use: "prove LEAF", Short: "Print the inclusion proof of one leaf (c2sp.org/tlog-proof@v1), which anybody can verify", Args: args("LEAF"),
		RunE: func(c *cobra.Command, got []string) error {
			leaf, err := strconv.ParseInt(got[0], 10, 64)
			if err != nil || leaf < 0 {
				return usagef("a leaf is a number from 0")
			}
			return a.with(func(client *rpc.Client) error {
				proof, vkey, err := client.Proof(c.Context(), leaf)
				if err != nil {
					return err
				}
				if path != "" {
					return a.save(path, proof)
				}
				return a.show(struct {
					head
					Leaf        int64  `json:"leaf"`
					Proof       string `json:"tlog_proof"`
					VerifierKey string `json:"verifier_key"`
				}{kind("proof"), leaf, string(proof), vkey}, func() error {
					if err := a.note("verifier key: %s\n", vkey); err != nil {
						return err
					}
					return a.save("", proof)
				})
			})
		},
	}
	c.Flags().StringVarP(&path, "output", "o", "", "write the proof to this file")
	return c
}
