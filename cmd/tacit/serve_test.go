package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/node/rpc"
)

// TestServe runs a real node: one line when it is up, an API, and the signal's exit code.
func TestServe(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a node")
	}
	dir := filepath.Join(t.TempDir(), "node")
	if err := node.Init(dir, "bank", node.InitOptions{Listen: "127.0.0.1:0", API: "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	errOut := &strings.Builder{}
	a := &app{in: strings.NewReader(""), out: w, err: errOut, now: time.Now, dial: rpc.Dial}
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, a, []string{"serve", "--dir", dir}) }()
	line, err := bufio.NewReader(r).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var up ready
	if err := json.Unmarshal(line, &up); err != nil || up.Kind != "ready" || up.Version != 1 || up.Party != "bank" || up.Link == "" {
		t.Fatalf("%s: %v", line, err)
	}
	c, err := rpc.Dial(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if info, err := c.Info(t.Context()); err != nil || info.Party != "bank" || info.APIAddress != up.API {
		t.Errorf("%+v, %v", info, err)
	}
	cancel(caught(syscall.SIGTERM))
	if code := <-ended; code != 143 {
		t.Errorf("exit %d: %s", code, errOut)
	}
	if _, err := rpc.Dial(dir); err == nil {
		t.Error("the announcement outlived the node")
	}
}
