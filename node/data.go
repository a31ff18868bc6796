package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/engine/dp"
	"github.com/tacit-data/tacit/engine/table"
	"github.com/tacit-data/tacit/engine/table/parquet"
	"github.com/tacit-data/tacit/node/coordinator"
	"github.com/tacit-data/tacit/node/store"
	"github.com/tacit-data/tacit/sandbox/audit"
	"github.com/tacit-data/tacit/sandbox/budget"
	"github.com/tacit-data/tacit/sandbox/catalog"
)

const (
	// defaultGrade is what a column is graded until a rule pack says otherwise: sensitive.
	defaultGrade = 3
	// lifetimeEpsilon and lifetimeDelta bound what all grantees together may learn about a dataset's units, over all its
	// versions: no republication refills it.
	lifetimeEpsilon = 10 * dp.One
	lifetimeDelta   = 1_000_000 // 1e-6 in pico
)

// AddDataset registers a file as the next version of a dataset: schema, rows and digest, never a value. The file stays
// where it is; a job refuses it once its bytes have changed.
//
// Errors: those of table.Describe (fault.NotFound for a missing file); fault.SchemaMismatch when a key or target column
// is not in the file; fault.Invalid.
func (n *Node) AddDataset(ctx context.Context, d NewDataset) (catalog.Resource, error) {
	path, err := filepath.Abs(d.Path)
	if err != nil {
		return catalog.Resource{}, fault.Wrap(fault.Invalid, "node.AddDataset", err, "the path cannot be resolved")
	}
	if n := len(d.Keys); n == 0 || n > job.MaxKeys || len(slices.Compact(slices.Sorted(slices.Values(d.Keys)))) != n {
		return catalog.Resource{}, fault.New(fault.Invalid, "node.AddDataset", "a dataset has 1 to %d key columns, each named once", job.MaxKeys)
	}
	describe := table.Describe
	if strings.EqualFold(filepath.Ext(path), ".parquet") {
		describe = parquet.Describe
	}
	desc, err := describe(ctx, path, memory.NewGoAllocator(), table.Options{Keys: d.Keys})
	if err != nil {
		return catalog.Resource{}, err
	}
	r := catalog.Resource{
		Name: d.Name, Version: 1, Owner: n.file.Party, Class: catalog.Enterprise, DataDigest: desc.Digest, Rows: desc.Rows,
		DeclaredRows: desc.Rows, Registered: n.cfg.Clock().UnixMilli(),
	}
	target := d.Target == ""
	for _, f := range desc.Schema.Fields() {
		c := catalog.Column{Name: f.Name, Type: f.Type.Name(), Grade: defaultGrade, Roles: []catalog.Role{catalog.RoleFeature}}
		switch {
		case slices.Contains(d.Keys, f.Name):
			c.Roles = []catalog.Role{catalog.RoleKey}
		case f.Name == d.Target:
			c.Roles, target = []catalog.Role{catalog.RoleLabel}, true
		}
		r.Columns = append(r.Columns, c)
	}
	if !target {
		return catalog.Resource{}, fault.New(fault.SchemaMismatch, "node.AddDataset", "the file has no column %q for the target", d.Target)
	}
	if r.SchemaDigest, err = schemaDigest(r.Columns); err != nil {
		return catalog.Resource{}, err
	}
	return n.register(ctx, r, path, d.Keys)
}

// register stores the next version of a dataset and opens its lifetime budget.
func (n *Node) register(ctx context.Context, r catalog.Resource, path string, keys []string) (catalog.Resource, error) {
	rho, err := dp.RhoCap(lifetimeEpsilon, lifetimeDelta)
	if err != nil {
		return catalog.Resource{}, err
	}
	err = n.db.Update(ctx, func(tx *store.Tx) error {
		for r.Version = 1; ; r.Version++ {
			var old coordinator.Dataset
			err := tx.GetJSON(store.Dataset, coordinator.DatasetKey(r.ID()), &old)
			if errors.Is(err, fault.NotFound) {
				break
			}
			if err != nil {
				return err
			}
			if known, err := catalog.Decode(old.Resource); err == nil && known.DataDigest == r.DataDigest && old.Path == path &&
				slices.Equal(old.Keys, keys) && known.SchemaDigest == r.SchemaDigest {
				r = known // the same bytes at the same place are the same version
				return nil
			}
		}
		b, err := r.Encode()
		if err != nil {
			return err
		}
		if err := tx.PutJSON(store.Dataset, coordinator.DatasetKey(r.ID()), coordinator.Dataset{Resource: b, Path: path, Keys: keys}); err != nil {
			return err
		}
		caps := budget.Amounts{}
		for d := range caps {
			caps[d] = budget.Unlimited
		}
		caps[budget.DPRho], caps[budget.DPDelta] = int64(rho), lifetimeDelta
		if err := coordinator.OpenAccount(tx, coordinator.LineageAccount(r.Name), caps); err != nil {
			return err
		}
		return tx.Log(audit.Leaf{Type: audit.DatasetRegistered, Refs: map[string]string{
			"dataset": r.ID(), "digest": fmt.Sprintf("%x", r.DataDigest),
		}, Body: map[string]any{"columns": int64(len(r.Columns))}})
	})
	return r, err
}

func schemaDigest(columns []catalog.Column) ([32]byte, error) {
	b, err := json.Marshal(columns)
	return coordinator.Digest(b), fault.Wrap(fault.Internal, "node.AddDataset", err, "a schema does not encode")
}

// Datasets lists this node's own catalogue, sorted by id.
func (n *Node) Datasets(ctx context.Context) ([]catalog.Resource, error) {
	var out []catalog.Resource
	err := n.db.View(ctx, func(tx *store.Tx) error {
		return store.ScanJSON(tx, store.Dataset, "", func(_ string, d coordinator.Dataset) error {
			r, err := catalog.Decode(d.Resource)
			out = append(out, r)
			return fault.Wrap(fault.Corrupt, "node.Datasets", err, "a stored catalogue entry does not decode")
		})
	})
	return out, err
}
