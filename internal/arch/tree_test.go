package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/tacit-data/tacit"

// source is one parsed Go file of the product.
type source struct {
	path    string // from the root, with slashes
	pkg     string // directory from the root, with slashes
	test    bool
	file    *ast.File
	fset    *token.FileSet
	imports []imported
}

type imported struct{ path, alias string }

// sources parses every Go file of the main module, generated ones and nested modules excepted.
func sources(t *testing.T) []source {
	t.Helper()
	root := filepath.Join("..", "..")
	fset := token.NewFileSet()
	var out []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			return skipDir(root, rel, d.Name())
		}
		if !strings.HasSuffix(rel, ".go") || strings.HasPrefix(rel, "api/pb/") {
			return nil
		}
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		s := source{path: rel, pkg: filepath.ToSlash(filepath.Dir(rel)), test: strings.HasSuffix(rel, "_test.go"), file: f, fset: fset}
		for _, i := range f.Imports {
			p, _ := strconv.Unquote(i.Path.Value)
			alias := ""
			if i.Name != nil {
				alias = i.Name.Name
			}
			s.imports = append(s.imports, imported{p, alias})
		}
		out = append(out, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("found %d Go files: the walk is wrong", len(out))
	}
	return out
}

// skipDir leaves out hidden directories, generators and nested modules.
func skipDir(root, rel, name string) error {
	if rel == "." {
		return nil
	}
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "node_modules" {
		return filepath.SkipDir
	}
	if m, _ := filepath.Glob(filepath.Join(root, rel, "go.mod")); len(m) > 0 {
		return filepath.SkipDir
	}
	return nil
}

func (s source) line(n ast.Node) int { return s.fset.Position(n.Pos()).Line }
