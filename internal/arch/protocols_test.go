package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var headings = []string{"# Protocol", "# Security", "# Cost", "# Limits", "# References"}

// TestProtocolDocs: every protocol's doc.go has the five headings in order, and a test that compares its `reveals:`
// lines with the leaks it declares in data.
func TestProtocolDocs(t *testing.T) {
	dirs := map[string][]source{}
	for _, s := range sources(t) {
		if under(s.pkg, "protocols") && s.pkg != "protocols" && s.pkg != "protocols/conntest" && s.pkg != "protocols/transcript" {
			dirs[s.pkg] = append(dirs[s.pkg], s)
		}
	}
	if len(dirs) == 0 {
		t.Fatal("no protocol found")
	}
	for dir, files := range dirs {
		b, err := os.ReadFile(filepath.Join("..", "..", dir, "doc.go"))
		if err != nil {
			t.Errorf("%s: no doc.go", dir)
			continue
		}
		var got []string
		for _, m := range regexp.MustCompile(`(?m)^// (# .*)$`).FindAllStringSubmatch(string(b), -1) {
			got = append(got, m[1])
		}
		if !slices.Equal(got, headings) {
			t.Errorf("%s/doc.go: headings %q, want %q", dir, got, headings)
		}
		if !slices.ContainsFunc(files, func(s source) bool { return s.test && mentions(s, "Leaks()") && mentions(s, "doc.go") }) {
			t.Errorf("%s: no test compares the reveals: lines of doc.go with Leaks()", dir)
		}
	}
}

func mentions(s source, text string) bool {
	b, err := os.ReadFile(filepath.Join("..", "..", s.path))
	return err == nil && strings.Contains(string(b), text)
}
