package psi

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"io"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/protocols"
)

// The malicious mode's w is the sum of a block of each party. S commits to its own before R has sent anything that
// depends on its items, and opens it after R's vector: neither chooses w, and R's vector does not depend on it
// (ia.cr/2022/320, §5). In the semi-honest mode there is no w, and these steps send nothing.

// draw fills the seed of the code and, where wanted, R's part of w.
//
// Errors: fault.Internal when the source of randomness fails.
func (m *seed) draw(rnd io.Reader, malicious bool) error {
	if err := drawBlock(rnd, &m.code); err != nil {
		return err
	}
	if !malicious {
		return nil
	}
	return drawBlock(rnd, &m.w)
}

func drawBlock(rnd io.Reader, b *aes.Block) error {
	if _, err := io.ReadFull(rnd, b[:]); err != nil {
		return fault.Wrap(fault.Internal, "psi.drawBlock", err, "the randomness source failed")
	}
	return nil
}

// commit binds S to w, 128 uniform bits, in one session.
func commit(binding [32]byte, w *aes.Block) [32]byte {
	const domain = "tacit/psi/rr22/commitment/v1"
	var b [len(domain) + 32 + blockBytes]byte
	copy(b[:], domain)
	copy(b[len(domain):], binding[:])
	copy(b[len(domain)+32:], w[:])
	return sha256.Sum256(b[:])
}

// putCommitment is S's first flight: it draws and commits to its part of w, which is nil in the semi-honest mode.
func (r *run) putCommitment(ctx context.Context) (*aes.Block, error) {
	if !r.p.lit.Malicious {
		return nil, nil
	}
	w := &aes.Block{}
	if err := drawBlock(r.s.Rand, w); err != nil {
		return nil, err
	}
	return w, protocols.Exchange(ctx, r.c, func(ctx context.Context) error {
		return r.put(ctx, encodeHash(kindCommitment, commit(r.s.Binding, w)))
	}, nil)
}

// getCommitment receives it.
func (r *run) getCommitment(ctx context.Context) (sum [32]byte, err error) {
	if !r.p.lit.Malicious {
		return sum, nil
	}
	err = protocols.Exchange(ctx, r.c, nil, func(ctx context.Context) error {
		msg, err := r.get(ctx)
		if err != nil {
			return err
		}
		sum, err = decodeHash(kindCommitment, msg)
		return err
	})
	return sum, err
}

// getOpening receives S's part of w and adds it to R's own, within the flight of S's tags. It is nil in the semi-honest
// mode.
//
// Errors: fault.Misbehaved, without culprit, when S opens another block than it committed to.
func (r *run) getOpening(ctx context.Context, sum [32]byte, own aes.Block) (*aes.Block, error) {
	if !r.p.lit.Malicious {
		return nil, nil
	}
	msg, err := r.get(ctx)
	if err != nil {
		return nil, err
	}
	w, err := decodeOpening(msg)
	if err != nil {
		return nil, err
	}
	if got := commit(r.s.Binding, &w); subtle.ConstantTimeCompare(got[:], sum[:]) != 1 {
		return nil, fault.New(fault.Misbehaved, "psi.getOpening", "the sender opened another value than it committed to")
	}
	xorBlock(&w, &own)
	return &w, nil
}
