package demo

import (
	"strings"
)

// The shape of the demo's job; examples/credit/job.yaml is the same file for the sample.
const (
	purpose = "credit-risk"
	epsilon = "1.0"
	minRows = 100 // of the test part, for the metrics
)

// noContract stands in the example's job file where the agreement's id goes.
const noContract = "sha256:" + "0000000000000000000000000000000000000000000000000000000000000000"

// jobText renders the job. group and its keys are empty when no noised answer is asked for.
func jobText(contract, id, label, group, keys string, bank, utility []string) string {
	bankColumns := bank
	stats, release := "", ""
	if group != "" {
		bankColumns = append([]string{group}, bank...)
		stats = "  - {id: stats, op: aggregate, in: [joined], with: {group: " + word(group) + ", keys: " + keys +
			", measures: [count, rate], label: " + word(label) + ", epsilon: \"" + epsilon + "\"}}\n"
		release = "  - {id: r-stats, from: stats, to: [bank, utility]}\n"
	}
	return `version: 1
name: credit-lr
purpose: ` + purpose + `
contract: ` + contract + `
trust: 2pc-semihonest
parties: [bank, utility]
coordinator: coordinator
inputs:
  - {id: loans, party: bank, dataset: loans@1, key: [` + word(id) + `], target: ` + word(label) + `, columns: ` + list(bankColumns) + `}
  - {id: usage, party: utility, dataset: usage@1, key: [` + word(id) + `], columns: ` + list(utility) + `}
steps:
  - {id: joined, op: align, in: [loans, usage], with: {index: [bank, utility]}}
` + stats + `  - {id: parts, op: split, in: [joined], with: {test: 0.2, seed: 42}}
  - {id: scaled, op: scale, in: [parts], with: {method: zscore, clip: 8}}
  - {id: model, op: train.glm, in: [scaled], with: {link: logit, max_iter: 30, tol: 0.001, lambda: 1}}
  - {id: scores, op: predict, in: [scaled, model], with: {part: test}}
  - {id: report, op: evaluate, in: [scores], with: {metrics: [auc, ks, lift, roc]}}
releases:
  - {id: r-report, from: report, to: [bank, utility], min_rows: 100}
  - {id: r-model, from: model, to: [bank, utility], form: own-coefficients}
` + release
}

// SampleJob is the job file of the sample, as examples/credit holds it.
func SampleJob() string {
	return jobText(noContract, "id", "y", "region", list(Regions), columnNames(bankColumns), columnNames(utilityColumns))
}

// word quotes a name for YAML: names come from the user's files.
func word(s string) string {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' && (i == 0 || c < '0' || c > '9') {
			return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
		}
	}
	return s
}

func list(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = word(n)
	}
	return "[" + strings.Join(out, ", ") + "]"
}
