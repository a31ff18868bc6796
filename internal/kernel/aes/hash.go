package aes

// Hash is the tweakable correlation-robust hash TMMO of Guo, Katz, Wang and Yu (ia.cr/2019/074, §7.4):
// H(x, i) = π(π(x) ⊕ i) ⊕ π(x), with π fixed-key AES-128. It is immutable and safe for concurrent use.
type Hash struct{ p permutation }

// NewHash returns the hash whose permutation is AES-128 under key. The key is public; it separates sessions.
func NewHash(key Block) *Hash { return &Hash{newPermutation(&key)} }

// Blocks sets dst[j] = H(src[j], first+j). dst may be src; the lengths must be equal.
func (h *Hash) Blocks(dst, src []Block, first uint64) {
	sameLength(dst, src)
	h.p.tmmo(dst, src, first)
}

// MMO is the Matyas–Meyer–Oseas hash of one block, π(x) ⊕ x, with π fixed-key AES-128: correlation robust, not circular
// and not tweaked (ia.cr/2019/074, §7.2). It is immutable and safe for concurrent use.
type MMO struct{ p permutation }

// NewMMO returns the hash whose permutation is AES-128 under key. The key is public; it separates uses.
func NewMMO(key Block) *MMO { return &MMO{newPermutation(&key)} }

// Blocks sets dst[i] = π(src[i]) ⊕ src[i]. dst may be src; the lengths must be equal.
func (m *MMO) Blocks(dst, src []Block) {
	sameLength(dst, src)
	m.p.mmo(dst, src)
}

// HashKeyed sets dst[i] = E(key[i], src[i]) ⊕ src[i], with E AES-128: Matyas–Meyer–Oseas under a key per item. dst may be
// src or key; the lengths must be equal. The portable twin allocates a key schedule per item.
func HashKeyed(dst, key, src []Block) {
	sameLength(dst, src)
	sameLength(key, src)
	hashKeyed(dst, key, src)
}
