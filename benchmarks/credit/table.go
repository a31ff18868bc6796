package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node/demo"
)

// table is a pair of files, the label holder's and the host's, and what their columns are.
type table struct {
	name        string
	guest, host string
	id, label   string
	without     []string // columns of the guest's file that are no features
	cols        int      // features of both
	sample      bool     // the demo makes the same files itself
}

// prepare writes the sample into dir and finds the public tables in data.
func prepare(data, dir string, progress io.Writer) ([]table, error) {
	sample := table{
		name: "sample", guest: filepath.Join(dir, "bank.csv"), host: filepath.Join(dir, "utility.csv"),
		id: "id", label: "y", without: []string{"region"}, sample: true,
	}
	if err := demo.WriteSample(sample.guest, sample.host, sampleSeed); err != nil {
		return nil, err
	}
	all := []table{sample}
	for _, name := range []string{"default_credit", "breast"} {
		t := table{
			name: name, guest: filepath.Join(data, name+"_hetero_guest.csv"), host: filepath.Join(data, name+"_hetero_host.csv"),
			id: "id", label: "y",
		}
		if !readable(t.guest) || !readable(t.host) {
			_, _ = fmt.Fprintf(progress, "== %s: skipped, %s and its host file are not there\n", name, t.guest)
			continue
		}
		all = append(all, t)
	}
	for i := range all {
		if err := all[i].count(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// count counts the features by the files' headers.
func (t *table) count() error {
	for _, path := range []string{t.guest, t.host} {
		names, err := header(path)
		if err != nil {
			return err
		}
		for _, n := range names {
			if n != t.id && n != t.label && !slices.Contains(t.without, n) {
				t.cols++
			}
		}
	}
	return nil
}

func header(path string) ([]string, error) {
	const op = "credit.header"
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err, "a table cannot be opened")
	}
	defer func() { _ = f.Close() }() // reading: nothing to lose
	line, err := bufio.NewReader(f).ReadString('\n')
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err, "a table has no header")
	}
	return strings.Split(strings.TrimRight(line, "\r\n"), ","), nil
}

func readable(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	return f.Close() == nil
}
