package main

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/node/rpc"
)

const maxGrantFile = 1 << 20

func formatWeight(w int64) string { return strconv.FormatInt(w, 10) }

func (a *app) grantCommand() *cobra.Command {
	return group("grant", "Open one of this node's datasets to others, for one purpose", a.grantCreate(), a.grantList())
}

// grantFlags is a grant on the command line.
type grantFlags struct {
	form             rpc.GrantForm
	columns, outputs []string
	file             string
}

func (a *app) grantCreate() *cobra.Command {
	var g grantFlags
	c := &cobra.Command{
		Use:   "create",
		Short: "Sign a grant and open its budget",
		Example: "  tacit grant create --asset loans@1 --grantee utility --purpose credit-risk --column id=key --column x0=feature \\\n" +
			"    --action align --action train --output model:bank:100 --uses 10 --expires 90d\n" +
			"  tacit grant create -f grant.yaml",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			form, err := g.read(c)
			if err != nil {
				return err
			}
			grant, err := form.Grant(a.now())
			if err != nil {
				return err
			}
			return a.with(func(client *rpc.Client) error {
				v, err := client.CreateGrant(c.Context(), grant)
				if err != nil {
					return err
				}
				return a.show(struct {
					head
					grantJSON
				}{kind("grant"), grantOf(v)}, func() error { return a.grants([]node.GrantView{v}) })
			})
		},
	}
	flags := c.Flags()
	flags.StringVarP(&g.file, "file", "f", "", "read the grant from a YAML file instead")
	flags.StringVar(&g.form.Asset, "asset", "", "name@version of an own dataset")
	flags.StringArrayVar(&g.form.Grantees, "grantee", nil, "a party that may take part; repeat for more")
	flags.StringVar(&g.form.Purpose, "purpose", "", "the one purpose")
	flags.StringArrayVar(&g.columns, "column", nil, "name=use[,use]: key, feature, label, group, aggregate, filter; repeat for each")
	flags.StringArrayVar(&g.form.Actions, "action", nil, "align, train, predict, aggregate, evaluate or export; repeat for more")
	flags.StringArrayVar(&g.outputs, "output", nil, "kind:recipient[,recipient][:min_rows][:noised]; repeat for more")
	flags.Int64Var(&g.form.Uses, "uses", 0, "runs in all")
	flags.Int64Var(&g.form.Rows, "rows", 0, "rows of one run at most; 0 for no bound")
	flags.StringVar(&g.form.Epsilon, "epsilon", "", "ε of one run, decimal; none permits exact outputs only")
	flags.StringVar(&g.form.Expires, "expires", "", "2026-12-31, 2026-12-31T12:00:00Z, 90d or 12h")
	flags.StringArrayVar(&g.form.Trust, "trust", nil, "a trust model the owner accepts (default 2pc-semihonest); repeat for more")
	flags.StringArrayVar(&g.form.Leaks, "leak", nil, "a kind of leakage the owner accepts (default what actions and outputs imply); repeat for more")
	flags.StringVar(&g.form.Agreement, "agreement", "", "id of the agreement that pays; sha256:…")
	return c
}

// read takes the grant from the file or from the flags, not from both.
func (g *grantFlags) read(c *cobra.Command) (rpc.GrantForm, error) {
	if g.file != "" {
		if c.Flags().NFlag() > 1+changed(c, "dir")+changed(c, "format") {
			return rpc.GrantForm{}, usagef("a grant comes from -f or from flags, not from both")
		}
		b, err := readFile(g.file, maxGrantFile)
		if err != nil {
			return rpc.GrantForm{}, err
		}
		return rpc.ReadGrant(b)
	}
	form := g.form
	if form.Asset == "" || form.Expires == "" {
		return form, usagef("grant create needs --asset and --expires, or -f")
	}
	var err error
	if form.Columns, err = parseColumns(g.columns); err != nil {
		return form, err
	}
	form.Outputs, err = parseOutputs(g.outputs)
	return form, err
}

func changed(c *cobra.Command, flag string) int {
	if c.Flags().Changed(flag) {
		return 1
	}
	return 0
}

func (a *app) grantList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List this node's grants with what is left of them", Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(func(client *rpc.Client) error {
				list, err := client.Grants(c.Context())
				if err != nil {
					return err
				}
				return a.show(listOf("grants", list, grantOf), func() error { return a.grants(list) })
			})
		},
	}
}

func (a *app) grants(list []node.GrantView) error {
	var rows [][]string
	for _, v := range list {
		g := v.Grant
		var left []string
		for _, c := range grantOf(v).Counters {
			left = append(left, c.String())
		}
		rows = append(rows, []string{
			g.ID, string(v.State), g.Asset, join(g.Grantees, ","), g.Purpose, join(g.Actions, ","), strings.Join(left, ", "), stampMillis(g.NotAfter),
		})
	}
	return a.table([]string{"GRANT", "STATE", "ASSET", "GRANTEES", "PURPOSE", "ACTIONS", "LEFT", "EXPIRES"}, rows)
}
