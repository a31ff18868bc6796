package rpc

import (
	"github.com/tacit-data/tacit/node"
)

// Counter is one dimension of a grant's budget by its name: uses, rows, fuel, money, dp.rho, dp.delta.
type Counter struct {
	Dim                        string
	Cap, Held, Open, Committed int64 // a cap of −1 is none
}

// Counters lists the dimensions of a grant's budget that are capped or used.
func Counters(v node.GrantView) []Counter {
	var out []Counter
	for _, c := range encodeAccount(v.Account) {
		out = append(out, Counter{c.GetDim(), c.GetCap(), c.GetHeld(), c.GetOpen(), c.GetCommitted()})
	}
	return out
}
