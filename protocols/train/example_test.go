package train_test

import (
	"context"
	"fmt"
	"math"

	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
	"github.com/tacit-data/tacit/protocols/share"
	"github.com/tacit-data/tacit/protocols/train"
)

// A bank knows who repaid, a utility knows who pays its bills late. They fit one model, and each learns the weight of its
// own column only.
func ExampleGLM() {
	const rows = 120
	bank := train.Input{Label: true, X: make([]float64, rows), Rows: rows, Cols: 1, Y: make([]uint8, rows)}
	utility := train.Input{X: make([]float64, rows), Rows: rows, Cols: 1}
	for i := range rows {
		bank.X[i], utility.X[i] = math.Sin(float64(i)), math.Cos(float64(3*i))
		if bank.X[i]+2*utility.X[i]+math.Sin(float64(7*i)) > 0 {
			bank.Y[i] = 1
		}
	}
	params, err := train.NewGLMParams(train.GLMLiteral{Link: train.LinkLogit, Rows: rows, LabelCols: 1, HostCols: 1, MaxIter: 10, Lambda: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	sa, sb := conntest.RandomSessions("bank", "utility")
	ca, cb := conntest.Pair("bank", "utility")
	var atBank, atUtility []float64
	side := func(s protocols.Session, c protocols.Conn, in train.Input, own *[]float64) func() error {
		return func() error {
			model, err := train.GLM(context.Background(), s, []protocols.Conn{c}, in, params)
			if err != nil {
				return err
			}
			*own, err = train.OwnCoefficients(context.Background(), s, []protocols.Conn{c}, model, in.Label, share.ToBoth)
			return err
		}
	}
	errA, errB := conntest.Both(ca, side(sa, ca, bank, &atBank), side(sb, cb, utility, &atUtility))
	if errA != nil || errB != nil {
		fmt.Println(errA, errB)
		return
	}
	fmt.Printf("bank: %d weights, its column %.1f\n", len(atBank), atBank[0])
	fmt.Printf("utility: %d weight, its column %.1f\n", len(atUtility), atUtility[0])
	// Output:
	// bank: 2 weights, its column 0.4
	// utility: 1 weight, its column 4.5
}

// The planner asks for the price before anything runs.
func ExampleGLMParams_Cost() {
	params, err := train.NewGLMParams(train.GLMLiteral{Link: train.LinkLogit, Rows: 24000, LabelCols: 13, HostCols: 10, Lambda: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	c := params.Cost(train.DefaultMaxIter)
	fmt.Printf("%d flights, %d MB sent, %d MB received\n", c.Rounds, c.SentBytes>>20, c.RecvBytes>>20)
	for _, l := range params.Leaks() {
		fmt.Println("reveals:", l.Detail, "to", l.To)
	}
	// Output:
	// 2211 flights, 1328 MB sent, 682 MB received
	// reveals: the number of rows, the columns of each party and the training parameters to all
	// reveals: the number of iterations and, at every check, whether all weights are in range and whether training converged to all
}
