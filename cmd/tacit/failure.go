package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node/rpc"
)

// report prints err, if any, to stderr and returns the exit code.
func (a *app) report(err error) int {
	code := exitCode(err)
	switch {
	case err == nil:
	case code == exitUsage:
		_, _ = fmt.Fprintf(a.err, "usage: %s\n", clean(err.Error()))
	case !isFault(err):
		_, _ = fmt.Fprintln(a.err, clean(err.Error()))
	case a.format == "json":
		_ = json.NewEncoder(a.err).Encode(explain(err))
	default:
		explain(err).render(a.err)
	}
	return code
}

// story is a failure as it is told: code, who, where, why, what to do.
type story struct {
	head
	Code    int      `json:"code"` // the exit code
	Name    string   `json:"name"`
	Party   string   `json:"party,omitempty"`
	Step    string   `json:"step,omitempty"`
	Job     string   `json:"job,omitempty"`
	Culprit string   `json:"culprit,omitempty"`
	Reason  string   `json:"reason,omitempty"`
	Columns []string `json:"columns,omitempty"`
	Do      string   `json:"do"`
	Op      string   `json:"op,omitempty"`
	Detail  string   `json:"detail,omitempty"` // of an error that arose in this process

	code     fault.Code
	nodeless bool // of tacit psi, which has no node
}

// explain collects what err tells.
func explain(err error) story {
	code := fault.CodeOf(err)
	s := story{head: kind("error"), code: code, Code: code.ExitCode(), Name: code.String(), Do: advices[code].do}
	if f, ok := errors.AsType[*rpc.Failure](err); ok {
		s.Party, s.Step = string(f.Party), f.Step
	}
	if f, ok := errors.AsType[psiFailure](err); ok {
		s.Do, s.nodeless = f.advice(), true
	}
	var reasons []string
	for e, ok := errors.AsType[*fault.Error](err); ok; e, ok = errors.AsType[*fault.Error](e.Err) {
		if s.Op == "" {
			s.Op, s.Culprit = e.Op, e.Culprit
		}
		if e.Reason != "" {
			reasons = append(reasons, e.Reason)
		}
		if inner, isFault := errors.AsType[*fault.Error](e.Err); e.Err != nil && !isFault && inner == nil {
			s.Detail = e.Err.Error()
		}
		if e.Err == nil {
			break
		}
	}
	s.Reason = strings.Join(slices.Compact(reasons), ": ")
	if id, ok := strings.CutPrefix(s.Op, "job "); ok {
		s.Job, s.Op = id, ""
	}
	s.Columns = columnsIn(s.Reason)
	return s
}

// columnsIn finds the columns a reason names.
func columnsIn(reason string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`column "([^"]{1,128})"`).FindAllStringSubmatch(reason, -1) {
		if !slices.Contains(out, m[1]) {
			out = append(out, m[1])
		}
	}
	return out
}

// render prints the lines a person reads.
func (s story) render(w io.Writer) {
	who := "the node"
	switch {
	case s.Party != "":
		who = s.Party
	case s.nodeless:
		who = "this command"
	}
	did := advices[s.code].did
	switch {
	case s.Step != "" && s.code == fault.Denied:
		did = fmt.Sprintf(" %s step %q", did, s.Step)
	case s.Step != "":
		did = fmt.Sprintf(", step %q: %s", s.Step, did)
	default:
		did = " " + did
	}
	if s.nodeless && s.code == fault.Unavailable {
		did = " cannot go on" // it is not the command that is not there
	}
	_, _ = fmt.Fprintf(w, "error[%d %s]  %s%s\n", s.Code, s.Name, clean(who), clean(did))
	line := func(label, text string) {
		if text != "" {
			_, _ = fmt.Fprintf(w, "  %-7s %s\n", label, clean(text))
		}
	}
	if strings.HasPrefix(s.Reason, "rule ") {
		label := "rule"
		for rule := range strings.SplitSeq(s.Reason, "; ") {
			line(label, strings.TrimPrefix(rule, "rule "))
			label = ""
		}
	} else {
		line("cause", s.Reason)
	}
	line("detail", s.Detail)
	line("column", strings.Join(s.Columns, ", "))
	line("blame", s.Culprit)
	line("do", s.Do)
	line("proof", s.proof())
}

// proof says where the rest of the story is.
func (s story) proof() string {
	switch {
	case s.Job != "" && s.Party != "":
		return fmt.Sprintf("job %s in the audit log of %s   (details stay at %s)", short(s.Job), s.Party, s.Party)
	case s.Party != "" && s.Op != "":
		return fmt.Sprintf("%s in the log of %s", s.Op, s.Party)
	}
	return s.Op
}
