//go:build amd64 && !purego

package curve25519

import "encoding/binary"

const (
	hashBlock = 128 // bytes of a SHA-512 block
	// maxBlocks holds b_0 ‖ 1 ‖ DST_prime with the 17 bytes of padding: 64 + 1 + 256 + 17 = 338 bytes.
	maxBlocks = 3
)

// laneHash is xmd for eight messages at once. Only the item in the first block and b_0 in the second message change; all
// else is laid out once.
type laneHash struct {
	middle                    [8][8]uint64 // state after Z_pad
	first, second             [maxBlocks][16][8]uint64
	firstBlocks, secondBlocks int
	initial, state            [8][8]uint64
}

func (h *laneHash) setup(x *xmd) {
	for i, word := range [8]uint64{ // FIPS 180-4 §5.3.5
		0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
		0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
	} {
		h.initial[i] = [8]uint64{word, word, word, word, word, word, word, word}
	}
	h.middle = h.initial
	sha512Lanes(&h.middle, &[16][8]uint64{})
	h.firstBlocks = layOut(&h.first, x.first[hashBlock:][:32+3+x.tag], hashBlock)
	h.secondBlocks = layOut(&h.second, x.second[:64+1+x.tag], 0)
}

// layOut writes message and padding in every lane and returns the number of blocks; before is the length of what was
// hashed already.
func layOut(dst *[maxBlocks][16][8]uint64, message []byte, before int) int {
	var b [maxBlocks * hashBlock]byte
	n := (copy(b[:], message) + 17 + hashBlock - 1) / hashBlock
	b[len(message)] = 0x80
	binary.BigEndian.PutUint64(b[n*hashBlock-8:], 8*uint64(before+len(message)))
	for i := range n * 16 {
		word := binary.BigEndian.Uint64(b[8*i:])
		dst[i/16][i%16] = [8]uint64{word, word, word, word, word, word, word, word}
	}
	return n
}

// field sets r = hash_to_field of eight items from at on, repeating the last one.
func (h *laneHash) field(r *lanes, item [][32]byte, at int) {
	for lane := range width {
		b := &item[min(at+lane, len(item)-1)]
		for i := range 4 {
			h.first[0][i][lane] = binary.BigEndian.Uint64(b[8*i:])
		}
	}
	h.state = h.middle
	for i := range h.firstBlocks {
		sha512Lanes(&h.state, &h.first[i])
	}
	copy(h.second[0][:8], h.state[:])
	h.state = h.initial
	for i := range h.secondBlocks {
		sha512Lanes(&h.state, &h.second[i])
	}
	for lane := range width {
		r.setWide(lane, &h.state)
	}
}

// setWide sets one lane to a 384-bit integer mod p: words 0 to 5 of s, the most significant first. 2^255 ≡ 19 and
// 2^256 ≡ 38; limb 4 grows by a carry of at most one.
func (v *lanes) setWide(lane int, s *[8][8]uint64) {
	lane &= 7
	w0, w1, w2, w3 := s[5][lane], s[4][lane], s[3][lane], s[2][lane]
	h0, h1 := s[1][lane], s[0][lane]
	r0 := w0&limb52 + 38*(h0&limb52) + 19*(w3>>63)
	r1 := (w0>>52|w1<<12)&limb52 + 38*((h0>>52|h1<<12)&limb52) + r0>>52
	r2 := (w1>>40|w2<<24)&limb52 + 38*(h1>>40) + r1>>52
	r3 := (w2>>28|w3<<36)&limb52 + r2>>52
	v[0][lane] = r0 & limb52
	v[1][lane] = r1 & limb52
	v[2][lane] = r2 & limb52
	v[3][lane] = r3 & limb52
	v[4][lane] = (w3>>16)&topLimb + r3>>52
}
