package main

import (
	"context"

	"github.com/tacit-data/tacit/benchmarks/machine"
)

// Machine is the card that a number means nothing without.
type Machine = machine.Card

func machineCard(ctx context.Context) Machine { return machine.Describe(ctx) }
