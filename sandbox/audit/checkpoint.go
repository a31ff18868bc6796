package audit

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/tacit-data/tacit/api/fault"
)

// MaxCheckpointBytes bounds a signed checkpoint: three lines and some sixteen signatures, post-quantum ones included.
const MaxCheckpointBytes = 64 << 10

// maxOriginBytes bounds the first line: a DNS name and a counter.
const maxOriginBytes = 300

// Checkpoint is the head of a log at one size: what a log signs and witnesses compare.
type Checkpoint struct {
	Origin string // "<name>/tacit/<n>"; n grows when a log is reopened after a loss
	Size   int64  // leaves, 0 ≤ Size ≤ MaxTreeSize
	Root   Hash
}

// Origin is the identity of the n-th log of name, without scheme and final slash.
func Origin(name string, n int) string { return name + "/tacit/" + strconv.Itoa(n) }

// Text is the signed text: three lines, each ended by a newline (C2SP tlog-checkpoint).
func (c Checkpoint) Text() string {
	return c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + base64.StdEncoding.EncodeToString(c.Root[:]) + "\n"
}

// VerifierKey is the text form of a log's public key, `<origin>+<hash>+<base64>` (C2SP signed-note).
//
// Errors: fault.Invalid for an origin or key of the wrong form.
func VerifierKey(origin string, key ed25519.PublicKey) (string, error) {
	if !validOrigin(origin) {
		return "", fault.New(fault.Invalid, "audit.VerifierKey", "an origin has the form <name>/tacit/<n>")
	}
	v, err := note.NewEd25519VerifierKey(origin, key)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, "audit.VerifierKey", err, "public key of %d bytes, %d expected", len(key), ed25519.PublicKeySize)
	}
	return v, nil
}

// SignCheckpoint returns the signed note of c under an Ed25519 key, which may live in a token. A log never signs two
// checkpoints that do not extend each other: the caller signs committed trees only, oldest first.
//
// Errors: fault.Invalid for a checkpoint or key of the wrong form; fault.Internal when the key refuses to sign.
func SignCheckpoint(c Checkpoint, key crypto.Signer) ([]byte, error) {
	if c.Size < 0 || c.Size > MaxTreeSize {
		return nil, fault.New(fault.Invalid, "audit.SignCheckpoint", "a tree of %d leaves", c.Size)
	}
	pub, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fault.New(fault.Invalid, "audit.SignCheckpoint", "an Ed25519 key expected, not %T", key.Public())
	}
	vkey, err := VerifierKey(c.Origin, pub)
	if err != nil {
		return nil, err
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "audit.SignCheckpoint", err, "verifier key")
	}
	out, err := note.Sign(&note.Note{Text: c.Text()}, noteSigner{key, v})
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "audit.SignCheckpoint", err, "the key did not sign")
	}
	return out, nil
}

// OpenCheckpoint verifies a signed checkpoint under vkey and returns it. Signatures by other keys are ignored, as C2SP
// asks, so that cosignatures and newer algorithms may ride along.
//
// Errors: fault.Invalid (vkey or text malformed), fault.Unauthenticated (not signed by vkey), fault.Misbehaved (a bad
// signature, or the log's name over another origin), fault.LimitExceeded (MaxCheckpointBytes).
func OpenCheckpoint(vkey string, signed []byte) (Checkpoint, error) {
	const op = "audit.OpenCheckpoint"
	if len(signed) > MaxCheckpointBytes {
		return Checkpoint{}, fault.New(fault.LimitExceeded, op, "checkpoint of %d bytes, at most %d", len(signed), MaxCheckpointBytes)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return Checkpoint{}, fault.Wrap(fault.Invalid, op, err, "verifier key")
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return Checkpoint{}, openFault(op, err)
	}
	c, err := parseText(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	if c.Origin != v.Name() {
		return Checkpoint{}, fault.New(fault.Misbehaved, op, "signed by the key of another log")
	}
	return c, nil
}

// openFault gives each way in which a note can be wrong its code.
func openFault(op string, err error) error {
	if _, ok := errors.AsType[*note.InvalidSignatureError](err); ok {
		return fault.Wrap(fault.Misbehaved, op, err, "bad signature")
	}
	if _, ok := errors.AsType[*note.UnverifiedNoteError](err); ok {
		return fault.New(fault.Unauthenticated, op, "not signed by the expected key")
	}
	return fault.Wrap(fault.Invalid, op, err, "malformed signed note")
}

// unverified reads a signed checkpoint without checking signatures: for the log's own files.
func unverified(signed []byte) (Checkpoint, error) {
	if len(signed) > MaxCheckpointBytes {
		return Checkpoint{}, fault.New(fault.LimitExceeded, "audit.Checkpoint", "checkpoint of %d bytes, at most %d", len(signed), MaxCheckpointBytes)
	}
	text, _, ok := bytes.Cut(signed, []byte("\n\n"))
	if !ok {
		return Checkpoint{}, fault.New(fault.Invalid, "audit.Checkpoint", "a checkpoint without signatures")
	}
	return parseText(string(text) + "\n")
}

// parseText reads the three lines. Extension lines are refused: post-quantum cosignatures would not cover them.
func parseText(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return Checkpoint{}, fault.New(fault.Invalid, "audit.Checkpoint", "three lines expected, %d found", len(lines)-1)
	}
	size, ok := parseIndex(lines[1])
	if !ok || size > MaxTreeSize || !validOrigin(lines[0]) {
		return Checkpoint{}, fault.New(fault.Invalid, "audit.Checkpoint", "origin or tree size of the wrong form")
	}
	root, ok := parseHash(lines[2])
	if !ok {
		return Checkpoint{}, fault.New(fault.Invalid, "audit.Checkpoint", "the root is not the base64 of 32 bytes")
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: root}, nil
}

// validOrigin admits "<name>/tacit/<n>", name in letters, digits, '.', '-' and ':'.
func validOrigin(s string) bool {
	name, n, ok := strings.Cut(s, "/tacit/")
	if _, num := parseIndex(n); !ok || !num || name == "" || len(s) > maxOriginBytes {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != ':' {
			return false
		}
	}
	return true
}

// parseIndex reads an ASCII decimal without sign and leading zeros.
func parseIndex(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0 && strconv.FormatInt(n, 10) == s
}

// parseHash reads the one base64 form of 32 bytes.
func parseHash(s string) (h Hash, ok bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(h) || base64.StdEncoding.EncodeToString(b) != s {
		return h, false
	}
	return Hash(b), true
}

// noteSigner signs notes with a key that x/mod cannot hold: one behind crypto.Signer.
type noteSigner struct {
	key crypto.Signer
	note.Verifier
}

// Sign implements note.Signer. Ed25519 needs no randomness.
func (s noteSigner) Sign(msg []byte) ([]byte, error) { return s.key.Sign(nil, msg, crypto.Hash(0)) }
