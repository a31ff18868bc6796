package intersect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/feature"
	"github.com/tacit-data/tacit/engine/table"
	"github.com/tacit-data/tacit/engine/table/parquet"
)

const (
	leftRows  = "phone,name\n13000000001,a\n13000000002,b\n13000000003,c\n,d\nnonsense,e\n"
	rightRows = "phone,name\n+86 13000000003,C\n0086-13000000001,A\n13000000009,Z\n"
)

// column returns column i of the rows below the header.
func column(rows [][]string, i int) []string {
	var out []string
	for _, r := range rows[1:] {
		out = append(out, r[i])
	}
	return out
}

// pairs joins the two outputs line by line, sorted.
func pairs(t *testing.T, p *pair) []string {
	t.Helper()
	l, c := cells(t, p.l.Output), cells(t, p.c.Output)
	if len(l) != len(c) {
		t.Fatalf("outputs of %d and %d lines", len(l), len(c))
	}
	var out []string
	for i := range l[1:] {
		out = append(out, strings.Join(l[i+1], ",")+"|"+strings.Join(c[i+1], ","))
	}
	slices.Sort(out)
	return out
}

func TestInner(t *testing.T) {
	p := newPair(t, leftRows, rightRows, nil)
	l, c, errL, errC := p.run()
	if errL != nil || errC != nil {
		t.Fatal(errL, errC)
	}
	if got := pairs(t, p); !slices.Equal(got, []string{"13000000001,a|0086-13000000001,A", "13000000003,c|+86 13000000003,C"}) {
		t.Errorf("got %q", got)
	}
	if want := (Counts{Rows: 5, Null: 1, Malformed: 1, Keys: 3}); l.Counts != want || l.PeerKeys != 3 || l.Matched != 2 || l.Output != 2 {
		t.Errorf("listener %+v", l)
	}
	if c.Matched != 2 || !l.Parted || !c.Parted || l.Sent == 0 || l.Sent != c.Recv || c.Sent != l.Recv {
		t.Errorf("connector %+v, listener %+v", c, l)
	}
	for _, dir := range []string{p.l.State, p.c.State} {
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("%s still holds %v", dir, left)
		}
	}
}

// TestJoins compares every join with every recipient against what it is by definition.
func TestJoins(t *testing.T) {
	for _, c := range []struct {
		join Join
		to   Recipients
		want []string // "left name,matched|right name,matched"
	}{
		{Inner, ToBoth, []string{"a|A", "c|C"}},
		{Left, ToBoth, []string{"a|A", "b|", "c|C", "d|", "e|"}},
		{Right, ToBoth, []string{"a|A", "c|C", "|Z"}},
		{Full, ToBoth, []string{"a|A", "b|", "c|C", "d|", "e|", "|Z"}},
		{Difference, ToListener, []string{"b", "d", "e"}},
		{Inner, ToListener, []string{"a", "c"}},
		{Inner, ToConnector, []string{"A", "C"}},
		{Left, ToListener, []string{"a", "b", "c", "d", "e"}},
		{Right, ToConnector, []string{"A", "C", "Z"}},
	} {
		for _, method := range []Method{"ecdh", "rr22"} {
			t.Run(fmt.Sprintf("%s/%s/%s", c.join, c.to, method), func(t *testing.T) {
				p := newPair(t, leftRows, rightRows, func(cfg *Config) {
					cfg.Join, cfg.OutputTo, cfg.Method = c.join, c.to, method
					if c.to != ToBoth && string(c.to) != string(cfg.Side) {
						cfg.Output = ""
					}
				})
				l, r, errL, errC := p.run()
				if errL != nil || errC != nil {
					t.Fatal(errL, errC)
				}
				got := joined(t, p, c.join)
				slices.Sort(got)
				want := slices.Clone(c.want)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
				if learned := (l.Matched >= 0) == (c.to != ToConnector) && (r.Matched >= 0) == (c.to != ToListener); !learned {
					t.Errorf("the listener knows of %d matches, the connector of %d", l.Matched, r.Matched)
				}
			})
		}
	}
}

// joined renders the outputs and checks the mark of each row against its partner.
func joined(t *testing.T, p *pair, join Join) []string {
	t.Helper()
	name := 1
	if p.l.Terms.filled().Join != Inner && join != Difference {
		name = 2
	}
	l, c := cells(t, p.l.Output), cells(t, p.c.Output)
	switch {
	case p.l.Output == "":
		return column(c, name)
	case p.c.Output == "":
		return column(l, name)
	}
	if len(l) != len(c) {
		t.Fatalf("outputs of %d and %d lines", len(l), len(c))
	}
	var out []string
	for i := 1; i < len(l); i++ {
		left, right := l[i][name], c[i][name]
		out = append(out, left+"|"+right)
		if name == 2 {
			matched := "0"
			if left != "" && right != "" {
				matched = "1"
			}
			if l[i][0] != matched || c[i][0] != matched {
				t.Errorf("row %d, %q and %q: marks %q and %q", i, left, right, l[i][0], c[i][0])
			}
		}
	}
	return out
}

// TestExpand: rows that share a key come out as every pair, in one order at both parties.
func TestExpand(t *testing.T) {
	left := leftRows + "13000000001,a2\n13000000003,c2\n13000000002,b2\n"
	right := rightRows + "13000000001,A2\n13000000001,A3\n13000000009,Z2\n"
	p := newPair(t, left, right, func(c *Config) { c.Duplicates = Expand })
	l, c, errL, errC := p.run()
	if errL != nil || errC != nil {
		t.Fatal(errL, errC)
	}
	var got []string
	for i, r := range cells(t, p.l.Output)[1:] {
		got = append(got, r[1]+cells(t, p.c.Output)[i+1][1])
	}
	slices.Sort(got)
	if want := []string{"a2A", "a2A2", "a2A3", "aA", "aA2", "aA3", "c2C", "cC"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if l.Matched != 2 || c.Matched != 2 || l.Output != 8 || l.Duplicates != 3 || l.PeerKeys != 3 || c.PeerKeys != 3 {
		t.Errorf("%+v %+v", l, c)
	}
	p = newPair(t, left, right, func(c *Config) { c.Duplicates, c.Join = Expand, Full })
	if _, _, errL, errC := p.run(); errL != nil || errC != nil {
		t.Fatal(errL, errC)
	}
	got = joined(t, p, Full)
	if len(got) != 8+4+2 { // b, b2, d, e and Z, Z2 have no partner
		t.Errorf("full join of %d rows: %q", len(got), got)
	}
}

// TestTermsDiffer: a difference is found before a size or a point is sent, and both see what it is.
func TestTermsDiffer(t *testing.T) {
	for what, edit := range map[string]func(*Config){
		"key rules":  func(c *Config) { c.Rules = []feature.Rule{feature.Digits} },
		"join":       func(c *Config) { c.Join = Full },
		"output-to":  func(c *Config) { c.OutputTo = ToConnector },
		"duplicates": func(c *Config) { c.Duplicates = Expand },
		"job":        func(c *Config) { c.Job = [32]byte{2} },
		"method":     func(c *Config) { c.Method = "rr22" },
	} {
		p := newPair(t, leftRows, rightRows, func(c *Config) {
			if c.Side == Connector {
				edit(c)
			}
		})
		l, c, errL, errC := p.run()
		for _, err := range []error{errL, errC} {
			if fault.CodeOf(err) != fault.PlanMismatch || !strings.Contains(err.Error(), what) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if len(cells(t, p.l.Output)) > 0 || l.Sent > 0 || c.Sent > 0 {
			t.Errorf("%s: something came out", what)
		}
	}
}

func TestRefusesInput(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		edit func(*Config)
		want fault.Code
		say  string
	}{
		"no column":        {leftRows, func(c *Config) { c.Columns = []string{"mobile"} }, fault.SchemaMismatch, `"mobile"`},
		"no file":          {leftRows, func(c *Config) { c.Input += "x.csv" }, fault.NotFound, "does not exist"},
		"repeated":         {leftRows + "13000000001,x\n", nil, fault.Invalid, "1 of 6 rows repeat"},
		"no usable key":    {"phone,name\n,a\nx,b\n", nil, fault.Invalid, "none of 2 rows has a usable key (1 null, 1 malformed)"},
		"not utf-8":        {"phone,name\n13000000001,\xd6\xd0\xb9\xfa\n", nil, fault.Invalid, "not UTF-8"},
		"ragged":           {"phone,name\n13000000001\n", nil, fault.Invalid, "cells of the header"},
		"open quote":       {"phone,name\n13000000001,\"a\n", nil, fault.Invalid, "quote"},
		"empty file":       {"", nil, fault.Invalid, "header"},
		"name twice":       {"phone,phone\n1,2\n", nil, fault.Invalid, "columns 1 and 2 have the same name"},
		"mark taken":       {"phone,psi_matched\n13000000001,2\n", func(c *Config) { c.Join = Left }, fault.Invalid, "psi_matched"},
		"unknown format":   {leftRows, func(c *Config) { c.Input += ".doc" }, fault.Unsupported, ".csv"},
		"output format":    {leftRows, func(c *Config) { c.Output = "x.doc" }, fault.Unsupported, ".csv"},
		"no output":        {leftRows, func(c *Config) { c.Output = "" }, fault.Invalid, "name a file"},
		"useless output":   {leftRows, func(c *Config) { c.OutputTo = ToConnector }, fault.Invalid, "name no file"},
		"no join":          {leftRows, func(c *Config) { c.Join = "cross" }, fault.Invalid, "a join is"},
		"kept at nobody":   {leftRows, func(c *Config) { c.Join, c.OutputTo = Right, ToListener }, fault.Invalid, "right join"},
		"expand to one":    {leftRows, func(c *Config) { c.Duplicates, c.OutputTo = Expand, ToListener }, fault.Invalid, "expand"},
		"difference both":  {leftRows, func(c *Config) { c.Join, c.OutputTo = Difference, ToBoth }, fault.Invalid, "difference"},
		"malicious ecdh":   {leftRows, func(c *Config) { c.Malicious = true }, fault.Unsupported, "malicious"},
		"unknown method":   {leftRows, func(c *Config) { c.Method = "kkrt" }, fault.Invalid, "method"},
		"little memory":    {leftRows, func(c *Config) { c.Memory = 1000 }, fault.Invalid, "memory"},
		"keys and rules":   {leftRows, func(c *Config) { c.Rules = nil }, fault.Invalid, "rules"},
		"same column":      {leftRows, func(c *Config) { c.Columns = []string{"phone", "phone"}; c.Rules = append(c.Rules, feature.Raw) }, fault.Invalid, "the same name"},
		"no state":         {leftRows, func(c *Config) { c.State = "" }, fault.Invalid, "state"},
		"unwritable state": {leftRows, func(c *Config) { c.State = c.Input + "/x" }, fault.Unavailable, "disk"},
	} {
		p := newPair(t, c.text, rightRows, c.edit)
		p.l.Connect = func(context.Context) (Link, error) {
			t.Errorf("%s: it connects", name)
			return nil, fault.New(fault.Denied, "test", "no")
		}
		_, err := Run(t.Context(), p.l)
		if fault.CodeOf(err) != c.want || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: %v, want %v with %q", name, err, c.want, c.say)
		}
		if err != nil && strings.Contains(err.Error(), "13000000001") {
			t.Errorf("%s: the error quotes a cell: %v", name, err)
		}
		if len(cells(t, p.l.Output)) > 0 {
			t.Errorf("%s: an output", name)
		}
	}
}

// TestForms: the same keys, written differently, match; a byte order mark and other formats are read.
func TestForms(t *testing.T) {
	left := "\xef\xbb\xbfphone,name\n１３０００００００１,a\n13000000002  ,b\n 130 0000 0003,c\n+8613000000004,d\n"
	right := "phone,name\n13000000001,A\n13000000002,B\n13000000003,C\n13000000004,D\n"
	p := newPair(t, left, right, nil)
	if l, _, errL, errC := p.run(); errL != nil || errC != nil || l.Matched != 4-1 {
		// The first has ten digits in full width: malformed, and counted so.
		t.Errorf("%+v, %v, %v", l, errL, errC)
	}
	left = strings.Replace(left, "１３０００００００１", "１３００００００００１", 1)
	p = newPair(t, left, right, nil)
	if l, _, errL, errC := p.run(); errL != nil || errC != nil || l.Matched != 4 {
		t.Errorf("%+v, %v, %v", l, errL, errC)
	}
	if got := cells(t, p.l.Output); got[0][0] != "phone" {
		t.Errorf("header %q", got[0])
	}
}

// TestTypedFiles: Parquet and Arrow keep their types, and text stays as it was written.
func TestTypedFiles(t *testing.T) {
	p := newPair(t, "id,code,x\n1,007,1.50\n2,010,\n3,0,2\n", "id,y\n2,7\n3,8\n4,9\n", func(c *Config) {
		c.Columns, c.Rules = []string{"id"}, []feature.Rule{feature.Int}
	})
	src, err := table.Open(t.Context(), p.c.Input, memory.DefaultAllocator, table.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.c.Input = filepath.Join(t.TempDir(), "in.parquet")
	if _, err := parquet.Create(t.Context(), p.c.Input, memory.DefaultAllocator, src); err != nil {
		t.Fatal(err)
	}
	_ = src.Close()
	p.c.Output = filepath.Join(t.TempDir(), "out.arrow")
	if _, _, errL, errC := p.run(); errL != nil || errC != nil {
		t.Fatal(errL, errC)
	}
	got := cells(t, p.l.Output)[1:]
	slices.SortFunc(got, slices.Compare)
	if fmt.Sprint(got) != "[[2 010 ] [3 0 2]]" {
		t.Errorf("got %v", got)
	}
	d, err := table.Describe(t.Context(), p.c.Output, memory.DefaultAllocator, table.Options{})
	if err != nil || d.Rows != 2 || d.Schema.Field(1).Type.Name() != "int64" {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestNothingMatches: the profile of the keys comes along, without a key in it.
func TestNothingMatches(t *testing.T) {
	p := newPair(t, "phone,name\n13000000001,a\n", "phone,name\n13000000009,A\n", nil)
	l, _, errL, errC := p.run()
	if errL != nil || errC != nil || l.Matched != 0 || len(l.Profiles) != 1 {
		t.Fatalf("%+v, %v, %v", l, errL, errC)
	}
	if got := fmt.Sprint(l.Profiles[0].Lengths, l.Profiles[0].Shapes); got != "[{11 characters 1}] [{digits 1}]" {
		t.Errorf("profile %s", got)
	}
	if rows := cells(t, p.l.Output); len(rows) != 1 {
		t.Errorf("output %v, want the header alone", rows)
	}
}

// TestEmptySets: a table without rows is legal.
func TestEmptySets(t *testing.T) {
	for _, method := range []Method{"ecdh", "rr22"} {
		p := newPair(t, "phone,name\n", rightRows, func(c *Config) { c.Method = method })
		l, c, errL, errC := p.run()
		if errL != nil || errC != nil || l.Matched != 0 || c.Matched != 0 {
			t.Errorf("%s: %+v %+v %v %v", method, l, c, errL, errC)
		}
	}
}

// TestWait: whoever waits for a peer that does not come ends in time, with advice.
func TestWait(t *testing.T) {
	p := newPair(t, leftRows, rightRows, func(c *Config) { c.Wait = 50 * time.Millisecond })
	_, err := Run(t.Context(), p.c)
	if fault.CodeOf(err) != fault.Timeout || !strings.Contains(err.Error(), "start its command") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := Run(ctx, p.l); fault.CodeOf(err) != fault.Timeout || errors.Is(err, fault.Internal) {
		t.Errorf("%v", err)
	}
}
