package arch

import (
	"slices"
	"strings"
	"testing"
)

// law: a tree may import itself, the trees named here and its third parties. Only direct imports count.
var law = map[string][]string{
	"api":        {},
	"internal":   {"api"},
	"engine":     {"api", "internal"},
	"sandbox":    {"api", "internal"},
	"protocols":  {"api", "internal", "engine"},
	"node":       {"api", "internal", "engine", "sandbox", "protocols"},
	"cmd":        {"api", "internal", "node", "benchmarks"},
	"examples":   {"api", "engine", "sandbox", "protocols", "node"},
	"benchmarks": {"api", "internal", "engine", "sandbox", "protocols", "node"},
}

// doors: a third party may be imported only by the packages (or trees) named.
var doors = map[string][]string{
	"github.com/tuneinsight/lattigo":              {"engine/he", "protocols/mhe"},
	"github.com/cloudflare/circl":                 {"protocols", "sandbox/audit", "node/identity"},
	"github.com/google/differential-privacy":      {"engine/dp"},
	"github.com/golang/glog":                      {"cmd"},
	"github.com/tetratelabs/wazero":               {"engine/guest"},
	"github.com/cedar-policy/cedar-go":            {"sandbox/policy"},
	"golang.org/x/mod/sumdb":                      {"sandbox/audit"},
	"github.com/nats-io":                          {"node/exec/shard"},
	"google.golang.org/grpc":                      {"api/pb", "node/rpc", "node/link", "node/console", "engine/table/flightsql", "cmd"},
	"google.golang.org/protobuf":                  {"api/pb", "node/rpc", "node/link", "node/console", "engine/table/flightsql", "cmd"},
	module + "/api/pb":                            {"api/pb", "node/rpc", "node/link", "node/console", "engine/table/flightsql", "cmd"},
	"connectrpc.com/connect":                      {"api/pb", "node/rpc", "node/console", "cmd"},
	"modernc.org/sqlite":                          {"node/store"},
	"github.com/jackc/pgx":                        {"node/store", "engine/table/sqldb"},
	"go.yaml.in/yaml":                             {"api/job", "node"},
	"github.com/spf13/cobra":                      {"cmd"},
	"github.com/apache/arrow":                     {"internal", "engine", "protocols", "node", "cmd", "examples", "benchmarks"},
	"github.com/apache/arrow/go/v17/parquet":      {"engine/table/parquet"},
	"github.com/apache/arrow/go/v17/arrow/flight": {"engine/table/flightsql"},
	"math/rand":                                   {},
}

func under(path, tree string) bool { return path == tree || strings.HasPrefix(path, tree+"/") }

func TestImportLaw(t *testing.T) {
	for _, s := range sources(t) {
		tree, _, _ := strings.Cut(s.pkg, "/")
		allowed, ok := law[tree]
		if !ok {
			t.Errorf("%s: %q is not a tree of the layout", s.path, tree)
			continue
		}
		for _, i := range s.imports {
			rel, ours := strings.CutPrefix(i.path, module+"/")
			other, _, _ := strings.Cut(rel, "/")
			if ours && other != tree && !slices.Contains(allowed, other) {
				t.Errorf("%s: %s may not import %s", s.path, tree, rel)
			}
		}
	}
}

func TestThirdPartyDoors(t *testing.T) {
	for _, s := range sources(t) {
		for _, i := range s.imports {
			for third, open := range doors {
				if !under(i.path, third) || (s.test && third == "math/rand") {
					continue
				}
				if !slices.ContainsFunc(open, func(tree string) bool { return under(s.pkg, tree) }) {
					t.Errorf("%s: imports %s, whose doors are %v", s.path, i.path, open)
				}
			}
		}
	}
}

func TestNoNumberedAliases(t *testing.T) {
	for _, s := range sources(t) {
		for _, i := range s.imports {
			if i.alias != "" && strings.ContainsAny(i.alias[len(i.alias)-1:], "0123456789") && !strings.HasSuffix(i.path, i.alias) {
				t.Errorf("%s: numbered import alias %s", s.path, i.alias)
			}
		}
	}
}
