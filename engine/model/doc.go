// Package model holds plain reference models and the metrics of scores: the oracles that every private computation is
// compared with, and local scoring at whoever may hold the inputs. It shares no code with the protocols.
//
// Sums run in row or rank order, so that equal inputs give equal bits. Errors hold names and counts, never a value.
package model

// The bounds of this package.
const (
	// MinRows and MinOfEach are the least rows, and the least of each class, that are evaluated: on fewer a metric tells
	// about single rows.
	MinRows   = 100
	MinOfEach = 10
	// MaxPoints bounds the points of a curve: enough to draw it, too few to read single rows from.
	MaxPoints = 200
	// LiftBins is the number of bins of a lift table.
	LiftBins = 10
)
