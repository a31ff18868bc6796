package demo

import (
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/node"
)

// reportOf puts what the demo gathered in the form of the report.
func reportOf(o Options, res *outcome) Report {
	r := Report{
		Version: node.Version, Command: o.command(), Elapsed: res.wall,
		LabelHolder: Participant{Party: "bank", Job: res.bank, Model: res.models["bank"]},
		Host:        Participant{Party: "utility", Job: res.utility, Model: res.models["utility"]},
		Quality:     res.report, Cells: res.cells, Twin: res.twin, Invoice: res.invoice,
	}
	for _, p := range []party.ID{"bank", "utility", "coordinator"} {
		r.Logs = append(r.Logs, Log{Party: p, Audit: res.audits[p]})
	}
	return r
}
