package demo

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tacit-data/tacit/engine/model"
	"github.com/tacit-data/tacit/node/exec"
)

func TestCoordinatesStayInThePlot(t *testing.T) {
	for _, c := range []struct {
		v    float64
		x, y string
	}{
		{0, "56.0", "360.0"},
		{1, "402.0", "14.0"},
		{0.5, "229.0", "187.0"},
		{-3, "56.0", "360.0"},
		{7, "402.0", "14.0"},
		{math.NaN(), "56.0", "360.0"},
		{math.Inf(1), "402.0", "14.0"},
	} {
		if place(c.v) != c.x || height(c.v) != c.y {
			t.Errorf("%v lies at %s, %s; want %s, %s", c.v, place(c.v), height(c.v), c.x, c.y)
		}
	}
}

func TestTrace(t *testing.T) {
	points := []model.Point{{}, {Share: 0.5, TPR: 1, FPR: 0}, {Share: 1, TPR: 1, FPR: 1}}
	if got, want := trace(points, pointFPR, pointTPR), "M56.0 360.0 L56.0 14.0 L402.0 14.0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if trace(nil, pointFPR, pointTPR) != "" {
		t.Error("no points draw a line")
	}
}

func TestKSGap(t *testing.T) {
	r := model.Report{KS: 0.6, Points: []model.Point{{}, {Share: 0.3, TPR: 0.7, FPR: 0.1}, {Share: 0.8, TPR: 0.9, FPR: 0.7}, {Share: 1, TPR: 1, FPR: 1}}}
	g := ksChart(r).Gap
	if g == nil || g.X != place(0.3) || g.Y1 != height(0.7) || g.Y2 != height(0.1) || g.Label != "KS 0.600 at 30 %" || g.Anchor != "start" {
		t.Fatalf("the gap is at %+v", g)
	}
	r.Points[1].Share = 0.7
	if g := ksChart(r).Gap; g.Anchor != "end" {
		t.Error("a label at the right border runs out of the figure")
	}
	if c := ksChart(model.Report{}); c.Gap != nil {
		t.Error("no points have a gap")
	}
}

func TestROCWithoutTheJoint(t *testing.T) {
	c := rocChart(nil, Twin{Pooled: model.Report{Points: []model.Point{{}, {Share: 1, TPR: 1, FPR: 1}}}}, "bank")
	if len(c.Lines) != 2 || c.Lines[0].Class != "pooled" || c.Lines[1].Class != "chance" {
		t.Errorf("lines %+v, want the pooled one and chance", c.Lines)
	}
}

func TestCoefficientsAreOrderedAndBounded(t *testing.T) {
	c := coefficientChart("c", "bank", exec.ModelDocument{Coefficients: map[string]float64{"b": -0.5, "a": 0.5, "zero": 0, "most": -1}})
	var names []string
	for _, b := range c.Bars {
		names = append(names, b.Name+b.Value)
	}
	if got, want := strings.Join(names, " "), "most−1.000 a+0.500 b−0.500 zero+0.000"; got != want {
		t.Errorf("bars %s, want %s", got, want)
	}
	if b := c.Bars[0]; b.Class != "neg" || b.X != "166.0" || b.W != "96.0" {
		t.Errorf("the largest negative bar is %+v", b)
	}
	if b := c.Bars[1]; b.Class != "pos" || b.X != "262.0" || b.W != "48.0" {
		t.Errorf("the half positive bar is %+v", b)
	}
	many := map[string]float64{}
	for i := range maxBars + 3 {
		many[fmt.Sprint("x", i)] = float64(i)
	}
	if c := coefficientChart("c", "bank", exec.ModelDocument{Coefficients: many}); len(c.Bars) != maxBars || c.Hidden != 3 {
		t.Errorf("%d bars, %d hidden; want %d and 3", len(c.Bars), c.Hidden, maxBars)
	}
	if c := coefficientChart("c", "bank", exec.ModelDocument{}); len(c.Bars) != 0 || c.Height != "4.0" {
		t.Errorf("no coefficients draw %+v", c)
	}
}

func TestShorten(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "abcdefghijklmnopqrst": "abcdefghijklmnopqrst", "abcdefghijklmnopqrstu": "abcdefghijklmnopqrst…",
		"月均用电量与缴费次数": "月均用电量与缴费次数", "月均用电量与缴费次数一": "月均用电量与缴费次数…",
	} {
		if got := shorten(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestLanesShareOneScale(t *testing.T) {
	got := lanes([]int64{100, 50}, 10, []int64{140, 50})
	want := []lane{{From: "84.5", To: "135.5", Noised: "110.0", Exact: "212.0"}, {From: "84.5", To: "135.5", Noised: "110.0", Exact: "110.0"}}
	if !slices.Equal(got, want) {
		t.Errorf("lanes %+v, want %+v", got, want)
	}
	if got := lanes([]int64{7}, 0, []int64{7}); got[0].From != "110.0" || got[0].Exact != "110.0" {
		t.Errorf("a count without noise has the lane %+v", got[0])
	}
	if len(lanes(nil, 1, nil)) != 0 {
		t.Error("no counts have lanes")
	}
}
