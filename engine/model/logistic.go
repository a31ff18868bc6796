package model

import (
	"math"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine/feature"
)

// LogisticOptions says how FitLogistic fits.
type LogisticOptions struct {
	// L2 is λ in ½λ‖w‖², added to the sum (not the mean) of the losses; the intercept is free. 1 is scikit-learn's C = 1.
	// It must not be negative; advice: 1.
	L2 float64
	// MaxIterations bounds the Newton steps; 0 is 100. Newton takes 5 to 10.
	MaxIterations int
	// Tolerance ends the fit when no coefficient moves more; 0 is 1e−10.
	Tolerance float64
}

// Logistic is a fitted logistic regression. It is immutable.
type Logistic struct {
	Names      []string
	Coef       []float64 // one per name
	Intercept  float64
	Iterations int
}

// FitLogistic minimises Σ log(1 + e^z) − y·z + ½λ‖w‖², z = b + x·w, by Newton steps with halving, to convergence.
// Standardise x first (feature.Scaler); the penalty depends on scale.
//
// Shape: x n×d without missing values, y n of 0 and 1 with both present.
// Errors: fault.Invalid (shape, NaN, options, one class), fault.Precision (no unique or no finite optimum: a singular
// system, or no convergence within MaxIterations).
// Source: Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 2nd ed., §4.4.1.
func FitLogistic(x feature.Matrix, y []uint8, o LogisticOptions) (Logistic, error) {
	const op = "model.FitLogistic"
	if err := checkInputs(x, y, op); err != nil {
		return Logistic{}, err
	}
	if !(o.L2 >= 0) || math.IsInf(o.L2, 0) || o.MaxIterations < 0 || !(o.Tolerance >= 0) {
		return Logistic{}, fault.New(fault.Invalid, op, "a negative or infinite penalty, tolerance or iteration count")
	}
	if o.MaxIterations == 0 {
		o.MaxIterations = 100
	}
	if o.Tolerance == 0 {
		o.Tolerance = 1e-10
	}
	f := newNewton(x, y, o.L2)
	for i := 1; i <= o.MaxIterations; i++ {
		moved, err := f.step()
		if err != nil {
			return Logistic{}, err
		}
		if moved <= o.Tolerance {
			return Logistic{Names: slices.Clone(x.Names), Coef: f.theta[:x.Cols], Intercept: f.theta[x.Cols], Iterations: i}, nil
		}
	}
	return Logistic{}, fault.New(fault.Precision, op, "no convergence in %d iterations; are the classes separable and L2 zero?", o.MaxIterations)
}

// checkInputs refuses inputs that no model is fitted or scored on. y may be nil.
func checkInputs(x feature.Matrix, y []uint8, op string) error {
	if x.Rows < 1 || x.Cols < 1 || len(x.Data) != x.Rows*x.Cols || len(x.Names) != x.Cols {
		return fault.New(fault.Invalid, op, "a matrix of %d rows and %d columns with %d cells", x.Rows, x.Cols, len(x.Data))
	}
	for j := range x.Cols {
		for _, v := range x.Column(j) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fault.New(fault.Invalid, op, "column %q holds a missing, NaN or infinite value", x.Names[j])
			}
		}
	}
	if y == nil {
		return nil
	}
	if len(y) != x.Rows {
		return fault.New(fault.Invalid, op, "%d labels for %d rows", len(y), x.Rows)
	}
	_, _, err := classes(y, op)
	return err
}

// Predict returns the probability of a 1 for every row of x.
//
// Errors: fault.SchemaMismatch (other columns than were fitted), fault.Invalid (NaN, shape).
func (l Logistic) Predict(x feature.Matrix) ([]float64, error) {
	z, err := l.Linear(x)
	if err != nil {
		return nil, err
	}
	for i, v := range z {
		z[i] = sigmoid(v)
	}
	return z, nil
}

// Linear returns b + x·w for every row of x: the logarithm of the odds.
//
// Errors: as Predict.
func (l Logistic) Linear(x feature.Matrix) ([]float64, error) {
	const op = "model.Predict"
	if err := checkInputs(x, nil, op); err != nil {
		return nil, err
	}
	if !slices.Equal(l.Names, x.Names) {
		return nil, fault.New(fault.SchemaMismatch, op, "the columns are not the %d that were fitted, in their order", len(l.Names))
	}
	z := make([]float64, x.Rows)
	linear(z, x, l.Coef, l.Intercept)
	return z, nil
}

// linear sets z = b + x·w, column by column.
func linear(z []float64, x feature.Matrix, w []float64, b float64) {
	for i := range z {
		z[i] = b
	}
	for j, c := range w {
		for i, v := range x.Column(j) {
			z[i] += c * v
		}
	}
}

// sigmoid is 1/(1+e^−z) without overflow.
func sigmoid(z float64) float64 {
	if z >= 0 {
		return 1 / (1 + math.Exp(-z))
	}
	e := math.Exp(z)
	return e / (1 + e)
}
