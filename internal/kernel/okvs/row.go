package okvs

import "github.com/tacit-data/tacit/internal/kernel/aes"

// triple is a row's three distinct sparse columns and its bin, 16 bits each, the first column lowest.
type triple uint64

// scale are the factors by which the words of a hash become columns and bin: the number of columns, that less 2, that
// less 1, and the number of bins, for words 0, 2, 1 and 3.
type scale [4]uint64

func (p Params) scale() scale {
	s := uint64(p.Sparse)
	return scale{s, s - 2, s - 1, uint64(p.Bins)}
}

// groupRows is the number of rows that the assembly takes at a time.
const groupRows = 16

// triplesOf sets dst[i] to the row of hash[i].
func triplesOf(dst []triple, hash []aes.Block, s *scale) {
	if len(dst) != len(hash) {
		panic("kernel/okvs: rows and hashes differ in length")
	}
	if !accelerated {
		triplesTwin(dst, hash, s)
		return
	}
	whole := len(hash) &^ (groupRows - 1)
	triplesGroups(dst[:whole], hash[:whole], s)
	if rest := hash[whole:]; len(rest) > 0 {
		var h [groupRows]aes.Block
		var t [groupRows]triple
		copy(h[:], rest)
		triplesGroups(t[:], h[:], s)
		copy(dst[whole:], t[:])
	}
}

// denseProducts sets dst[i] to the dense part of the row with element hash[i], Σ dense[d]·hash[i]^(d+1).
func denseProducts(dst, hash, dense []aes.Block) {
	if len(dst) != len(hash) || len(dense) == 0 {
		panic("kernel/okvs: results and hashes differ in length, or no dense column")
	}
	if !accelerated {
		denseTwin(dst, hash, dense)
		return
	}
	whole := len(hash) &^ (groupRows - 1)
	denseGroups(dst[:whole], hash[:whole], dense)
	if rest := hash[whole:]; len(rest) > 0 {
		var h [groupRows]aes.Block
		copy(h[:], rest)
		denseGroups(h[:], h[:], dense)
		copy(dst[whole:], h[:])
	}
}

// gather sets dst[place[i]] to part[i] plus the three slots of sparse that row[i] names. Rows and places are our own: the
// assembly does not check them.
func gather(dst []aes.Block, place []uint16, row []triple, part, sparse []aes.Block) {
	if len(place) != len(row) || len(place) != len(part) {
		panic("kernel/okvs: places, rows and dense parts differ in length")
	}
	whole := 0
	if accelerated {
		whole = len(row) &^ (groupRows - 1)
		gatherGroups(dst, place[:whole], row[:whole], part[:whole], sparse)
	}
	gatherTwin(dst, place[whole:], row[whole:], part[whole:], sparse)
}
