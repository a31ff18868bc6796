package plan_test

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/label"
	"github.com/tacit-data/tacit/node/plan"
)

// catalog describes one table alike at every party.
type catalog struct{}

func (catalog) Root(p party.ID) ([32]byte, error) { return [32]byte{p[0]}, nil }

func (catalog) Describe(p party.ID, _ string) (plan.Dataset, error) {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id_hash", Type: arrow.BinaryTypes.String},
		{Name: "region", Type: arrow.BinaryTypes.String},
		{Name: "late", Type: arrow.PrimitiveTypes.Int64},
	}, nil)
	return plan.Dataset{Type: engine.NewType(schema, label.PrivateTo(p)), Rows: 1000}, nil
}

func ExampleBuild() {
	spec, err := job.Parse([]byte(`
version: 1
name: late-rate
purpose: risk-statistics
trust: 2pc-semihonest
parties: [bank, utility]
coordinator: bank
inputs:
  - {id: loans, party: bank,    dataset: loans, key: [id_hash], target: late, columns: [region]}
  - {id: usage, party: utility, dataset: usage, key: [id_hash]}
steps:
  - {id: joined, op: align, in: [loans, usage], with: {index: [bank]}}
  - {id: rates, op: aggregate, in: [joined],
     with: {group: region, keys: [north, south], measures: [rate], epsilon: "1.0", label: late}}
releases:
  - {id: r-rates, from: rates, to: [utility]}
`), job.YAML)
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := plan.Build(spec, catalog{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range p.Leaks {
		fmt.Println(l.Text("en"))
	}
	need, _ := p.Needs("utility")
	fmt.Println(need.Uses, "use,", need.Rows, "rows, ρ", label.Pico(need.Rho))

	spec.Releases[0].From = "joined"
	_, err = plan.Build(spec, catalog{})
	fmt.Println(err)
	// Output:
	// reveals: the declared number of rows and the requested columns' names and types to bank, utility
	// reveals: the declared number of rows and the requested columns' names and types to bank, utility
	// reveals: the number of distinct items of each party to bank, utility
	// reveals: which of its items the sender also holds to bank
	// reveals: rate per group, with noise for ε = 1 to utility
	// reveals: DP does not cover membership: step joined discloses which rows match to bank
	// 1 use, 1000 rows, ρ 0.25
	// plan.Build: Denied: rule release/raw-column: release "r-rates": "joined" holds rows: "id_hash" of bank, "late" of bank, "region" of bank, "id_hash" of utility; release a model, a report or an aggregate instead
}
