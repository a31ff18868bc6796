package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/node/rpc"
)

func (a *app) agreementCommand() *cobra.Command {
	return group("agreement", "Offer, accept and list agreements: what is used, for what, at which price", a.agreementOffer(), a.agreementAccept(), a.agreementList())
}

func (a *app) agreementOffer() *cobra.Command {
	var f rpc.AgreementForm
	var price string
	var shares []string
	c := &cobra.Command{
		Use:   "offer",
		Short: "Offer an agreement to its parties; it binds when all have accepted",
		Example: "  tacit agreement offer --party bank --party utility --asset bank:loans@1 --asset utility:usage@1 \\\n" +
			"    --purpose credit-risk --price 120.00 --currency CNY --payer bank --share bank=55 --share utility=45 --expires 90d",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if f.PriceMinor, err = parsePrice(price, f.Currency); err != nil {
				return err
			}
			if f.Shares, err = parseShares(shares); err != nil {
				return err
			}
			agreement, err := f.Agreement(a.now())
			if err != nil {
				return err
			}
			return a.with(func(client *rpc.Client) error {
				v, err := client.Offer(c.Context(), agreement)
				if err != nil {
					return err
				}
				return a.oneAgreement(v)
			})
		},
	}
	flags := c.Flags()
	flags.StringArrayVar(&f.Parties, "party", nil, "a party that signs; repeat for each")
	flags.StringArrayVar(&f.Assets, "asset", nil, "owner:name@version; repeat for each")
	flags.StringVar(&f.Purpose, "purpose", "", "the one purpose")
	flags.StringVar(&price, "price", "0", "per run, exact, such as 120.00")
	flags.StringVar(&f.Currency, "currency", "CNY", "three capital letters")
	flags.StringVar(&f.Payer, "payer", "", "the party that pays")
	flags.StringArrayVar(&shares, "share", nil, "party=weight of the price; repeat for each payee")
	flags.StringVar(&f.Expires, "expires", "90d", "2026-12-31, 2026-12-31T12:00:00Z, 90d or 12h")
	return c
}

func (a *app) agreementAccept() *cobra.Command {
	return &cobra.Command{
		Use: "accept ID", Short: "Sign an agreement that was offered to this party", Args: args("ID"),
		RunE: func(c *cobra.Command, got []string) error {
			return a.with(func(client *rpc.Client) error {
				id, err := agreementID(c.Context(), client, got[0])
				if err != nil {
					return err
				}
				v, err := client.Accept(c.Context(), id)
				if err != nil {
					return err
				}
				return a.oneAgreement(v)
			})
		},
	}
}

// minPrefix is the shortest prefix of an id that is accepted.
const minPrefix = 6

// agreementID completes a prefix of an agreement's id, with or without "sha256:".
func agreementID(ctx context.Context, c *rpc.Client, prefix string) (string, error) {
	const op = "tacit.Agreement"
	digits := strings.TrimPrefix(prefix, "sha256:")
	if len(digits) >= 64 {
		return "sha256:" + digits, nil
	}
	if len(digits) < minPrefix {
		return "", usagef("an id is given by %d or more of its characters", minPrefix)
	}
	list, err := c.Agreements(ctx)
	if err != nil {
		return "", err
	}
	found := ""
	for _, v := range list {
		if !strings.HasPrefix(v.ID, "sha256:"+digits) {
			continue
		}
		if found != "" {
			return "", fault.New(fault.Invalid, op, "more than one agreement begins with %s", digits)
		}
		found = v.ID
	}
	if found == "" {
		return "", fault.New(fault.NotFound, op, "no agreement begins with %s", digits)
	}
	return found, nil
}

func (a *app) agreementList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List agreements", Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(func(client *rpc.Client) error {
				list, err := client.Agreements(c.Context())
				if err != nil {
					return err
				}
				return a.show(listOf("agreements", list, agreementOf), func() error {
					var rows [][]string
					for _, v := range list {
						t := v.Agreement
						rows = append(rows, []string{
							short(v.ID), string(v.State), join(t.Parties, ","), join(v.SignedBy, ","), t.Purpose,
							formatPrice(t.Price.Minor, t.Price.Currency), string(t.Payer), stampMillis(t.NotAfter),
						})
					}
					return a.table([]string{"AGREEMENT", "STATE", "PARTIES", "SIGNED", "PURPOSE", "PRICE", "PAYER", "EXPIRES"}, rows)
				})
			})
		},
	}
}

func (a *app) oneAgreement(v node.AgreementView) error {
	j := agreementOf(v)
	return a.show(struct {
		head
		agreementJSON
	}{kind("agreement"), j}, func() error {
		rows := [][]string{
			{"agreement", j.ID},
			{"state", j.State},
			{"parties", strings.Join(j.Parties, ", ")},
			{"signed by", strings.Join(j.SignedBy, ", ")},
			{"assets", strings.Join(j.Assets, ", ")},
			{"purpose", j.Purpose},
			{"price", formatPrice(j.PriceMinor, j.Currency) + " per run, paid by " + j.Payer},
		}
		for _, s := range v.Agreement.Shares {
			rows = append(rows, []string{"share", string(s.Party) + " " + formatWeight(s.Weight)})
		}
		return table(a.out, append(rows, []string{"expires", j.NotAfter}))
	})
}
