package demo

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/engine/table"
	"github.com/tacit-data/tacit/node/exec"
	"github.com/tacit-data/tacit/sandbox/catalog"
)

// keysOf lists the groups that the job declares, as YAML writes them: those in the bank's own file. The list is public,
// and the bank publishes it; what is counted per group is not.
//
// Errors: fault.SchemaMismatch (no such column), fault.LimitExceeded (more groups than a job may declare).
func keysOf(ctx context.Context, o Options, bank catalog.Resource) (string, error) {
	if o.Group == "" {
		return "", nil
	}
	c, ok := bank.Column(o.Group)
	if !ok {
		return "", fault.New(fault.SchemaMismatch, "demo.keysOf", "the bank's file has no column %q to group by", o.Group)
	}
	s, err := exec.OpenFile(ctx, o.Guest, memory.NewGoAllocator(), table.Options{Keys: []string{o.ID}})
	if err != nil {
		return "", err
	}
	defer func() { _ = s.Close() }() // reading: nothing to lose
	values, null, err := feature.LoadStrings(ctx, s, o.Group, feature.All(int(bank.Rows)))
	if err != nil {
		return "", err
	}
	seen := map[string]bool{}
	for i, v := range values {
		if !null[i] && v != "" {
			seen[v] = true
		}
	}
	if len(seen) > job.MaxColumns {
		return "", fault.New(fault.LimitExceeded, "demo.keysOf", "column %q has %d groups, at most %d are declared", o.Group, len(seen), job.MaxColumns)
	}
	keys := slices.Sorted(maps.Keys(seen))
	if c.Type == "int64" {
		return "[" + strings.Join(keys, ", ") + "]", nil
	}
	return list(keys), nil
}
