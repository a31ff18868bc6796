package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/fault"
)

// snapshot is the files of a directory but the lock.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name()] = string(b)
	}
	return out
}

// TestPsiDoorOneOwner: a second start of the same command is refused and changes nothing of the first.
func TestPsiDoorOneOwner(t *testing.T) {
	p := newPsiPair(t, psiLeft, psiRight)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.l.run(ctx, strings.NewReader(""))
	}()
	p.invite()
	before := snapshot(t, p.l.saved+".psi")
	second := psiSide{args: slices.Clone(p.l.args)}
	second.run(ctx, strings.NewReader(""))
	if second.code != fault.Exists.ExitCode() {
		t.Errorf("code %d: %s", second.code, &second.err)
	}
	for name, text := range snapshot(t, p.l.saved+".psi") {
		if before[name] != text {
			t.Errorf("%s has changed", name)
		}
		delete(before, name)
	}
	if len(before) > 0 {
		t.Errorf("gone: %v", before)
	}
	p.c.run(ctx, strings.NewReader(""))
	<-done
	if p.l.code != 0 || p.c.code != 0 {
		t.Errorf("%s%s", &p.l.err, &p.c.err)
	}
}

// TestPsiDoorSurvivesCancel: who stops waiting and gives the same command again has the same invite.
func TestPsiDoorSurvivesCancel(t *testing.T) {
	p := newPsiPair(t, psiLeft, psiRight)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.l.run(ctx, strings.NewReader(""))
	}()
	first := p.invite()
	cancel()
	<-done
	if !strings.Contains(p.l.err.String(), "the invite stays good") {
		t.Errorf("%s", &p.l.err)
	}
	if err := os.Remove(p.inviteFile); err != nil {
		t.Fatal(err)
	}
	p.run()
	if again := strings.TrimSpace(string(mustRead(t, p.inviteFile))); again != first {
		t.Error("another invite")
	}
	if p.l.code != 0 || p.c.code != 0 {
		t.Errorf("%s%s", &p.l.err, &p.c.err)
	}
}

// TestPsiDoorDamaged: what is damaged is for a person to remove.
func TestPsiDoorDamaged(t *testing.T) {
	p := newPsiPair(t, psiLeft, psiRight)
	dir := p.l.saved + ".psi"
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.l.run(ctx, strings.NewReader(""))
	}()
	p.invite()
	cancel()
	<-done
	if err := os.WriteFile(filepath.Join(dir, "run"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.l.run(t.Context(), strings.NewReader(""))
	if p.l.code != fault.Corrupt.ExitCode() {
		t.Errorf("code %d: %s", p.l.code, &p.l.err)
	}
	for _, name := range []string{identityFile, inviteFile, "run"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPsiDoorRefusesEarly: what the command line alone decides leaves nothing behind.
func TestPsiDoorRefusesEarly(t *testing.T) {
	for _, args := range [][]string{
		{"--suite", "foo"},
		{"--malicious", "--suite", "p256"},
		{"--wait", "0s"},
		{"--max-rows", "0"},
		{"--max-rows", "x"},
		{"--malicious", "--duplicates", "expand"},
	} {
		p := newPsiPair(t, psiLeft, psiRight)
		p.l.args = append(p.l.args, args...)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		p.l.run(ctx, strings.NewReader(""))
		cancel()
		if p.l.code == 0 || ctx.Err() == context.DeadlineExceeded {
			t.Errorf("%v: %s", args, &p.l.err)
		}
		if _, err := os.Stat(p.l.saved + ".psi"); err == nil {
			t.Errorf("%v: a state is left", args)
		}
	}
	p := newPsiPair(t, psiLeft, psiRight)
	p.l.args[slices.Index(p.l.args, "--output")+1] = p.l.file
	p.l.run(t.Context(), strings.NewReader(""))
	if p.l.code != fault.Invalid.ExitCode() || string(mustRead(t, p.l.file)) != psiLeft {
		t.Errorf("output over input: code %d: %s", p.l.code, &p.l.err)
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
