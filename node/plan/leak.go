package plan

import (
	"slices"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/protocols"
)

// The kinds of leakage that arise in a plan rather than in a protocol.
const (
	LeakMetrics    protocols.LeakKind = "metrics"
	LeakCells      protocols.LeakKind = "noised-cells"
	LeakMembership protocols.LeakKind = "membership-outside-dp"
)

// Leak is one line of the leakage statement: a protocol's leak with its roles resolved to parties, or a line of the
// plan's own.
type Leak struct {
	Step   string             `json:"step"` // the input, step or release it comes from
	To     []party.ID         `json:"to"`   // sorted
	About  []party.ID         `json:"about"`
	Kind   protocols.LeakKind `json:"kind"`
	Detail string             `json:"detail"` // English, as the protocol declares it
}

// resolveLeak names the parties of a protocol's leak.
//
// Errors: fault.Internal when the protocol speaks of a role the step does not have.
func resolveLeak(st Step, l protocols.Leak) (Leak, error) {
	to, about := st.playing(l.To), st.playing(l.About)
	if len(to) == 0 || len(about) == 0 {
		return Leak{}, fault.New(fault.Internal, opBuild, "step %q: a leak to %q about %q, roles that %s does not have",
			st.ID, l.To, l.About, st.Op)
	}
	return Leak{Step: st.ID, To: to, About: about, Kind: l.Kind, Detail: l.Detail}, nil
}

// playing returns the parties of role r, sorted.
func (s Step) playing(r protocols.Role) []party.ID {
	var out []party.ID
	for _, have := range s.Roles {
		if r == protocols.All || have.Role == r {
			out = append(out, have.Party)
		}
	}
	return party.Sorted(out)
}

// statement collects the leakage statement: what describing disclosed, then the steps, then the releases.
func (b *builder) statement() error {
	p := b.plan
	for _, in := range p.Inputs {
		p.Leaks = append(p.Leaks, Leak{
			Step: in.ID, To: b.spec.Parties, About: []party.ID{in.Party}, Kind: protocols.LeakRowCount,
			Detail: "the declared number of rows and the requested columns' names and types",
		})
	}
	for _, st := range p.Steps {
		p.Leaks = append(p.Leaks, st.Leaks...)
	}
	for _, r := range p.Releases {
		if !r.Implied { // an implied release is a leak of its step's protocol already
			p.Leaks = append(p.Leaks, b.releaseLeaks(r)...)
		}
	}
	return nil
}

func (b *builder) releaseLeaks(r Release) []Leak {
	l := Leak{Step: r.ID, To: r.To, About: r.Owners}
	switch r.Kind {
	case Model:
		l.Kind, l.Detail = protocols.LeakCoefficients, "to each the coefficients of its own columns"
	case Scores:
		l.Kind, l.Detail = protocols.LeakScore, "the score of every row of part "+b.out[r.From].Part
	case Report:
		l.Kind, l.Detail = LeakMetrics, strings.Join(r.Columns, ", ")+" over part "+b.out[r.From].Part
	case Cells:
		l.Kind, l.Detail = LeakCells, strings.Join(r.Columns, ", ")+" per group, with noise for ε = "+r.Labels[0].Epsilon.String()
		return append([]Leak{l}, b.membership(r)...)
	}
	return []Leak{l}
}

// membership says what noise does not protect: a plain intersection told the index holders who is in it.
func (b *builder) membership(r Release) []Leak {
	var out []Leak
	for _, st := range b.plan.Steps {
		if st.Op != job.Align || !slices.Contains(b.ancestors(r.From), st.ID) {
			continue
		}
		out = append(out, Leak{
			Step: r.ID, To: st.Out.Index, About: st.Parties(), Kind: LeakMembership,
			Detail: "DP does not cover membership: step " + st.ID + " discloses which rows match",
		})
	}
	return out
}

// ancestors returns id and every step and input it depends on.
func (b *builder) ancestors(id string) []string {
	out := []string{id}
	for i := 0; i < len(out); i++ {
		if st, ok := b.plan.Step(out[i]); ok {
			for _, in := range st.In {
				if !slices.Contains(out, in) {
					out = append(out, in)
				}
			}
		}
	}
	return out
}

// Text renders the line in "en" or "zh"; any other language is English.
func (l Leak) Text(lang string) string {
	if lang != "zh" {
		return "reveals: " + l.Detail + " to " + names(l.To, ", ")
	}
	return "向 " + names(l.To, "、") + " 披露：" + names(l.About, "、") + " 的" + zhKind(l.Kind)
}

// zhKind is the Chinese name of what is disclosed.
func zhKind(k protocols.LeakKind) string {
	switch k {
	case protocols.LeakRowCount:
		return "记录数"
	case protocols.LeakIntersectionSize:
		return "交集大小"
	case protocols.LeakIntersectionMembers:
		return "记录中哪些同属交集"
	case protocols.LeakBinSums:
		return "分箱求和结果"
	case protocols.LeakNodeMembership:
		return "样本所在的树节点"
	case protocols.LeakScore:
		return "样本得分"
	case protocols.LeakCoefficients:
		return "模型系数（各方仅得自己特征的系数）"
	case protocols.LeakIterations:
		return "训练迭代次数"
	case protocols.LeakAccessPattern:
		return "样本访问模式（如哪些样本属于测试集）"
	case LeakMetrics:
		return "评估指标"
	case LeakCells:
		return "加噪后的分组统计"
	case LeakMembership:
		return "交集成员关系（差分隐私不覆盖此项）"
	}
	return string(k)
}

// names joins ids.
func names(ids []party.ID, sep string) string {
	out := make([]string, len(ids))
	for i, p := range ids {
		out[i] = string(p)
	}
	return strings.Join(out, sep)
}
