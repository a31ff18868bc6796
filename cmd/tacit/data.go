package main

import (
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/node/rpc"
)

type columnJSON struct {
	Name  string   `json:"name"`
	Type  string   `json:"type"`
	Roles []string `json:"roles"`
}

type datasetJSON struct {
	ID      string       `json:"id"`
	Owner   string       `json:"owner"`
	Rows    int64        `json:"rows"`
	Columns []columnJSON `json:"columns"`
	Digest  string       `json:"digest"`
}

func (a *app) dataCommand() *cobra.Command {
	return group("data", "Register and list this node's own data", a.dataAdd(), a.dataList())
}

func (a *app) dataAdd() *cobra.Command {
	var d node.NewDataset
	c := &cobra.Command{
		Use: "add NAME FILE --key COLUMN", Short: "Register a file of the node's machine as a dataset; nothing of it is sent anywhere",
		Args: args("NAME", "FILE"),
		RunE: func(c *cobra.Command, got []string) error {
			if len(d.Keys) == 0 {
				return usagef("data add needs --key: the columns that identify a row")
			}
			path, err := filepath.Abs(got[1]) // the node has a working directory of its own
			if err != nil {
				return fault.Wrap(fault.Invalid, "tacit.DataAdd", err, "the path cannot be resolved")
			}
			d.Name, d.Path = got[0], path
			return a.with(func(client *rpc.Client) error {
				r, err := client.AddDataset(c.Context(), d)
				if err != nil {
					return err
				}
				out := datasetJSON{r.ID(), string(r.Owner), r.Rows, []columnJSON{}, hex.EncodeToString(r.DataDigest[:])}
				var rows [][]string
				for _, col := range r.Columns {
					out.Columns = append(out.Columns, columnJSON{col.Name, col.Type, plain(col.Roles)})
					rows = append(rows, []string{col.Name, col.Type, join(col.Roles, ",")})
				}
				return a.show(struct {
					head
					datasetJSON
				}{kind("dataset"), out}, func() error {
					if err := a.say("%s  %d rows  sha256 %s\n", out.ID, out.Rows, out.Digest); err != nil {
						return err
					}
					return a.table([]string{"COLUMN", "TYPE", "ROLE"}, rows)
				})
			})
		},
	}
	c.Flags().StringArrayVar(&d.Keys, "key", nil, "a column that identifies a row; always read as text; repeat for more")
	c.Flags().StringVar(&d.Target, "target", "", "the label column, if there is one")
	return c
}

func (a *app) dataList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List this node's datasets", Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(func(client *rpc.Client) error {
				list, err := client.Datasets(c.Context())
				if err != nil {
					return err
				}
				out := page[datasetJSON]{head: kind("datasets"), Items: []datasetJSON{}}
				var rows [][]string
				for _, r := range list {
					d := datasetJSON{r.ID(), string(r.Owner), r.Rows, []columnJSON{}, hex.EncodeToString(r.DataDigest[:])}
					for _, col := range r.Columns {
						d.Columns = append(d.Columns, columnJSON{col.Name, col.Type, plain(col.Roles)})
					}
					out.Items = append(out.Items, d)
					rows = append(rows, []string{d.ID, d.Owner, strconv.FormatInt(d.Rows, 10), fmt.Sprint(len(d.Columns)), d.Digest[:16]})
				}
				return a.show(out, func() error {
					return a.table([]string{"DATASET", "OWNER", "ROWS", "COLUMNS", "SHA256"}, rows)
				})
			})
		},
	}
}
