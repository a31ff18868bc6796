// Command sample writes the example's two made-up files, bank.csv and utility.csv, into the working directory. They are
// those of `tacit demo`: equal seeds give equal bytes on every machine.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/tacit-data/tacit/node/demo"
)

func main() {
	seed := flag.Uint64("seed", 1, "seed of the sample")
	flag.Parse()
	if err := demo.WriteSample("bank.csv", "utility.csv", *seed); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
