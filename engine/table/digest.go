package table

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"os"

	"github.com/tacit-data/tacit/api/fault"
)

// digestTag separates the digest of a data set from every other hash of the product.
const digestTag = "tacit/dataset/v1"

// newHash returns a SHA-256 that has taken the tag.
func newHash() hash.Hash {
	h := sha256.New()
	io.WriteString(h, digestTag) // a hash.Hash never fails
	return h
}

func sum(h hash.Hash) (out [32]byte) {
	h.Sum(out[:0])
	return out
}

// Digest returns the version digest of the bytes of r, SHA-256("tacit/dataset/v1" ‖ bytes), and their number.
//
// Errors: fault.Unavailable when r fails, fault.Canceled or fault.Timeout with ctx.
func Digest(ctx context.Context, r io.Reader) (digest [32]byte, size int64, err error) {
	h := newHash()
	buf := make([]byte, 1<<18)
	for {
		if err := canceled(ctx, "table.Digest"); err != nil {
			return digest, 0, err
		}
		n, err := r.Read(buf)
		h.Write(buf[:n])
		size += int64(n)
		if errors.Is(err, io.EOF) {
			return sum(h), size, nil
		}
		if err != nil {
			return digest, 0, fault.Wrap(fault.Unavailable, "table.Digest", err, "the data file cannot be read")
		}
	}
}

// Verify hashes the file again and compares.
//
// Errors: fault.Corrupt when the digest differs; those of OpenFile and Digest.
func Verify(ctx context.Context, path string, want [32]byte) error {
	f, err := OpenFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return verify(ctx, f, want)
}

func verify(ctx context.Context, r io.Reader, want [32]byte) error {
	got, _, err := Digest(ctx, r)
	if err != nil {
		return err
	}
	if got != want {
		return fault.New(fault.Corrupt, "table.Verify", "the data changed since it was registered")
	}
	return nil
}

// OpenVerified opens the file and, where want is not zero, hashes it through the same descriptor first, so that a file
// put in its place afterwards is not what is read. The caller closes it.
//
// Errors: those of OpenFile and Verify.
func OpenVerified(ctx context.Context, path string, want [32]byte) (*os.File, error) {
	f, err := OpenFile(path)
	if err != nil || want == [32]byte{} {
		return f, err
	}
	if err := verify(ctx, f, want); err != nil {
		f.Close()
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		f.Close()
		return nil, fault.Wrap(fault.Unavailable, "table.OpenVerified", err, "the data file cannot be read twice")
	}
	return f, nil
}
