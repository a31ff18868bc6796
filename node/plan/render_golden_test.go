package plan

import (
	"os"
	"testing"
)

func TestRenderedReferencePlan(t *testing.T) {
	p := mustBuild(t, readSpec(t, "credit-lr.yaml"), catalog(t, "catalog-small.json"))
	for _, lang := range []string{"en", "zh"} {
		path, got := "testdata/credit-lr."+lang+".txt", p.Render(lang)
		if *rewrite {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s changed:\n%s", path, got)
		}
	}
	if p.String() != p.Render("en") {
		t.Error("String is not English")
	}
}
