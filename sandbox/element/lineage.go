package element

import (
	"maps"
	"slices"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// MaxElements bounds a lineage graph: one holds it in memory.
const MaxElements = 1 << 20

// Node names an element, or a resource of one owner. Owner is empty for elements: their id is their content.
type Node struct {
	Kind  InputKind
	Owner party.ID
	ID    string
}

// Lineage is the graph of what was made from what. It is built once and read-only; safe for concurrent reads.
type Lineage struct {
	up   map[Node][]Node // element → inputs
	down map[Node][]Node // input → elements
}

// NewLineage builds the graph of elements. Inputs that are elements need not be in the slice: those are roots of it.
//
// Errors: those of Check; fault.Invalid for an element that lowers the grade or drops a category of an input element
// (Invariant I5), and for a cycle, which content addresses make impossible unless a digest was
// forged; fault.LimitExceeded for more than MaxElements.
func NewLineage(elements []Element) (*Lineage, error) {
	if len(elements) > MaxElements {
		return nil, fault.New(fault.LimitExceeded, "element.NewLineage", "%d elements, at most %d", len(elements), MaxElements)
	}
	l := &Lineage{up: make(map[Node][]Node), down: make(map[Node][]Node)}
	known, ids := make(map[string]Element, len(elements)), make([]string, len(elements))
	for i, e := range elements {
		id, err := e.ID()
		if err != nil {
			return nil, err
		}
		known[id], ids[i] = e, id
		l.add(ElementNode(id), e.Inputs)
	}
	if err := l.acyclic(); err != nil {
		return nil, err
	}
	for i, e := range elements {
		if err := inherits(ids[i], e, known); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// inherits verifies that e took over grade and categories of every input element: neither is lost on the way, whoever
// built e.
func inherits(id string, e Element, known map[string]Element) error {
	for _, in := range e.Inputs {
		parent, ok := known[in.ID]
		if !ok || in.Kind != FromElement {
			continue
		}
		if in.Grade < parent.Grade {
			return fault.New(fault.Invalid, "element.NewLineage", "I5: element %s takes an input of grade %d for %d", id, parent.Grade, in.Grade)
		}
		for _, c := range parent.Categories {
			if !slices.Contains(e.Categories, c) {
				return fault.New(fault.Invalid, "element.NewLineage", "I5: element %s drops category %s of an input", id, c)
			}
		}
	}
	return nil
}

// ElementNode is the node of the element with that id.
func ElementNode(id string) Node { return Node{Kind: FromElement, ID: id} }

// ResourceNode is the node of a dataset version.
func ResourceNode(owner party.ID, id string) Node {
	return Node{Kind: FromResource, Owner: owner, ID: id}
}

func (in Input) node() Node {
	if in.Kind == FromElement {
		return ElementNode(in.ID)
	}
	return ResourceNode(in.Owner, in.ID)
}

func (l *Lineage) add(n Node, inputs []Input) {
	if _, ok := l.up[n]; ok {
		return // the same element given twice
	}
	l.up[n] = []Node{}
	for _, in := range inputs {
		l.up[n] = append(l.up[n], in.node())
		l.down[in.node()] = append(l.down[in.node()], n)
	}
}

// Ancestors lists everything n was made from, at any distance, elements first, sorted.
func (l *Lineage) Ancestors(n Node) []Node { return reach(l.up, n) }

// Descendants lists everything made from n, at any distance, sorted: whom a revocation or a poisoned source concerns.
func (l *Lineage) Descendants(n Node) []Node { return reach(l.down, n) }

// reach walks edges from n without recursion: lineages may be as deep as they are large.
func reach(edges map[Node][]Node, n Node) []Node {
	seen := make(map[Node]bool)
	for stack := []Node{n}; len(stack) > 0; {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, next := range edges[top] {
			if !seen[next] {
				seen[next] = true
				stack = append(stack, next)
			}
		}
	}
	return slices.SortedFunc(maps.Keys(seen), compareNodes)
}

// acyclic removes elements whose inputs are all removed; what is left lies on or behind a cycle (Kahn, 1962).
func (l *Lineage) acyclic() error {
	open := make(map[Node]int, len(l.up))
	var ready []Node
	for n, inputs := range l.up {
		for _, in := range inputs {
			if _, ok := l.up[in]; ok {
				open[n]++
			}
		}
		if open[n] == 0 {
			ready = append(ready, n)
		}
	}
	done := 0
	for ; len(ready) > 0; done++ {
		n := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		for _, next := range l.down[n] {
			if open[next]--; open[next] == 0 {
				ready = append(ready, next)
			}
		}
	}
	if left := len(l.up) - done; left > 0 {
		return fault.New(fault.Invalid, "element.NewLineage", "I6: %d elements on or behind a cycle", left)
	}
	return nil
}
