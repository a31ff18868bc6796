package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/label"
)

// wideCatalog has the most columns a Spec can request.
type wideCatalog struct{}

func (wideCatalog) Root(party.ID) ([32]byte, error) { return [32]byte{}, nil }

func (wideCatalog) Describe(p party.ID, _ string) (Dataset, error) {
	fields := []arrow.Field{{Name: "k", Type: arrow.BinaryTypes.String}, {Name: "y", Type: arrow.PrimitiveTypes.Int64}}
	for i := range job.MaxColumns {
		fields = append(fields, arrow.Field{Name: fmt.Sprint("x", i), Type: arrow.PrimitiveTypes.Float64})
	}
	return Dataset{Type: engine.NewType(arrow.NewSchema(fields, nil), label.PrivateTo(p)), Rows: 1 << 20}, nil
}

// wideSpec requests all of them at both parties.
func wideSpec() string {
	names := make([]string, job.MaxColumns)
	for i := range names {
		names[i] = fmt.Sprint("x", i)
	}
	columns := "[" + strings.Join(names, ", ") + "]"
	return `version: 1
name: wide
purpose: p
trust: 2pc-semihonest
parties: [a, b]
coordinator: a
inputs:
  - {id: i, party: a, dataset: d, key: [k], target: y, columns: ` + columns + `}
  - {id: j, party: b, dataset: d, key: [k], columns: ` + columns + `}
steps:
  - {id: joined, op: align, in: [i, j], with: {index: [a, b]}}
  - {id: scaled, op: scale, in: [joined]}
  - {id: model, op: train.glm, in: [scaled]}
  - {id: scores, op: predict, in: [scaled, model]}
releases:
  - {id: r, from: model, to: [a, b]}
`
}

// The work of a build stays near the size of the Spec: a submitter must not be able to stall a node with one.
func TestWidestPlanBuilds(t *testing.T) {
	s := parseSpec(t, wideSpec())
	p := mustBuild(t, s, wideCatalog{})
	if got := len(p.Steps[2].Out.Columns); got != 2*job.MaxColumns+1 {
		t.Errorf("%d coefficients", got)
	}
	s.Releases[0].From = "scaled"
	_, err := build(s, wideCatalog{}, withModels)
	if reason := fault.ReasonOf(err); fault.CodeOf(err) != fault.Denied || len(reason) > 1000 || !strings.Contains(reason, "8179 more") {
		t.Errorf("refusal of %d bytes: %v", len(reason), err)
	}
}
