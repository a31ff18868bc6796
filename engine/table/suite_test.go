package table_test

import (
	"testing"

	"github.com/tacit-data/tacit/engine/table"
	"github.com/tacit-data/tacit/engine/table/contracttest"
)

func TestContract(t *testing.T) {
	exts := []string{".csv", ".arrow", ".tsv", ".csv.gz"}
	if testing.Short() {
		exts = exts[:2]
	}
	for _, ext := range exts {
		t.Run(ext[1:], func(t *testing.T) {
			contracttest.Suite(t, contracttest.Format{
				Ext: ext, Create: table.Create, Open: table.Open, Describe: table.Describe, EmptyIsNull: ext != ".arrow",
			})
		})
	}
}
