// Package label says who may see a column in the clear, and how labels combine when columns meet in a step.
//
// A label never weakens outside Release: that is the whole point of having it in the type.
package label

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// Kind is the form of protection. The zero value is no label at all: nothing may be done with it.
type Kind uint8

// The kinds, from strongest to weakest.
const (
	None      Kind = iota
	Private        // in the clear at exactly one party
	Shared         // additive or replicated shares at two or more parties
	Encrypted      // ciphertext under the key holders' keys
	Noised         // differentially private, may be shown to the receiver the plan names
	Public         // anybody
)

// String returns the kind's name.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "Kind(?)"
}

var kindNames = [...]string{"None", "Private", "Shared", "Encrypted", "Noised", "Public"}

// Pico is 1e-12, the unit of ε and δ wherever they are stored or compared.
type Pico int64

// Label protects one column. It is a value: Parties is never changed after construction.
type Label struct {
	Kind    Kind
	Parties []party.ID // sorted: the owner, the share holders, the key holders, or the receivers of a noised answer
	Epsilon Pico       // Noised only
	Delta   Pico       // Noised only
}

// PrivateTo is a column in the clear at owner.
func PrivateTo(owner party.ID) Label { return Label{Kind: Private, Parties: []party.ID{owner}} }

// SharedBy is a column in shares at holders.
func SharedBy(holders ...party.ID) Label { return Label{Kind: Shared, Parties: party.Sorted(holders)} }

// EncryptedTo is a column in ciphertext under the keys of holders.
func EncryptedTo(holders ...party.ID) Label {
	return Label{Kind: Encrypted, Parties: party.Sorted(holders)}
}

// NoisedTo is an (ε,δ)-differentially private column for receivers.
func NoisedTo(epsilon, delta Pico, receivers ...party.ID) Label {
	return Label{Kind: Noised, Parties: party.Sorted(receivers), Epsilon: epsilon, Delta: delta}
}

// Open is a column anybody may see.
func Open() Label { return Label{Kind: Public} }

// Equal reports whether l and o are the same label.
func (l Label) Equal(o Label) bool {
	return l.Kind == o.Kind && l.Epsilon == o.Epsilon && l.Delta == o.Delta && slices.Equal(l.Parties, o.Parties)
}

// String renders the label for plans and errors.
func (l Label) String() string {
	names := make([]string, len(l.Parties))
	for i, p := range l.Parties {
		names[i] = string(p)
	}
	switch l.Kind {
	case Private:
		return "Private(" + strings.Join(names, ",") + ")"
	case Shared:
		return "Shared{" + strings.Join(names, ",") + "}"
	case Encrypted:
		return "Encrypted{" + strings.Join(names, ",") + "}"
	case Noised:
		return fmt.Sprintf("Noised(%s,%s) to {%s}", l.Epsilon, l.Delta, strings.Join(names, ","))
	case Public:
		return "Public"
	}
	return "None"
}

// String renders p as a decimal number.
func (p Pico) String() string {
	s := fmt.Sprintf("%d.%012d", p/1e12, p%1e12)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// Local combines the columns of a local step: they are in the clear at one party, which keeps them. Public columns
// join any owner. linear says that the step is linear, which shares admit too.
//
// Errors: fault.Invalid when two owners meet, when a non-linear step meets shares, or when a label is None.
func Local(linear bool, in ...Label) (Label, error) {
	out := Open()
	for _, l := range in {
		switch {
		case l.Kind == None:
			return Label{}, fault.New(fault.Invalid, "label.Local", "an unlabelled column")
		case l.Kind == Public:
			continue
		case (l.Kind == Shared || l.Kind == Encrypted) && !linear:
			return Label{}, fault.New(fault.Invalid, "label.Local", "a non-linear local step on %s", l)
		case out.Kind == Public:
			out = l
		case !out.Equal(l):
			return Label{}, fault.New(fault.Invalid, "label.Local", "%s meets %s outside a protocol", out, l)
		}
	}
	return out, nil
}

// Joint combines the columns of a protocol step among holders: the result is shared by them.
//
// Errors: fault.Invalid when a column is private to a party outside the step, shared by other parties, or None.
func Joint(holders []party.ID, in ...Label) (Label, error) {
	for _, l := range in {
		ok := l.Kind == Public
		switch l.Kind {
		case Private, Shared, Encrypted:
			ok = subset(l.Parties, holders)
		}
		if !ok {
			return Label{}, fault.New(fault.Invalid, "label.Joint", "%s in a protocol without its holder", l)
		}
	}
	return SharedBy(holders...), nil
}

func subset(a, b []party.ID) bool {
	for _, p := range a {
		if !slices.Contains(b, p) {
			return false
		}
	}
	return true
}
