// Command tacit is a node, its client and everything else a user runs: one static binary.
package main

import (
	"context"
	"flag"
	"os"
)

func main() {
	// A dependency logs through glog, whose default is a file in the temporary directory.
	if f := flag.Lookup("logtostderr"); f != nil {
		_ = f.Value.Set("true")
	}
	os.Exit(run(context.Background(), newApp(os.Stdin, os.Stdout, os.Stderr), os.Args[1:]))
}
