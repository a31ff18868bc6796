package train

import (
	"math"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/share"
)

// CoefficientsCost is the exact cost of OwnCoefficients for such a model, as the label holder; the host's is its Flip.
func CoefficientsCost(labelCols, hostCols int, to share.Receiver) protocols.Cost {
	c := protocols.Cost{Rounds: 1}
	if receives(to, false) {
		c.SentBytes = 8 * int64(hostCols)
	}
	if receives(to, true) {
		c.RecvBytes = 8 * int64(blockCols(labelCols, true))
	}
	return c
}

// receives reports whether to names the party in role label.
func receives(to share.Receiver, label bool) bool {
	return to == share.ToBoth || label && to == share.ToFirst || !label && to == share.ToSecond
}

// CoefficientsLeaks returns what OwnCoefficients discloses to those it names, word for word in the package documentation.
func CoefficientsLeaks() []protocols.Leak {
	return []protocols.Leak{
		{
			To: LabelHolder, About: protocols.All, Kind: protocols.LeakCoefficients,
			Detail: "the released coefficients of its own columns and the intercept",
		},
		{
			To: Host, About: protocols.All, Kind: protocols.LeakCoefficients,
			Detail: "the released coefficients of its own columns",
		},
	}
}

// split returns the shares of the coefficients of this party's columns and those of the peer's.
func (m *model) split() (own, peer []uint64) {
	l, h := m.shares[:m.labelCols+1], m.shares[m.labelCols+1:]
	if m.label {
		return l, h
	}
	return h, l
}

// openCoefficients adds up the shares.
//
// Errors: fault.Precision (a coefficient out of the range that training ends in: the halves are not of one model).
func openCoefficients(own, received []uint64) ([]float64, error) {
	out := make([]float64, len(own))
	outside := false
	for i, v := range own {
		w := int64(v + received[i])
		outside = outside || w > WeightCap<<weightBits || w < -WeightCap<<weightBits
		out[i] = math.Ldexp(float64(w), -weightBits)
	}
	if outside {
		return nil, fault.New(fault.Precision, "train.OwnCoefficients", "weights beyond ±%d: the two halves are not of one model", WeightCap)
	}
	return out, nil
}
