package main

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/node/rpc"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the golden files")

// TestErrors compares, for every code, what a person reads when a step fails with it.
func TestErrors(t *testing.T) {
	var b strings.Builder
	for _, code := range fault.Codes() {
		if advices[code].did == "" || advices[code].do == "" {
			t.Errorf("no advice for %v", code)
		}
		v := node.JobView{ID: jobID, Failure: &node.FailureView{Code: code, Party: "utility", Step: "model", Reason: "3 of 7 columns differ"}}
		if code == fault.Misbehaved || code == fault.PeerAborted {
			v.Failure.Culprit = "bank"
		}
		if code == fault.Denied {
			v.Failure.Reason = `rule grant/purpose: utility: purpose of grant g1: have fraud, need credit-risk; rule grant/column: utility: column "u0": uses of grant g1: have key, need feature`
		}
		explain(rpc.JobFailure(v)).render(&b)
		b.WriteByte('\n')
	}
	local := fault.Wrap(fault.Unavailable, "tacit.Serve", errors.New("listen tcp 127.0.0.1:7600: address already in use"), "the API cannot listen on 127.0.0.1:7600")
	explain(local).render(&b)
	path := filepath.Join("testdata", "errors.golden")
	if *rewrite {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || b.String() != string(want) {
		t.Errorf("%v\ngot\n%s", err, b.String())
	}
}

func TestExplainNests(t *testing.T) {
	err := fault.Wrap(fault.Unavailable, "node.Open", fault.Wrap(fault.Corrupt, "store.Open", errors.New("disk"), "leaf 38 differs"), "the node does not start")
	s := explain(err)
	if s.Reason != "the node does not start: leaf 38 differs" || s.Detail != "disk" || s.Name != "Unavailable" || s.Op != "node.Open" {
		t.Errorf("%+v", s)
	}
}
