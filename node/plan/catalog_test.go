package plan

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/engine"
	"github.com/tacit-data/tacit/engine/label"
	"github.com/tacit-data/tacit/protocols"
)

var rewrite = flag.Bool("rewrite", false, "rewrite testdata/digests.txt")

// fileCatalog is a catalogue read from testdata.
type fileCatalog struct {
	Parties  map[party.ID]string
	Datasets []fileDataset
}

type fileDataset struct {
	Party   party.ID
	Name    string
	Rows    int64
	Version string
	Columns []struct {
		Name, Type string
		Nullable   bool
	}
}

func (c *fileCatalog) Root(p party.ID) ([32]byte, error) {
	if h, ok := c.Parties[p]; ok {
		return unhex(h), nil
	}
	return [32]byte{}, fault.New(fault.NotFound, "catalog.Root", "party not pinned")
}

func (c *fileCatalog) Describe(p party.ID, dataset string) (Dataset, error) {
	for _, d := range c.Datasets {
		if d.Party != p || d.Name != dataset {
			continue
		}
		var fields []arrow.Field
		for _, col := range d.Columns {
			fields = append(fields, arrow.Field{Name: col.Name, Type: arrowType(col.Type), Nullable: col.Nullable})
		}
		return Dataset{
			Type: engine.NewType(arrow.NewSchema(fields, nil), label.PrivateTo(p)), Rows: d.Rows, Version: unhex(d.Version),
		}, nil
	}
	return Dataset{}, fault.New(fault.NotFound, "catalog.Describe", "no such dataset")
}

func unhex(s string) (h [32]byte) {
	b, _ := hex.DecodeString(s)
	copy(h[:], b)
	return h
}

func arrowType(name string) arrow.DataType {
	return map[string]arrow.DataType{
		"utf8": arrow.BinaryTypes.String, "date32": arrow.FixedWidthTypes.Date32, "bool": arrow.FixedWidthTypes.Boolean,
		"float64": arrow.PrimitiveTypes.Float64, "float32": arrow.PrimitiveTypes.Float32,
		"int64": arrow.PrimitiveTypes.Int64, "int32": arrow.PrimitiveTypes.Int32,
		"timestamp": arrow.FixedWidthTypes.Timestamp_s,
	}[name]
}

func catalog(t testing.TB, name string) *fileCatalog {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var c fileCatalog
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	return &c
}

func readSpec(t testing.TB, name string) job.Spec {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "golden", name))
	if err != nil {
		t.Fatal(err)
	}
	return parseSpec(t, string(b))
}

func parseSpec(t testing.TB, text string) job.Spec {
	t.Helper()
	s, err := job.Parse([]byte(text), job.YAML)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// withModels is the table of this build plus joint models of a made-up cost, so that what the compiler does with one is
// tested whatever protocols/train costs today.
func withModels(op job.Op) (protocol, bool) {
	linear := func(perRow, perFeature int64) func(shape) ([]PartyCost, error) {
		return func(s shape) ([]PartyCost, error) {
			a, b := s.sizes[0], s.sizes[1]
			return pair(a.party, b.party, protocols.Cost{
				Rounds: 5, SentBytes: perRow*a.rows + perFeature*int64(a.features),
				RecvBytes: perRow*b.rows + perFeature*int64(b.features),
			}), nil
		}
	}
	leaks := func(l ...protocols.Leak) func(shape) ([]protocols.Leak, error) {
		return func(shape) ([]protocols.Leak, error) { return l, nil }
	}
	switch op {
	case job.TrainGLM:
		return protocol{trust: twoParty(), cost: linear(16, 1000), leaks: leaks(protocols.Leak{
			To: protocols.All, About: protocols.All, Kind: protocols.LeakIterations, Detail: "the number of iterations",
		})}, true
	case job.Predict:
		return protocol{trust: twoParty(), cost: linear(8, 500), leaks: leaks(protocols.Leak{
			To: LabelHolder, About: Host, Kind: protocols.LeakScore, Detail: "the score of every row",
		})}, true
	}
	return builtin(op)
}

func mustBuild(t testing.TB, s job.Spec, c Catalog) *Plan {
	t.Helper()
	p, err := build(s, c, withModels)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func goldenNames(t testing.TB) []string {
	t.Helper()
	list, err := filepath.Glob("testdata/golden/*.yaml")
	if err != nil || len(list) < 10 {
		t.Fatalf("%d specs, %v", len(list), err)
	}
	for i, p := range list {
		list[i] = filepath.Base(p)
	}
	return list
}

func TestGolden(t *testing.T) {
	var out strings.Builder
	for _, spec := range goldenNames(t) {
		for _, cat := range []string{"catalog-small.json", "catalog-large.json"} {
			p := mustBuild(t, readSpec(t, spec), catalog(t, cat))
			out.WriteString(spec + " " + cat + " " + p.Digest.String() + "\n")
		}
	}
	const path = "testdata/digests.txt"
	if *rewrite {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("digests changed:\n%s\nwant\n%s", out.String(), want)
	}
}

func readGolden(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "golden", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// foreignLeak speaks of a role that no step has.
func foreignLeak(shape) ([]protocols.Leak, error) {
	return []protocols.Leak{{To: "dealer", About: protocols.All, Kind: protocols.LeakRowCount, Detail: "x"}}, nil
}
