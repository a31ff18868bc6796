package coordinator

import (
	"testing"
)

func TestJobRunsToItsStart(t *testing.T) {
	f := newFederation(t)
	id := f.submit(false)
	f.pump()
	f.wantPhase(id, Running, "bank", "utility", "hub")
	f.verify()
}
