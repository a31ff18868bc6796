//go:build !amd64 || purego

package exconv

import "github.com/tacit-data/tacit/internal/kernel/aes"

const accelerated = false

func run(x []aes.Block, ring []pair, taps []byte, lanes int) { runTwin(x, ring, taps, lanes) }
