//go:build !amd64 || purego

package aes

const accelerated = false

func (rk *schedule) expand(*Block) bool { return false }

func (p *permutation) mmo(dst, src []Block) { mmoTwin(p.pi, dst, src) }

func (p *permutation) tmmo(dst, src []Block, first uint64) { tmmoTwin(p.pi, dst, src, first) }

func (t *Tree) level(dst, src []Block) { levelTwin(t.left, t.right, dst, src) }

func hashKeyed(dst, key, src []Block) { keyedTwin(dst, key, src) }

// counterBlocks is not reached: a Stream without a schedule runs on crypto/cipher.
func (rk *schedule) counterBlocks(_, _ []byte, _, _ uint64) {}
