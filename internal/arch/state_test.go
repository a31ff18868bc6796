package arch

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

func TestNoInit(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s:%d: init function", s.path, s.line(f))
			}
		}
	}
}

// panics lists the files that may panic and why.
var panics = map[string]string{
	"protocols/transcript/transcript.go": "hash functions that cannot fail",
}

func TestNoPanic(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || under(s.pkg, "internal/invariant") || under(s.pkg, "internal/kernel") || panics[s.path] != "" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok {
				if id, ok := c.Fun.(*ast.Ident); ok && id.Name == "panic" {
					t.Errorf("%s:%d: panic outside internal/invariant and kernels", s.path, s.line(c))
				}
			}
			return true
		})
	}
}

func TestNoBareGoroutines(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || (!under(s.pkg, "engine") && !under(s.pkg, "protocols")) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s:%d: bare go statement; use an errgroup that is waited for", s.path, s.line(g))
			}
			return true
		})
	}
}

// TestNoMutableState: a package-level variable is a table or a sentinel. It may not be assigned, incremented or have its
// address taken by any function of its package.
func TestNoMutableState(t *testing.T) {
	vars := map[string]map[string]string{} // package → variable → file
	all := sources(t)
	for _, s := range all {
		if s.test {
			continue
		}
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				for _, name := range v.Names {
					if name.Name == "_" {
						continue
					}
					if len(v.Values) == 0 && !embedded(g) {
						t.Errorf("%s:%d: package variable %s without a value is mutable state", s.path, s.line(v), name.Name)
					}
					if vars[s.pkg] == nil {
						vars[s.pkg] = map[string]string{}
					}
					vars[s.pkg][name.Name] = s.path
				}
			}
		}
	}
	for _, s := range all {
		if s.test || len(vars[s.pkg]) == 0 {
			continue
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				checkAssignments(t, s, f, vars[s.pkg])
			}
		}
	}
}

// embedded reports whether the compiler fills the variable from a file.
func embedded(g *ast.GenDecl) bool {
	return g.Doc != nil && strings.Contains(g.Doc.List[len(g.Doc.List)-1].Text, "//go:embed ")
}

func checkAssignments(t *testing.T, s source, f *ast.FuncDecl, vars map[string]string) {
	t.Helper()
	report := func(e ast.Expr, what string) {
		for {
			switch x := e.(type) {
			case *ast.IndexExpr:
				e = x.X
				continue
			case *ast.SelectorExpr:
				e = x.X
				continue
			case *ast.ParenExpr:
				e = x.X
				continue
			}
			break
		}
		// An identifier that the parser resolved to a local declaration is no package variable.
		id, ok := e.(*ast.Ident)
		if !ok || vars[id.Name] == "" || (id.Obj != nil && id.Obj.Pos() > f.Pos() && id.Obj.Pos() < f.End()) {
			return
		}
		t.Errorf("%s:%d: package variable %s is %s", s.path, s.line(id), id.Name, what)
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.AssignStmt:
			if x.Tok != token.DEFINE {
				for _, l := range x.Lhs {
					report(l, "assigned")
				}
			}
		case *ast.IncDecStmt:
			report(x.X, "changed")
		}
		return true
	})
}

func TestNoUnconditionalTodo(t *testing.T) {
	for _, s := range sources(t) {
		for _, g := range s.file.Comments {
			for _, c := range g.List {
				if strings.Contains(c.Text, "TODO") && !strings.Contains(c.Text, "TODO when ") && !under(s.pkg, "internal/arch") {
					t.Errorf("%s:%d: a TODO without its condition", s.path, s.line(c))
				}
			}
		}
	}
}
