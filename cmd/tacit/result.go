package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tacit-data/tacit/node/rpc"
)

func (a *app) getCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use: "get JOB OUTPUT", Short: "Print or save a result that was released to this party", Args: args("JOB", "OUTPUT"),
		RunE: func(c *cobra.Command, got []string) error {
			return a.with(func(client *rpc.Client) error {
				res, err := client.Result(c.Context(), got[0], got[1])
				if err != nil {
					return err
				}
				if path != "" {
					return a.save(path, res.JSON)
				}
				rows, err := outline(res.JSON)
				if err != nil {
					return err
				}
				return a.show(struct {
					head
					Job        string          `json:"job"`
					Output     string          `json:"output"`
					ResultKind string          `json:"result_kind"`
					Result     json.RawMessage `json:"result"`
				}{kind("result"), got[0], got[1], res.Kind, res.JSON}, func() error { return table(a.out, rows) })
			})
		},
	}
	c.Flags().StringVarP(&path, "output", "o", "", "write the result to this file")
	return c
}

func (a *app) invoiceCommand() *cobra.Command {
	return &cobra.Command{
		Use: "invoice JOB", Short: "Show what a job costs and who is paid", Args: args("JOB"),
		RunE: func(c *cobra.Command, got []string) error {
			return a.with(func(client *rpc.Client) error {
				v, err := client.Invoice(c.Context(), got[0])
				if err != nil {
					return err
				}
				return a.show(invoiceOf(v), func() error {
					rows := [][]string{
						{"job", v.Job},
						{"agreement", v.Agreement},
						{"payer", string(v.Payer)},
						{"total", formatPrice(v.TotalMinor, v.Currency)},
					}
					for _, l := range v.Lines {
						rows = append(rows, []string{"to " + string(l.Payee), fmt.Sprintf("%s  weight %d", formatPrice(l.AmountMinor, v.Currency), l.Weight)})
					}
					if v.Leaf >= 0 {
						rows = append(rows, []string{"proof", fmt.Sprintf("tacit audit prove %d", v.Leaf)})
					}
					return table(a.out, rows)
				})
			})
		},
	}
}

func (a *app) elementCommand() *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "List the sealed elements at this node", Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(func(client *rpc.Client) error {
				list, err := client.Elements(c.Context())
				if err != nil {
					return err
				}
				return a.show(listOf("elements", list, elementOf), func() error {
					var rows [][]string
					for _, e := range list {
						rows = append(rows, []string{short(e.ID), e.Kind, e.State, short(e.Job), e.Step, fmt.Sprint(e.Grade), join(e.Inputs, ",")})
					}
					return a.table([]string{"ELEMENT", "KIND", "STATE", "JOB", "STEP", "GRADE", "INPUTS"}, rows)
				})
			})
		},
	}
	return group("element", "List elements: what jobs made", list)
}
