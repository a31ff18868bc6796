package element

import (
	"bytes"
	"fmt"
	"math/rand"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/sandbox/catalog"
)

func wantCode(t testing.TB, err error, want fault.Code) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != want {
		t.Fatalf("error %v, want %v", err, want)
	}
}

func credit() Element {
	return Element{
		Kind: Model, Job: "j-1", Plan: [32]byte{1}, Step: "model",
		Inputs: []Input{
			{FromResource, "utility", "usage@1", [32]byte{2}, "g-1", 3},
			{FromResource, "bank", "loans@3", [32]byte{3}, "", 2},
		},
		Algorithm: Algorithm{"train.glm", 1, [32]byte{4}},
		Outputs:   []Output{{"utility", [32]byte{5}}, {"bank", [32]byte{6}}},
		Metrics:   []Metric{{"ks", 412_000}, {"auc", 812_345}}, Categories: []string{"energy", "credit"}, Created: 1000,
	}
}

func sealed(t testing.TB, e Element) (Element, Node) {
	t.Helper()
	e, err := Seal(e)
	if err != nil {
		t.Fatal(err)
	}
	id, err := e.ID()
	if err != nil {
		t.Fatal(err)
	}
	return e, ElementNode(id)
}

// from is an element made of other elements.
func from(t testing.TB, step string, parents ...Element) (Element, Node) {
	t.Helper()
	e := credit()
	e.Step, e.Inputs = step, nil
	for _, p := range parents {
		d, err := p.Digest()
		if err != nil {
			t.Fatal(err)
		}
		id, _ := p.ID()
		e.Inputs = append(e.Inputs, Input{FromElement, "bank", id, d, "", p.Grade})
	}
	return sealed(t, e)
}

func TestSeal(t *testing.T) {
	e, n := sealed(t, credit())
	if e.Grade != 3 {
		t.Fatalf("grade %d, the strictest input has 3", e.Grade)
	}
	if e.Inputs[0].Owner != "bank" || e.Metrics[0].Name != "auc" || e.Categories[0] != "credit" || e.Outputs[0].Party != "bank" {
		t.Fatalf("not sorted: %+v", e)
	}
	b, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(b)
	if err != nil || !reflect.DeepEqual(back, e) {
		t.Fatalf("got %+v, %v", back, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		x := credit()
		x.Inputs = append(rapid.Permutation(x.Inputs).Draw(t, "inputs"), x.Inputs[0])
		x.Outputs = rapid.Permutation(x.Outputs).Draw(t, "outputs")
		x.Metrics = rapid.Permutation(x.Metrics).Draw(t, "metrics")
		x.Categories = append(rapid.Permutation(x.Categories).Draw(t, "categories"), "credit")
		x, err := Seal(x)
		if err != nil {
			t.Fatal(err)
		}
		if id, err := x.ID(); err != nil || id != n.ID {
			t.Fatalf("the order of a set changed the id (%v)", err)
		}
	})
	for name, edit := range map[string]func(*Element){
		"kind": func(e *Element) { e.Kind = Report }, "job": func(e *Element) { e.Job = "j-2" }, "plan": func(e *Element) { e.Plan[0]++ },
		"step": func(e *Element) { e.Step = "other" }, "input": func(e *Element) { e.Inputs[0].Digest[0]++ }, "right": func(e *Element) { e.Inputs[0].Right = "g-2" },
		"algorithm": func(e *Element) { e.Algorithm.Op = "train.gbdt" }, "version": func(e *Element) { e.Algorithm.Version++ },
		"params": func(e *Element) { e.Algorithm.Params[0]++ }, "output": func(e *Element) { e.Outputs[0].Digest[0]++ },
		"metric": func(e *Element) { e.Metrics[0].Micro++ }, "grade": func(e *Element) { e.Inputs[0].Grade = 5 },
		"category": func(e *Element) { e.Categories = nil }, "time": func(e *Element) { e.Created++ },
	} {
		x := credit()
		edit(&x)
		if _, m := sealed(t, x); m == n {
			t.Fatalf("another %s, same id", name)
		}
	}
}

func TestContract(t *testing.T) {
	many := make([]Input, MaxInputs+1)
	for i := range many {
		many[i] = Input{FromResource, "bank", fmt.Sprintf("loans@%d", i+1), [32]byte{1}, "", 1}
	}
	codes := make([]string, MaxCategories+1)
	for i := range codes {
		codes[i] = fmt.Sprintf("c%d", i)
	}
	cases := []struct {
		name string
		edit func(*Element)
		want fault.Code
	}{
		{"zero", func(e *Element) { *e = Element{} }, fault.Invalid},
		{"kind", func(e *Element) { e.Kind = "data" }, fault.Invalid},
		{"job", func(e *Element) { e.Job = "" }, fault.Invalid},
		{"plan", func(e *Element) { e.Plan = [32]byte{} }, fault.Invalid},
		{"step", func(e *Element) { e.Step = "a b" }, fault.Invalid},
		{"long step", func(e *Element) { e.Step = strings.Repeat("s", catalog.MaxTokenBytes+1) }, fault.Invalid},
		{"op", func(e *Element) { e.Algorithm.Op = "" }, fault.Invalid},
		{"version", func(e *Element) { e.Algorithm.Version = 0 }, fault.Invalid},
		{"no input", func(e *Element) { e.Inputs = nil }, fault.Invalid},
		{"inputs", func(e *Element) { e.Inputs = many }, fault.LimitExceeded},
		{"no output", func(e *Element) { e.Outputs = nil }, fault.Invalid},
		{"outputs", func(e *Element) { e.Outputs = make([]Output, MaxOutputs+1) }, fault.LimitExceeded},
		{"metrics", func(e *Element) { e.Metrics = make([]Metric, MaxMetrics+1) }, fault.LimitExceeded},
		{"categories", func(e *Element) { e.Categories = codes }, fault.LimitExceeded},
		{"time", func(e *Element) { e.Created = 0 }, fault.Invalid},
		{"owner", func(e *Element) { e.Inputs[0].Owner = "" }, fault.Invalid},
		{"input digest", func(e *Element) { e.Inputs[0].Digest = [32]byte{} }, fault.Invalid},
		{"input right", func(e *Element) { e.Inputs[0].Right = "g 1" }, fault.Invalid},
		{"input grade 0", func(e *Element) { e.Inputs[0].Grade = 0 }, fault.Invalid},
		{"input grade 16", func(e *Element) { e.Inputs[0].Grade = catalog.MaxGrade + 1 }, fault.Invalid},
		{"input kind", func(e *Element) { e.Inputs[0].Kind = "product" }, fault.Invalid},
		{"resource id", func(e *Element) { e.Inputs[0].ID = "usage" }, fault.Invalid},
		{"element id", func(e *Element) { e.Inputs[0].Kind, e.Inputs[0].ID = FromElement, "sha256:00" }, fault.Invalid},
		{"input twice", func(e *Element) {
			e.Inputs = append(e.Inputs, Input{FromResource, "bank", "loans@3", [32]byte{9}, "", 2})
		}, fault.Invalid},
		{"output party", func(e *Element) { e.Outputs[0].Party = "" }, fault.Invalid},
		{"output digest", func(e *Element) { e.Outputs[0].Digest = [32]byte{} }, fault.Invalid},
		{"output twice", func(e *Element) { e.Outputs[0].Party = "bank" }, fault.Invalid},
		{"metric name", func(e *Element) { e.Metrics[0].Name = "" }, fault.Invalid},
		{"metric twice", func(e *Element) { e.Metrics[0].Name = "auc" }, fault.Invalid},
		{"category", func(e *Element) { e.Categories[0] = "" }, fault.Invalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := credit()
			c.edit(&e)
			_, err := Seal(e)
			wantCode(t, err, c.want)
		})
	}
	// I5: neither a lower nor a higher grade than the strictest input.
	for _, grade := range []int{0, 2, 4} {
		e, _ := sealed(t, credit())
		e.Grade = grade
		_, err := e.Digest()
		wantCode(t, err, fault.Invalid)
	}
	e := credit()
	e.Inputs, e.Metrics, e.Categories = many[:MaxInputs], nil, codes[:MaxCategories]
	if _, err := Seal(e); err != nil {
		t.Fatalf("at the bounds: %v", err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	e, _ := sealed(t, credit())
	good, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		if _, err := Decode(good[:i]); err == nil {
			t.Fatalf("%d of %d bytes were enough", i, len(good))
		}
	}
	_, err = Decode(append(bytes.Clone(good), 0))
	wantCode(t, err, fault.Misbehaved)
	swapped := bytes.Replace(good, []byte("\x00\x00\x00\x06credit\x00\x00\x00\x06energy"), []byte("\x00\x00\x00\x06energy\x00\x00\x00\x06credit"), 1)
	_, err = Decode(swapped)
	wantCode(t, err, fault.Misbehaved)
	other := bytes.Clone(good)
	other[4+len(tag)-1] = '2'
	_, err = Decode(other)
	wantCode(t, err, fault.Unsupported)
}

func FuzzDecode(f *testing.F) {
	e, _ := sealed(f, credit())
	good, err := e.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Decode(b)
		if err != nil {
			return
		}
		if again, err := e.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("another encoding of the same element (%v)", err)
		}
	})
}

func TestLineage(t *testing.T) {
	a, an := sealed(t, credit())
	b, bn := from(t, "b", a)
	c, cn := from(t, "c", a, b)
	l, err := NewLineage([]Element{c, a, b, a})
	if err != nil {
		t.Fatal(err)
	}
	loans, usage := ResourceNode("bank", "loans@3"), ResourceNode("utility", "usage@1")
	sort := func(list ...Node) []Node { slices.SortFunc(list, compareNodes); return list }
	for name, c := range map[string]struct{ got, want []Node }{
		"above c":     {l.Ancestors(cn), sort(an, bn, loans, usage)},
		"above a":     {l.Ancestors(an), sort(loans, usage)},
		"above loans": {l.Ancestors(loans), nil},
		"below loans": {l.Descendants(loans), sort(an, bn, cn)},
		"below b":     {l.Descendants(bn), sort(cn)},
		"below c":     {l.Descendants(cn), nil},
		"unknown":     {l.Ancestors(ElementNode("sha256:00")), nil},
		"other owner": {l.Descendants(ResourceNode("telco", "loans@3")), nil},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Fatalf("%s: %v, want %v", name, c.got, c.want)
		}
	}
	_, err = NewLineage([]Element{{}})
	wantCode(t, err, fault.Invalid)
	_, err = NewLineage(make([]Element, MaxElements+1))
	wantCode(t, err, fault.LimitExceeded)
}

// A child that hides what its parent was is refused by whoever has both descriptions.
func TestInheritance(t *testing.T) {
	a, _ := sealed(t, credit())
	for name, edit := range map[string]func(*Element){
		"grade":    func(e *Element) { e.Inputs[0].Grade = a.Grade - 1 },
		"category": func(e *Element) { e.Categories = []string{"credit"} },
	} {
		t.Run(name, func(t *testing.T) {
			child, _ := from(t, "child", a)
			edit(&child)
			child, _ = sealed(t, child)
			_, err := NewLineage([]Element{a, child})
			wantCode(t, err, fault.Invalid)
			if !strings.Contains(err.Error(), "I5") {
				t.Fatalf("%v does not name the invariant", err)
			}
			if _, err := NewLineage([]Element{child}); err != nil {
				t.Fatalf("without the parent nothing can be compared: %v", err)
			}
		})
	}
}

// Reachability agrees with the transitive closure of Warshall on random graphs.
func TestLineageAgainstClosure(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	for range 20 {
		const n = 12
		var elements []Element
		var nodes []Node
		var edge [n][n]bool // edge[i][j]: i was made from j
		for i := range n {
			var parents []Element
			for j := range i {
				if edge[i][j] = rng.Intn(4) == 0; edge[i][j] {
					parents = append(parents, elements[j])
				}
			}
			root := credit()
			root.Step = fmt.Sprintf("s%d", i)
			e, node := sealed(t, root)
			if len(parents) > 0 {
				e, node = from(t, root.Step, parents...)
			}
			elements, nodes = append(elements, e), append(nodes, node)
		}
		for k := range n {
			for i := range n {
				for j := range n {
					edge[i][j] = edge[i][j] || (edge[i][k] && edge[k][j])
				}
			}
		}
		l, err := NewLineage(elements)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			for j := range n {
				up, down := slices.Contains(l.Ancestors(nodes[i]), nodes[j]), slices.Contains(l.Descendants(nodes[j]), nodes[i])
				if up != edge[i][j] || down != edge[i][j] {
					t.Fatalf("%d from %d: ancestors say %v, descendants %v, want %v", i, j, up, down, edge[i][j])
				}
			}
		}
	}
}

// A cycle cannot be written with true digests; the graph refuses one all the same.
func TestCycle(t *testing.T) {
	l := &Lineage{up: map[Node][]Node{}, down: map[Node][]Node{}}
	a, b, c := strings.Repeat("a", 64), strings.Repeat("b", 64), strings.Repeat("c", 64)
	in := func(id string) []Input { return []Input{{Kind: FromElement, Owner: "bank", ID: id}} }
	l.add(ElementNode(a), in(b))
	if err := l.acyclic(); err != nil {
		t.Fatal(err)
	}
	l.add(ElementNode(b), in(a))
	l.add(ElementNode(c), in(b))
	wantCode(t, l.acyclic(), fault.Invalid)
	if got := l.Ancestors(ElementNode(a)); len(got) != 2 {
		t.Fatalf("a walk over a cycle ends: %v", got)
	}
}

func TestClosedLoop(t *testing.T) {
	a, an := sealed(t, credit())
	b, bn := from(t, "b", a)
	l, err := NewLineage([]Element{a, b})
	if err != nil {
		t.Fatal(err)
	}
	half, err := NewLineage([]Element{b})
	if err != nil {
		t.Fatal(err)
	}
	ok := Product{"scorecard", "bank", []Node{an, bn}}
	if err := l.CheckClosedLoop(ok); err != nil {
		t.Fatal(err)
	}
	with := func(n ...Node) Product { return Product{"scorecard", "bank", n} }
	for name, c := range map[string]struct {
		l    *Lineage
		p    Product
		want fault.Code
	}{
		"raw data":         {l, with(an, ResourceNode("bank", "loans@3")), fault.Denied},
		"zero node":        {l, with(Node{}), fault.Denied},
		"unknown element":  {l, with(ElementNode("sha256:00")), fault.NotFound},
		"unknown ancestor": {half, with(bn), fault.NotFound},
		"nothing":          {l, with(), fault.Invalid},
		"no name":          {l, Product{"", "bank", []Node{an}}, fault.Invalid},
		"no seller":        {l, Product{"x", "", []Node{an}}, fault.Invalid},
		"too many":         {l, with(slices.Repeat([]Node{an}, MaxInputs+1)...), fault.LimitExceeded},
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, c.l.CheckClosedLoop(c.p), c.want) })
	}
}

// Every (state, event) pair: where it leads, or "." for refused. Written by hand, not from the table.
func TestStateMachine(t *testing.T) {
	events := []Event{Build, Sealed, Submit, Approve, Reject, List, Suspend, Resume, Retire, "", "nonsense"}
	rows := map[State]string{
		Draft:      "building . . . . . . . . . .",
		Building:   ". built . . . . . . . . .",
		Built:      ". . in_review . . . . . . . .",
		InReview:   ". . . approved rejected . . . . . .",
		Approved:   ". . . . . listed . . . . .",
		Rejected:   ". . . . . . . . . . .",
		Listed:     ". . . . . . suspended . . . .",
		Suspended:  ". . . . . . . listed retired . .",
		Retired:    ". . . . . . . . . . .",
		"":         ". . . . . . . . . . .",
		"nonsense": ". . . . . . . . . . .",
	}
	count := 0
	for from, row := range rows {
		for i, want := range strings.Fields(row) {
			got, err := from.Step(events[i])
			if want == "." {
				wantCode(t, err, fault.Invalid)
				want = string(from)
			} else {
				count++
			}
			if string(got) != want {
				t.Fatalf("%s + %s = %s, want %s", from, events[i], got, want)
			}
		}
	}
	if n := len(Transitions()); n != count {
		t.Fatalf("%d transitions, %d in the table", count, n)
	}
}

func ExampleTransitions() {
	for _, t := range Transitions() {
		fmt.Printf("%s --%s--> %s\n", t.From, t.Event, t.To)
	}
	// Output:
	// draft --build--> building
	// building --sealed--> built
	// built --submit--> in_review
	// in_review --approve--> approved
	// in_review --reject--> rejected
	// approved --list--> listed
	// listed --suspend--> suspended
	// suspended --resume--> listed
	// suspended --retire--> retired
}

func ExampleLineage_CheckClosedLoop() {
	e, _ := Seal(credit())
	id, _ := e.ID()
	l, err := NewLineage([]Element{e})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(l.CheckClosedLoop(Product{Name: "scorecard", Seller: "bank", Inputs: []Node{ElementNode(id)}}))
	fmt.Println(l.CheckClosedLoop(Product{Name: "leak", Seller: "bank", Inputs: []Node{ResourceNode(party.ID("bank"), "loans@3")}}))
	// Output:
	// <nil>
	// element.CheckClosedLoop: Denied: rule element/closed-loop: product leak refers to resource loans@3 of bank; build an element first
}
