package main

import (
	"strconv"
	"strings"

	"github.com/tacit-data/tacit/node/rpc"
)

// parseColumns reads "name=use[,use]" flags. A name may hold '='; uses cannot.
func parseColumns(flags []string) (map[string][]string, error) {
	out := make(map[string][]string, len(flags))
	for _, s := range flags {
		i := strings.LastIndexByte(s, '=')
		if i < 1 || i == len(s)-1 {
			return nil, usagef("--column is name=use[,use], such as id=key or x0=feature,filter")
		}
		uses := strings.Split(s[i+1:], ",")
		for _, use := range uses {
			if use == "" {
				return nil, usagef("--column %s has an empty use", s[:i])
			}
		}
		out[s[:i]] = append(out[s[:i]], uses...)
	}
	return out, nil
}

// parseOutput reads "kind:recipient[,recipient][:min_rows][:noised]".
func parseOutput(s string) (rpc.OutputForm, error) {
	parts := strings.Split(s, ":")
	if len(parts) < 2 || len(parts) > 4 || parts[0] == "" || parts[1] == "" {
		return rpc.OutputForm{}, usagef("--output is kind:recipient[,recipient][:min_rows][:noised], such as model:bank,utility:100")
	}
	out := rpc.OutputForm{Kind: parts[0], To: strings.Split(parts[1], ",")}
	rest := parts[2:]
	if len(rest) > 0 && rest[len(rest)-1] == "noised" {
		out.Noised, rest = true, rest[:len(rest)-1]
	}
	if len(rest) > 1 {
		return rpc.OutputForm{}, usagef("--output ends in a number of rows, in noised, or in both in that order")
	}
	if len(rest) == 1 {
		n, err := strconv.ParseInt(rest[0], 10, 64)
		if err != nil || n < 1 {
			return rpc.OutputForm{}, usagef("the least number of rows of --output is a number from 1")
		}
		out.MinRows = n
	}
	return out, nil
}

func parseOutputs(flags []string) ([]rpc.OutputForm, error) {
	out := make([]rpc.OutputForm, 0, len(flags))
	for _, s := range flags {
		o, err := parseOutput(s)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// parseShares reads "party=weight" flags.
func parseShares(flags []string) ([]rpc.ShareForm, error) {
	out := make([]rpc.ShareForm, 0, len(flags))
	for _, s := range flags {
		name, digits, ok := strings.Cut(s, "=")
		weight, err := strconv.ParseInt(digits, 10, 64)
		if !ok || name == "" || err != nil || weight < 1 {
			return nil, usagef("--share is party=weight, such as bank=55; weights are whole numbers from 1")
		}
		out = append(out, rpc.ShareForm{Party: name, Weight: weight})
	}
	return out, nil
}
