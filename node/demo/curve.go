package demo

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/tacit-data/tacit/engine/model"
	"github.com/tacit-data/tacit/node/exec"
)

// The plot area of a square chart, in units of its 420×412 view box.
const (
	plotLeft, plotTop = 56.0, 14.0
	plotSide          = 346.0
)

// chart is one figure with both axes from 0 to 1.
type chart struct {
	ID, Title, Desc string // Desc says in words what the lines show
	XLabel, YLabel  string
	Lines           []curveLine
	Ticks           []tick
	Gap             *gap
}

// curveLine is one drawn line; Class names its stroke, Key what it is.
type curveLine struct{ Class, Key, Value, D string }

// tick is a grid position on both axes.
type tick struct{ Label, X, Y string }

// gap marks where two lines are farthest apart.
type gap struct{ X, Y1, Y2, LabelX, LabelY, Anchor, Label string }

func ticks() []tick {
	var out []tick
	for i := range 5 {
		v := float64(i) / 4
		out = append(out, tick{Label: percent(v), X: place(v), Y: height(v)})
	}
	return out
}

// place and height turn shares into coordinates; what is no share lands on the border.
func place(v float64) string { return coordinate(plotLeft + plotSide*share(v)) }

func height(v float64) string { return coordinate(plotTop + plotSide*(1-share(v))) }

func share(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return min(max(v, 0), 1)
}

func coordinate(v float64) string { return fmt.Sprintf("%.1f", v) }

func percent(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) }

// trace draws y over x through the points.
func trace(points []model.Point, x, y func(model.Point) float64) string {
	var b strings.Builder
	for i, p := range points {
		if i == 0 {
			b.WriteString("M")
		} else {
			b.WriteString(" L")
		}
		b.WriteString(place(x(p)) + " " + height(y(p)))
	}
	return b.String()
}

func pointShare(p model.Point) float64 { return p.Share }
func pointTPR(p model.Point) float64   { return p.TPR }
func pointFPR(p model.Point) float64   { return p.FPR }

// rocChart compares the job with what the twin computed: the pooled features and the label holder's alone.
func rocChart(joint *model.Report, t Twin, alone string) chart {
	c := chart{
		ID: "roc", Title: "ROC curve", XLabel: "false positive rate", YLabel: "true positive rate", Ticks: ticks(),
	}
	add := func(class, key string, r model.Report) {
		if len(r.Points) > 0 {
			c.Lines = append(c.Lines, curveLine{Class: class, Key: key, Value: "AUC " + metric(r.AUC), D: trace(r.Points, pointFPR, pointTPR)})
		}
	}
	if joint != nil {
		add("joint", "joint, private", *joint)
	}
	add("pooled", "pooled plain twin", t.Pooled) // dashed over solid: both show where they agree
	add("alone", alone+" alone", t.AOnly)
	c.Lines = append(c.Lines, curveLine{Class: "chance", Key: "chance", Value: "AUC 0.500", D: "M" + place(0) + " " + height(0) + " L" + place(1) + " " + height(1)})
	c.Desc = "True positive rate over false positive rate on the test rows."
	for _, l := range c.Lines {
		c.Desc += " " + l.Key + ": " + l.Value + "."
	}
	return c
}

// ksChart draws the shares of positives and of negatives found among the highest scores, and marks their largest distance.
func ksChart(r model.Report) chart {
	c := chart{
		ID: "ks", Title: "KS chart of the joint model", XLabel: "share of rows, highest scores first", YLabel: "share found", Ticks: ticks(),
		Lines: []curveLine{
			{Class: "joint", Key: "positives found (TPR)", D: trace(r.Points, pointShare, pointTPR)},
			{Class: "alone", Key: "negatives found (FPR)", D: trace(r.Points, pointShare, pointFPR)},
		},
	}
	c.Desc = "True and false positive rate over the share of rows. KS " + metric(r.KS) + "."
	if len(r.Points) == 0 {
		return c
	}
	widest := slices.MaxFunc(r.Points, func(a, b model.Point) int {
		return cmp.Compare(math.Abs(a.TPR-a.FPR), math.Abs(b.TPR-b.FPR))
	})
	g := gap{X: place(widest.Share), Y1: height(widest.TPR), Y2: height(widest.FPR), Anchor: "start"}
	at, side := plotLeft+plotSide*share(widest.Share), 8.0
	if share(widest.Share) > 0.6 {
		g.Anchor, side = "end", -8
	}
	g.LabelX, g.LabelY = coordinate(at+side), height((share(widest.TPR)+share(widest.FPR))/2)
	g.Label = "KS " + metric(r.KS) + " at " + percent(share(widest.Share))
	c.Gap = &g
	return c
}

func metric(v float64) string { return fmt.Sprintf("%.3f", v) }

// The rows of a bar chart, in units of its view box, 420 wide: names, bars around a zero line, numbers.
const (
	barWidth   = 420.0
	barRow     = 22.0
	barZero    = 262.0
	barHalf    = 96.0
	maxBars    = 60 // more would be a wall; the largest are shown
	maxBarName = 20 // columns of text that fit beside a bar; a wide rune takes two
)

// barChart is one party's coefficients, the largest first.
type barChart struct {
	ID, Title, Desc string
	Height          string
	Zero, Bottom    string // the zero line
	Bars            []barLine
	Hidden          int // coefficients beyond maxBars
}

type barLine struct {
	Name, Full, Value, Class string
	X, Y, W, TextY           string
}

func coefficientChart(id, who string, m exec.ModelDocument) barChart {
	names := slices.SortedFunc(maps.Keys(m.Coefficients), func(a, b string) int {
		return cmp.Or(cmp.Compare(math.Abs(m.Coefficients[b]), math.Abs(m.Coefficients[a])), cmp.Compare(a, b))
	})
	c := barChart{ID: id, Title: fmt.Sprintf("Coefficients of %s", who)}
	c.Desc = fmt.Sprintf("%d coefficients of standardised columns, by size.", len(names))
	if len(names) > maxBars {
		c.Hidden, names = len(names)-maxBars, names[:maxBars]
	}
	longest := 0.0
	if len(names) > 0 {
		longest = math.Abs(m.Coefficients[names[0]])
	}
	for i, name := range names {
		c.Bars = append(c.Bars, coefficientBar(float64(i)*barRow, name, m.Coefficients[name], longest))
	}
	bottom := barRow * float64(len(names))
	c.Zero, c.Bottom, c.Height = coordinate(barZero), coordinate(bottom), coordinate(bottom+4)
	return c
}

func coefficientBar(top float64, name string, v, longest float64) barLine {
	length := 0.0
	if longest > 0 {
		length = barHalf * share(math.Abs(v)/longest)
	}
	b := barLine{
		Name: shorten(name), Full: name, Value: signed(v), Class: "pos", X: coordinate(barZero), Y: coordinate(top + 4),
		W: coordinate(length), TextY: coordinate(top + 15),
	}
	if v < 0 {
		b.Class, b.X = "neg", coordinate(barZero-length)
	}
	return b
}

func shorten(name string) string {
	columns := 0
	for i, r := range name {
		if columns++; r >= 0x1100 { // Hangul, kana, ideographs and most else from here on are wide
			columns++
		}
		if columns > maxBarName {
			return name[:i] + "…"
		}
	}
	return name
}

// signed writes a coefficient with a true minus sign.
func signed(v float64) string {
	return strings.Replace(fmt.Sprintf("%+.3f", v), "-", "−", 1)
}

// The lane of one noised count, in units of its view box, 220×20. The count itself is in the middle.
const laneCentre, laneHalf = 110.0, 102.0

// lane draws the 95 % interval around a noised count and where the exact count lies.
type lane struct{ From, To, Noised, Exact string }

// lanes draws every count's noise to one scale, in rows.
func lanes(counts []int64, halfWidth float64, exact []int64) []lane {
	reach := max(2*halfWidth, 1)
	for i, c := range counts {
		reach = max(reach, math.Abs(float64(exact[i]-c)))
	}
	at := func(off float64) string { return coordinate(laneCentre + laneHalf*off/reach) }
	out := make([]lane, len(counts))
	for i, c := range counts {
		out[i] = lane{From: at(-halfWidth), To: at(halfWidth), Noised: at(0), Exact: at(float64(exact[i] - c))}
	}
	return out
}
