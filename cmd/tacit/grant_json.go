package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/node/rpc"
)

type counterJSON struct {
	Dim       string `json:"dim"`
	Cap       int64  `json:"cap"` // −1 for none
	Held      int64  `json:"held"`
	Open      int64  `json:"open"`
	Committed int64  `json:"committed"`
}

// String says what is left of a cap.
func (c counterJSON) String() string {
	used := c.Held + c.Open + c.Committed
	if c.Cap < 0 {
		return fmt.Sprintf("%s %d used", c.Dim, used)
	}
	if strings.HasPrefix(c.Dim, "dp.") {
		return fmt.Sprintf("%s %s of %s", c.Dim, rpc.FormatPico(max(c.Cap-used, 0)), rpc.FormatPico(c.Cap))
	}
	return fmt.Sprintf("%s %d of %d", c.Dim, c.Cap-used, c.Cap)
}

type outputJSON struct {
	Kind       string   `json:"output_kind"`
	Recipients []string `json:"recipients"`
	MinRows    int64    `json:"min_rows"`
	Noised     bool     `json:"noised"`
}

type grantJSON struct {
	ID       string              `json:"id"`
	State    string              `json:"state"`
	Owner    string              `json:"owner"`
	Asset    string              `json:"asset"`
	Grantees []string            `json:"grantees"`
	Purpose  string              `json:"purpose"`
	Columns  map[string][]string `json:"columns"`
	Actions  []string            `json:"actions"`
	Outputs  []outputJSON        `json:"outputs"`
	Counters []counterJSON       `json:"counters"`
	NotAfter string              `json:"not_after"`
}

func grantOf(v node.GrantView) grantJSON {
	g := v.Grant
	out := grantJSON{
		ID: g.ID, State: string(v.State), Owner: string(g.Owner), Asset: g.Asset, Grantees: plain(g.Grantees), Purpose: g.Purpose,
		Columns: map[string][]string{}, Actions: plain(g.Actions), Outputs: []outputJSON{}, Counters: []counterJSON{}, NotAfter: stampMillis(g.NotAfter),
	}
	for name, uses := range g.Columns {
		out.Columns[name] = plain(uses)
	}
	for _, kind := range slices.Sorted(maps.Keys(g.Outputs)) {
		r := g.Outputs[kind]
		out.Outputs = append(out.Outputs, outputJSON{string(kind), plain(r.Recipients), r.MinRows, r.Noised})
	}
	for _, c := range rpc.Counters(v) {
		out.Counters = append(out.Counters, counterJSON(c))
	}
	return out
}
