package job_test

import (
	"fmt"

	"github.com/tacit-data/tacit/api/job"
)

func ExampleParse() {
	spec, err := job.Parse([]byte(`
version: 1
name: overlap
purpose: credit-risk
trust: 2pc-semihonest
parties: [utility, bank]
coordinator: bank
inputs:
  - {id: loans, party: bank,    dataset: loans@3, key: [id_hash]}
  - {id: usage, party: utility, dataset: usage@1, key: [id_hash]}
steps:
  - {id: joined, op: align, in: [loans, usage], with: {index: [bank]}}
`), job.YAML)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(spec.Parties, spec.Steps[0].Word("protocol"))
	_, err = job.Parse([]byte("version: 1\nnmae: overlap\n"), job.YAML)
	fmt.Println(err)
	fmt.Println(job.JobID("bank", "request-1"))
	// Output:
	// [bank utility] ecdh
	// job.Parse: Invalid: line 2, column 1, /nmae: unknown field; known here are ["version" "name" "purpose" "contract" "trust" "parties" "coordinator" "compiler" "inputs" "steps" "releases" "limits" "inherit"]
	// 6fbdd8dabf496a6f303fde22488113b9
}
