package audit

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
)

// proofHeader is the first line of a C2SP tlog-proof file, usually named *.tlog-proof.
const proofHeader = "c2sp.org/tlog-proof@v1"

// MaxReceiptBytes bounds a receipt file: the leaf in base64, MaxProofHashes lines and the checkpoint.
const MaxReceiptBytes = (MaxLeafBytes+2)/3*4 + MaxProofHashes*45 + MaxCheckpointBytes + 256

// Receipt proves offline that a leaf is in a log whose public key one knows. The leaf travels in the `extra` line: the
// format does not authenticate that line, but the verifier hashes exactly those bytes.
type Receipt struct {
	Leaf       []byte // canonical bytes
	Index      int64
	Proof      []Hash // from the leaf's sibling up
	Checkpoint []byte // the signed note, verbatim
}

// NewReceipt proves leaf index in the tree of a signed checkpoint of the same log.
//
// Errors: fault.Invalid when the checkpoint is malformed or covers fewer than index+1 leaves, fault.Corrupt when the
// stored tree does not have the checkpoint's root.
func NewReceipt(r Reader, index int64, checkpoint []byte) (Receipt, error) {
	c, err := unverified(checkpoint)
	if err != nil {
		return Receipt{}, err
	}
	proof, err := ProveInclusion(r, c.Size, index)
	if err != nil {
		return Receipt{}, err
	}
	leaf, err := r.Leaf(index)
	if err != nil {
		return Receipt{}, fault.Wrap(fault.CodeOf(err), "audit.NewReceipt", err, "leaf %d", index)
	}
	if err := VerifyInclusion(leaf, index, c.Size, c.Root, proof); err != nil {
		return Receipt{}, fault.Wrap(fault.Corrupt, "audit.NewReceipt", err, "leaf %d: the stored tree does not have the checkpoint's root", index)
	}
	return Receipt{Leaf: leaf, Index: index, Proof: proof, Checkpoint: checkpoint}, nil
}

// Marshal returns the tlog-proof v1 file.
func (r Receipt) Marshal() []byte {
	var b bytes.Buffer
	b.WriteString(proofHeader + "\nextra " + base64.StdEncoding.EncodeToString(r.Leaf) + "\n")
	b.WriteString("index " + strconv.FormatInt(r.Index, 10) + "\n")
	for _, h := range r.Proof {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	b.WriteString("\n")
	b.Write(r.Checkpoint)
	return b.Bytes()
}

// ParseReceipt reads a tlog-proof v1 file with a leaf in its extra line. It checks form, not truth: see Verify.
//
// Errors: fault.Invalid (malformed), fault.Unsupported (another format version), fault.LimitExceeded (MaxReceiptBytes,
// MaxProofHashes, MaxLeafBytes).
func ParseReceipt(b []byte) (Receipt, error) {
	const op = "audit.ParseReceipt"
	if len(b) > MaxReceiptBytes {
		return Receipt{}, fault.New(fault.LimitExceeded, op, "receipt of %d bytes, at most %d", len(b), MaxReceiptBytes)
	}
	head, checkpoint, ok := bytes.Cut(b, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if lines[0] != proofHeader {
		if strings.HasPrefix(lines[0], "c2sp.org/tlog-proof@") {
			return Receipt{}, fault.New(fault.Unsupported, op, "another version of the proof format")
		}
		return Receipt{}, fault.New(fault.Invalid, op, "the first line is not %s", proofHeader)
	}
	if !ok || len(lines) < 3 {
		return Receipt{}, fault.New(fault.Invalid, op, "extra, index or checkpoint missing")
	}
	r := Receipt{Checkpoint: checkpoint}
	var err error
	if r.Leaf, err = parseExtra(lines[1]); err != nil {
		return Receipt{}, err
	}
	index, found := strings.CutPrefix(lines[2], "index ")
	if r.Index, ok = parseIndex(index); !found || !ok {
		return Receipt{}, fault.New(fault.Invalid, op, "the third line is not index and a number")
	}
	if r.Proof, err = parseProof(lines[3:]); err != nil {
		return Receipt{}, err
	}
	if _, err := unverified(checkpoint); err != nil {
		return Receipt{}, err
	}
	return r, nil
}

func parseExtra(line string) ([]byte, error) {
	text, ok := strings.CutPrefix(line, "extra ")
	if !ok {
		return nil, fault.New(fault.Invalid, "audit.ParseReceipt", "the second line is not the extra line that holds the leaf")
	}
	leaf, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsRune(text, '\r') {
		return nil, fault.New(fault.Invalid, "audit.ParseReceipt", "the extra line is not base64")
	}
	if _, err := ParseLeaf(leaf); err != nil {
		return nil, err
	}
	return leaf, nil
}

func parseProof(lines []string) ([]Hash, error) {
	if len(lines) > MaxProofHashes {
		return nil, fault.New(fault.LimitExceeded, "audit.ParseReceipt", "%d proof lines, at most %d", len(lines), MaxProofHashes)
	}
	out := make([]Hash, 0, len(lines))
	for i, line := range lines {
		h, ok := parseHash(line)
		if !ok {
			return nil, fault.New(fault.Invalid, "audit.ParseReceipt", "proof line %d is not the base64 of 32 bytes", i+1)
		}
		out = append(out, h)
	}
	return out, nil
}

// Verify checks the receipt offline against the log's public key and returns what it proves.
//
// Errors: those of OpenCheckpoint, ParseLeaf and VerifyInclusion.
func (r Receipt) Verify(vkey string) (Leaf, Checkpoint, error) {
	c, err := OpenCheckpoint(vkey, r.Checkpoint)
	if err != nil {
		return Leaf{}, Checkpoint{}, err
	}
	if err := VerifyInclusion(r.Leaf, r.Index, c.Size, c.Root, r.Proof); err != nil {
		return Leaf{}, Checkpoint{}, err
	}
	l, err := ParseLeaf(r.Leaf)
	if err != nil {
		return Leaf{}, Checkpoint{}, err
	}
	return l, c, nil
}
