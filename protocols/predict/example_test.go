package predict_test

import (
	"context"
	"fmt"
	"math"

	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/conntest"
	"github.com/tacit-data/tacit/protocols/predict"
	"github.com/tacit-data/tacit/protocols/train"
)

// A bank and a utility train a model and score the bank's customers with it. Only the bank sees a score.
func ExampleScore() {
	const rows = 100
	bank := train.Input{Label: true, X: make([]float64, rows), Rows: rows, Cols: 1, Y: make([]uint8, rows)}
	utility := train.Input{X: make([]float64, rows), Rows: rows, Cols: 1}
	for i := range rows {
		bank.X[i], utility.X[i] = math.Sin(float64(i)), math.Cos(float64(3*i))
		if bank.X[i]+2*utility.X[i]+math.Sin(float64(7*i)) > 0 {
			bank.Y[i] = 1
		}
	}
	training, err := train.NewGLMParams(train.GLMLiteral{Link: train.LinkLogit, Rows: rows, LabelCols: 1, HostCols: 1, MaxIter: 5, Lambda: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	scoring, err := predict.NewParams(predict.Literal{Rows: rows, LabelCols: 1, HostCols: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	sa, sb := conntest.RandomSessions("bank", "utility")
	ca, cb := conntest.Pair("bank", "utility")
	var atBank, atUtility []float64
	side := func(s protocols.Session, c protocols.Conn, in train.Input, z *[]float64) func() error {
		return func() error {
			model, err := train.GLM(context.Background(), s, []protocols.Conn{c}, in, training)
			if err != nil {
				return err
			}
			s.Binding[0] ^= 1 // the next step of the job
			*z, err = predict.Score(context.Background(), s, []protocols.Conn{c}, model, in, scoring)
			return err
		}
	}
	errA, errB := conntest.Both(ca, side(sa, ca, bank, &atBank), side(sb, cb, utility, &atUtility))
	if errA != nil || errB != nil {
		fmt.Println(errA, errB)
		return
	}
	right := 0
	for i, z := range atBank {
		if (predict.Logistic(z) > 0.5) == (bank.Y[i] == 1) {
			right++
		}
	}
	fmt.Println("scores at the bank:", len(atBank), "at the utility:", len(atUtility))
	fmt.Println("most are right:", right > 80)
	// Output:
	// scores at the bank: 100 at the utility: 0
	// most are right: true
}
