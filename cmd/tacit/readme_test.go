package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
)

const repository = "../.."

// pages are the documents whose snippets people copy, relative to repository.
func pages(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, pattern := range []string{"*.md", "examples/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(repository, pattern))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, found...)
	}
	err := filepath.WalkDir(filepath.Join(repository, "docs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".md") {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSnippets: every command line of a document names a command and flags that exist.
func TestSnippets(t *testing.T) {
	seen := 0
	for _, path := range pages(t) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range snippets(string(b)) {
			seen++
			if err := understood(s.words); err != nil {
				t.Errorf("%s:%d: tacit %s: %v", strings.TrimPrefix(path, repository+"/"), s.line, strings.Join(s.words, " "), err)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d command lines found: the documents or this test have lost them", seen)
	}
}

// snippet is a command line of a document without the program's name.
type snippet struct {
	line  int
	words []string
}

// snippets finds the command lines in fenced blocks and in `code` of the running text.
func snippets(text string) []snippet {
	var out []snippet
	fenced, open := false, ""
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			fenced, open = !fenced, ""
			continue
		}
		candidates := []string{line}
		if !fenced {
			candidates = candidates[:0]
			for j, span := range strings.Split(line, "`") {
				if j%2 == 1 {
					candidates = append(candidates, span)
				}
			}
		} else if open != "" {
			candidates[0], open = open+line, ""
		}
		for _, c := range candidates {
			if rest, cut := strings.CutSuffix(c, `\`); cut && fenced {
				open = rest
				continue
			}
			if words, ok := commandLine(c); ok {
				out = append(out, snippet{i + 1, words})
			}
		}
	}
	return out
}

// commandLine returns the words after the program's name, up to a comment or what a shell would take.
func commandLine(s string) ([]string, bool) {
	s = strings.TrimPrefix(s, "$ ")
	rest, ok := strings.CutPrefix(s, "tacit ")
	if !ok {
		rest, ok = strings.CutPrefix(s, "go run ./cmd/tacit ")
	}
	words := strings.Fields(rest)
	stop := slices.IndexFunc(words, func(w string) bool { return strings.ContainsAny(w[:1], "#|<>&·(→") })
	if stop >= 0 {
		words = words[:stop]
	}
	return words, ok && len(words) > 0
}

// understood resolves the command and its flags, and checks the number of arguments.
func understood(words []string) error {
	tree := newRoot(&app{})
	c, rest, err := tree.Find(words)
	if err != nil {
		return err
	}
	if c == tree {
		return fmt.Errorf("no such command")
	}
	c.InitDefaultHelpFlag()
	if err := c.ParseFlags(rest); err != nil {
		return err
	}
	if help, err := c.Flags().GetBool("help"); err == nil && help {
		return nil
	}
	if len(c.Commands()) > 0 && len(c.Flags().Args()) == 0 && c.Flags().NFlag() == 0 {
		return nil // a group named in the text
	}
	if c.Flags().NFlag() == 0 && len(c.Flags().Args()) == 0 {
		return nil // a command named in the text, not a command line
	}
	return c.ValidateArgs(c.Flags().Args())
}

func TestSnippetsFinds(t *testing.T) {
	text := "a `tacit serve --dir x` and `other`\n```\n$ tacit init \\\n  --party bank # why\ngo run ./cmd/tacit demo | head\nplain\n```\ntacit prose\n"
	var got []string
	for _, s := range snippets(text) {
		got = append(got, strings.Join(s.words, " "))
	}
	if want := []string{"serve --dir x", "init --party bank", "demo"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, wrong := range []string{"nothing", "init --partyy bank", "data remove x --dir d", "get J --dir d", "peer revoke x"} {
		if understood(strings.Fields(wrong)) == nil {
			t.Errorf("tacit %s is understood", wrong)
		}
	}
}

// TestErrorPages: every code has a page that says what the code table says, and every page a code.
func TestErrorPages(t *testing.T) {
	found, err := filepath.Glob(filepath.Join(repository, "docs/errors/*.md"))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, c := range fault.Codes() {
		want = append(want, filepath.Join(repository, fmt.Sprintf("docs/errors/%02d-%s.md", c.ExitCode(), strings.ToLower(c.String()))))
	}
	slices.Sort(want)
	if !slices.Equal(found, want) {
		t.Fatalf("pages %q, want %q", found, want)
	}
	for _, c := range fault.Codes() {
		path := filepath.Join(repository, fmt.Sprintf("docs/errors/%02d-%s.md", c.ExitCode(), strings.ToLower(c.String())))
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{
			fmt.Sprintf("# %d %s\n", c.ExitCode(), c), fmt.Sprintf("error[%d %s]", c.ExitCode(), c), advices[c].did, advices[c].do, "**Meaning.**", "**Who acts:**", "**中文。**",
		} {
			if !strings.Contains(string(b), part) {
				t.Errorf("%s lacks %q", path, part)
			}
		}
	}
}
