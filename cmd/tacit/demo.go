package main

import (
	"github.com/spf13/cobra"

	"github.com/tacit-data/tacit/node/demo"
)

func (a *app) demoCommand() *cobra.Command {
	var o demo.Options
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run the main job between three nodes on this machine and report what came out",
		Long: "demo starts a bank, a utility and a coordinator as processes on loopback, lets them intersect their customers and\n" +
			"train a joint credit model without showing each other a row, and checks receipts, invoice and audit logs.\n" +
			"Without files it makes its own sample data. Everything is deleted at the end unless --keep is given.",
		Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.JSON = a.format == "json"
			return demo.Run(cmd.Context(), o, a.out, a.err)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Guest, "guest", "", "the bank's file (CSV, TSV, Arrow or Parquet) with keys, label and features")
	f.StringVar(&o.Host, "host", "", "the utility's file with keys and features")
	f.StringVar(&o.ID, "id", "", "the key column of both files")
	f.StringVar(&o.Label, "label", "", "the 0/1 label column of the bank's file")
	f.StringVar(&o.Group, "group", "", "a column of the bank's file to answer noised statistics by")
	f.IntVar(&o.Port, "port", 0, "insist on six ports from here on (default: 7600 and up where free)")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of the sample data")
	f.BoolVar(&o.Keep, "keep", false, "leave the nodes up until Ctrl-C and their directory behind")
	f.StringVar(&o.Report, "report", "report.html", "where the HTML report goes")
	return cmd
}
