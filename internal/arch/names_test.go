package arch

import (
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var forbiddenNames = []string{"util", "utils", "common", "helper", "helpers", "misc", "base", "core", "types", "manager"}

func TestForbiddenNames(t *testing.T) {
	for _, s := range sources(t) {
		if slices.Contains(forbiddenNames, path.Base(s.pkg)) || slices.Contains(forbiddenNames, s.file.Name.Name) {
			t.Errorf("%s: package name says nothing", s.path)
		}
		name := strings.TrimSuffix(strings.TrimSuffix(path.Base(s.path), ".go"), "_test")
		// A protocol's base OTs are called so in the literature.
		if slices.Contains(forbiddenNames, name) && s.path != "protocols/ot/base.go" && s.path != "protocols/ot/base_test.go" {
			t.Errorf("%s: file name says nothing", s.path)
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			ts, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			r := []rune(ts.Name.Name)
			if _, isInterface := ts.Type.(*ast.InterfaceType); isInterface && len(r) > 1 && r[0] == 'I' && unicode.IsUpper(r[1]) {
				t.Errorf("%s:%d: I-prefixed interface %s", s.path, s.line(ts), ts.Name.Name)
			}
			return true
		})
	}
}
