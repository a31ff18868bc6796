//go:build !amd64 || purego

package gf128

import "github.com/tacit-data/tacit/internal/kernel/aes"

const accelerated = false

func mulOne(out, a, b *aes.Block) { mul(load(a), load(b)).store(out) }

func mulBatch(dst, a, b []aes.Block) { mulBatchTwin(dst, a, b) }

func mulConst(dst, src []aes.Block, c *aes.Block) { mulConstTwin(dst, src, c) }

func mulConstAdd(dst, src []aes.Block, c *aes.Block) { mulConstAddTwin(dst, src, c) }

func horner(dst, x, c []aes.Block) { hornerTwin(dst, x, c) }

func innerProduct(a, b []aes.Block) aes.Block { return innerProductTwin(a, b) }
