package main

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/node/identity"
	"github.com/tacit-data/tacit/node/rpc"
)

func (a *app) inviteCommand() *cobra.Command {
	return &cobra.Command{
		Use: "invite PARTY", Short: "Make an invite for another party: one word, used once", Args: args("PARTY"),
		RunE: func(c *cobra.Command, got []string) error {
			p, err := party.Parse(got[0])
			if err != nil {
				return err
			}
			return a.with(func(client *rpc.Client) error {
				token, expires, err := client.Invite(c.Context(), p)
				if err != nil {
					return err
				}
				return a.show(struct {
					head
					Party   string `json:"party"`
					Invite  string `json:"invite"`
					Expires string `json:"expires"`
				}{kind("invite"), got[0], token, stamp(expires)}, func() error {
					if err := a.note("Hand this to %s over a channel you trust; it is a secret until %s.\n", p, stamp(expires)); err != nil {
						return err
					}
					return a.say("%s\n", token)
				})
			})
		},
	}
}

func (a *app) joinCommand() *cobra.Command {
	return &cobra.Command{
		Use: "join INVITE", Short: "Use an invite: the node dials the inviter and pins it", Args: args("INVITE"),
		RunE: func(c *cobra.Command, got []string) error {
			return a.with(func(client *rpc.Client) error {
				v, err := client.Join(c.Context(), got[0])
				if err != nil {
					return err
				}
				info, err := client.Info(c.Context())
				if err != nil {
					return err
				}
				return a.onePeer(v, fmt.Sprintf("Read your words to %s, which sees them in peer list: %s\nThen %s runs: tacit peer approve %s\n",
					v.Party, wordsOf(info), v.Party, info.Party))
			})
		},
	}
}

// wordsOf is a node's fingerprint as words; empty when it is malformed.
func wordsOf(v node.Info) string {
	b, err := hex.DecodeString(v.RootFingerprint)
	if err != nil || len(b) != len(identity.Pin{}) {
		return ""
	}
	return identity.Words(identity.Pin(b))
}

func (a *app) peerCommand() *cobra.Command {
	approve := &cobra.Command{
		Use: "approve PARTY", Short: "Pin a party whose words you have compared", Args: args("PARTY"),
		RunE: func(c *cobra.Command, got []string) error {
			p, err := party.Parse(got[0])
			if err != nil {
				return err
			}
			return a.with(func(client *rpc.Client) error {
				v, err := client.ApprovePeer(c.Context(), p)
				if err != nil {
					return err
				}
				return a.onePeer(v, "")
			})
		},
	}
	list := &cobra.Command{
		Use: "list", Short: "List the known parties", Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(func(client *rpc.Client) error {
				list, err := client.Peers(c.Context())
				if err != nil {
					return err
				}
				return a.show(listOf("peers", list, peerOf), func() error {
					var rows [][]string
					for _, p := range list {
						rows = append(rows, []string{string(p.Party), string(p.State), p.Link, strings.Join(p.Addresses, ","), p.Words})
					}
					return a.table([]string{"PARTY", "STATE", "LINK", "ADDRESSES", "WORDS"}, rows)
				})
			})
		},
	}
	return group("peer", "Approve and list other parties", approve, list)
}

func (a *app) onePeer(v node.PeerView, next string) error {
	return a.show(struct {
		head
		peerJSON
	}{kind("peer"), peerOf(v)}, func() error {
		if err := table(a.out, [][]string{
			{"party", string(v.Party)},
			{"state", string(v.State)},
			{"words", v.Words},
			{"root", v.RootFingerprint},
			{"addresses", strings.Join(v.Addresses, ", ")},
		}); err != nil {
			return err
		}
		return a.note("%s", next)
	})
}
