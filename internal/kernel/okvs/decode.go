package okvs

import "github.com/tacit-data/tacit/internal/kernel/aes"

// blockKeys is the number of keys that Decode sorts together: enough that a bin's slots are used some tens of times per
// line of cache once they are there, few enough that the rows stay in the last-level cache and need 5 MB.
const blockKeys = 1 << 17

// Decode sets dst[i] to the value of key[i] in a vector: the encoded one if the key was encoded, else a random one. To
// share out the work, cut dst and key.
//
// Shape: dst and key are equally long, of any length; okvs has p.Slots() entries. dst may be key.
func Decode(dst, key, okvs []aes.Block, seed aes.Block, p Params) {
	if len(dst) != len(key) {
		panic("kernel/okvs: dst and key differ in length")
	}
	rows := NewRows(min(blockKeys, len(key)), seed, p)
	defer rows.Wipe()
	for len(key) > 0 {
		n := min(blockKeys, len(key))
		rows.truncate(n)
		rows.HashChunks(key[:n], 0, rows.Chunks())
		rows.DecodeBins(dst[:n], okvs, 0, p.Bins)
		dst, key = dst[n:], key[n:]
	}
}

// DecodeBins sets dst[i] to the value of key number i in a vector for every key of the bins lo ≤ bin < hi, and leaves the
// other entries alone. It may be called concurrently for different bins.
//
// Shape: dst has Len entries, okvs is the whole vector of Params.Slots().
func (r *Rows) DecodeBins(dst, okvs []aes.Block, lo, hi int) {
	if len(dst) != len(r.hash) || len(okvs) != r.p.Slots() {
		panic("kernel/okvs: values and rows, or vector and Params.Slots, differ in length")
	}
	stride := r.p.stride()
	scale := r.p.scale()
	var part [denseBatch]aes.Block
	var row [denseBatch]triple
	for bin := lo; bin < hi; bin++ {
		slots := okvs[bin*stride : (bin+1)*stride]
		for c := range r.Chunks() {
			from, to := r.segment(c, bin)
			out := dst[c*chunkKeys:]
			for ; from < to; from += denseBatch {
				end := min(from+denseBatch, to)
				n, hash := end-from, r.hash[from:end]
				triplesOf(row[:n], hash, &scale)
				denseProducts(part[:n], hash, slots[r.p.Sparse:])
				gather(out, r.place[from:end], row[:n], part[:n], slots[:r.p.Sparse])
			}
		}
	}
}
