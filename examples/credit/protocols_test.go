package credit

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/oprf"
	"github.com/tacit-data/tacit/protocols/ot"
	"github.com/tacit-data/tacit/protocols/predict"
	"github.com/tacit-data/tacit/protocols/psi"
	"github.com/tacit-data/tacit/protocols/share"
	"github.com/tacit-data/tacit/protocols/train"
	"github.com/tacit-data/tacit/protocols/vole"
)

// The sizes of the sample, which the protocol table of the READMEs is computed for.
const (
	bankRows, utilityRows   = 12_000, 10_000
	trainRows, testRows     = 6_400, 1_600
	bankCols, utilityCols   = 13, 10
	iterations, manyOfAKind = 25, 1 << 16
	manyKeys                = 1 << 20
)

// TestProtocolTable recomputes rounds and bytes of the READMEs' protocol tables.
func TestProtocolTable(t *testing.T) {
	want := map[string][2]string{
		"protocols/psi` ecdh": alignment(t),
		"protocols/psi` rr22": largeAlignment(t),
		"protocols/oprf":      queries(t),
		"protocols/vole":      correlation(t),
		"protocols/ot":        transfers(t),
		"protocols/share":     sigmoids(t),
		"protocols/train":     training(t),
		"protocols/predict":   scoring(t),
		"engine/dp":           {"0", "0"},
	}
	for _, path := range []string{"../../README.md", "../../README.zh-CN.md"} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for line := range strings.SplitSeq(string(b), "\n") {
			cells := strings.Split(line, "|")
			if len(cells) != 9 {
				continue
			}
			row, ok := want[strings.Trim(cells[1], " `")]
			if !ok {
				continue
			}
			seen++
			if got := [2]string{strings.TrimSpace(cells[4]), strings.TrimSpace(cells[5])}; got != row {
				t.Errorf("%s: %s has rounds and bytes %q, computed %q", path, strings.TrimSpace(cells[1]), got, row)
			}
		}
		if seen != len(want) {
			t.Errorf("%s: %d of %d protocols in the table", path, seen, len(want))
		}
	}
}

// per is what both directions together take for each of n rows.
func per(c protocols.Cost, n int) string {
	return fmt.Sprintf("%.0f", float64(c.SentBytes+c.RecvBytes)/float64(n))
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func alignment(t *testing.T) [2]string {
	p := must[psi.Params](t)(psi.NewParams(psi.ParamsLiteral{
		Method: psi.MethodECDH, Suite: psi.SuiteX25519, Output: psi.OutputBoth, SSP: psi.MinSSP, ReceiverItems: bankRows, SenderItems: utilityRows,
	}))
	c := p.Cost(bankRows, utilityRows)
	return [2]string{fmt.Sprint(c.Rounds), per(c, bankRows+utilityRows)}
}

func largeAlignment(t *testing.T) [2]string {
	p := must[psi.Params](t)(psi.NewParams(psi.ParamsLiteral{
		Method: psi.MethodRR22, Output: psi.OutputBoth, SSP: psi.MinSSP, ReceiverItems: manyKeys, SenderItems: manyKeys,
	}))
	c := p.Cost(manyKeys, manyKeys)
	return [2]string{fmt.Sprint(c.Rounds), per(c, 2*manyKeys)}
}

func queries(t *testing.T) [2]string {
	p := must[oprf.Params](t)(oprf.NewParams(oprf.ParamsLiteral{
		Suite: oprf.SuiteRistretto255, SSP: psi.MinSSP, ServerItems: 10 * manyKeys, Queries: 1 << 32, SessionQueries: manyOfAKind,
	}))
	c := p.Cost(manyOfAKind)
	return [2]string{fmt.Sprint(c.Rounds), per(c, manyOfAKind)}
}

func correlation(t *testing.T) [2]string {
	p := must[vole.Params](t)(vole.NewParams(vole.Literal{Length: manyKeys}))
	c := p.Cost()
	return [2]string{fmt.Sprint(c.Rounds), fmt.Sprintf("%.1f", float64(c.SentBytes+c.RecvBytes)/manyKeys)}
}

func transfers(t *testing.T) [2]string {
	p := must[ot.Params](t)(ot.NewParams(ot.Literal{}))
	c := p.Cost(manyOfAKind)
	return [2]string{fmt.Sprint(c.Rounds), per(c, manyOfAKind)}
}

func sigmoids(t *testing.T) [2]string {
	p := must[share.Params](t)(share.NewParams(share.Literal{}))
	c := p.SigmoidCost(manyOfAKind, 0)
	return [2]string{fmt.Sprint(c.Rounds), per(c, manyOfAKind)}
}

func training(t *testing.T) [2]string {
	p := must[train.GLMParams](t)(train.NewGLMParams(train.GLMLiteral{
		Link: train.LinkLogit, Rows: trainRows, LabelCols: bankCols, HostCols: utilityCols, MaxIter: 30, Tol: 1e-3, Lambda: 1,
	}))
	c := p.Cost(iterations)
	return [2]string{fmt.Sprint(c.Rounds), per(c, trainRows*iterations)}
}

func scoring(t *testing.T) [2]string {
	p := must[predict.Params](t)(predict.NewParams(predict.Literal{Rows: testRows, LabelCols: bankCols, HostCols: utilityCols}))
	c := p.Cost()
	return [2]string{fmt.Sprint(c.Rounds), per(c, testRows)}
}
