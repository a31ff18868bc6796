package job

import (
	"bytes"
	"errors"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/tacit-data/tacit/api/fault"
)

// fromYAML reads one document at node level. The library never resolves a scalar: it would turn 0x1F and 010 into
// numbers and dates into times, and the digest would depend on it.
func fromYAML(b []byte) (*tree, error) {
	dec := yaml.NewDecoder(bytes.NewReader(b))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		return nil, fault.Wrap(fault.Invalid, opParse, err, "not a YAML document")
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, fault.New(fault.Invalid, opParse, "not one YAML document")
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Invalid, opParse, "more than one YAML document")
	}
	return yamlTree(doc.Content[0], &tree{})
}

// yamlTree fills t, whose place is known already, from n.
func yamlTree(n *yaml.Node, t *tree) (*tree, error) {
	if t.line == 0 { // a member is where its name is
		t.line, t.col = n.Line, n.Column
	}
	switch {
	case n.Kind != yaml.ScalarNode && t.depth() >= MaxDepth:
		return nil, t.tooDeep()
	case n.Kind == yaml.AliasNode:
		return nil, t.fail(fault.Invalid, "aliases are not read")
	case n.Anchor != "":
		return nil, t.fail(fault.Invalid, "anchors are not read")
	case n.Style&yaml.TaggedStyle != 0:
		return nil, t.fail(fault.Invalid, "tags are not read")
	case n.Kind == yaml.ScalarNode:
		return yamlScalar(n, t)
	case n.Kind == yaml.SequenceNode:
		return yamlList(n, t)
	case n.Kind == yaml.MappingNode:
		return yamlObject(n, t)
	}
	return nil, t.fail(fault.Invalid, "neither a scalar, a list nor an object")
}

func yamlScalar(n *yaml.Node, t *tree) (*tree, error) {
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	t.shape, t.text = isString, n.Value
	if n.Style&quoted == 0 {
		t.shape = plain(n.Value)
	}
	return t, checkString(t, t.text)
}

func yamlList(n *yaml.Node, t *tree) (*tree, error) {
	t.shape = isList
	t.kids = make([]*tree, len(n.Content))
	for i, c := range n.Content {
		k, err := yamlTree(c, &tree{parent: t, index: i})
		if err != nil {
			return nil, err
		}
		t.kids[i] = k
	}
	return t, nil
}

func yamlObject(n *yaml.Node, t *tree) (*tree, error) {
	t.shape = isObject
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		at := &tree{parent: t, line: name.Line, col: name.Column}
		switch {
		case name.Kind != yaml.ScalarNode:
			return nil, at.fail(fault.Invalid, "a field name is text; aliases, lists and objects are not read")
		case name.Anchor != "":
			return nil, at.fail(fault.Invalid, "anchors are not read")
		case name.Style&yaml.TaggedStyle != 0:
			return nil, at.fail(fault.Invalid, "tags are not read")
		case name.Value == "<<":
			return nil, at.fail(fault.Invalid, "merge keys are not read")
		}
		k := &tree{key: name.Value, line: name.Line, col: name.Column}
		if err := t.add(k); err != nil {
			return nil, err
		}
		if _, err := yamlTree(value, k); err != nil {
			return nil, err
		}
	}
	return t, nil
}
