package node

import (
	"context"
	"crypto/ed25519"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node/identity"
	"github.com/tacit-data/tacit/node/store"
	"github.com/tacit-data/tacit/sandbox/audit"
)

// VerifyAudit recomputes the whole log, compares it with the tables and the newest acknowledged head, and signs a
// checkpoint over it.
//
// Errors: fault.Corrupt naming the leaf or the row.
func (n *Node) VerifyAudit(ctx context.Context) (AuditView, error) {
	return verifyAudit(ctx, n.db, n.keys)
}

// VerifyAuditOffline does the same for the node in dir, which need not run. The database opens only if it verifies.
func VerifyAuditOffline(ctx context.Context, dir string) (AuditView, error) {
	f, err := ReadFile(dir)
	if err != nil {
		return AuditView{}, err
	}
	keys, err := identity.Load(dir)
	if err != nil {
		return AuditView{}, err
	}
	db, err := store.Open(ctx, store.Config{Dir: dir, Party: f.Party})
	if err != nil {
		return AuditView{}, err
	}
	defer func() { _ = db.Close() }() // verified; nothing was written
	return verifyAudit(ctx, db, keys)
}

func verifyAudit(ctx context.Context, db *store.DB, keys *identity.Keys) (AuditView, error) {
	if err := db.Verify(ctx); err != nil {
		return AuditView{}, err
	}
	var v AuditView
	err := db.View(ctx, func(tx *store.Tx) (err error) {
		v, err = checkpoint(tx, keys)
		return err
	})
	return v, err
}

// checkpoint signs the log as tx sees it.
func checkpoint(tx *store.Tx, keys *identity.Keys) (AuditView, error) {
	size, root, err := tx.Head()
	if err != nil {
		return AuditView{}, err
	}
	origin := identity.AuditOrigin(keys.Party())
	signed, err := audit.SignCheckpoint(audit.Checkpoint{Origin: origin, Size: size, Root: root}, keys.Audit())
	if err != nil {
		return AuditView{}, err
	}
	pub, ok := keys.Audit().Public().(ed25519.PublicKey)
	if !ok {
		return AuditView{}, fault.New(fault.Internal, "node.checkpoint", "the audit key is not Ed25519")
	}
	vkey, err := audit.VerifierKey(origin, pub)
	return AuditView{Size: size, Root: root, Checkpoint: string(signed), VerifierKey: vkey}, err
}

// Proof returns the inclusion proof of one leaf as a tlog-proof file, and the key that verifies it.
//
// Errors: fault.NotFound.
func (n *Node) Proof(ctx context.Context, leaf int64) (receipt []byte, vkey string, err error) {
	err = n.db.View(ctx, func(tx *store.Tx) error {
		v, err := checkpoint(tx, n.keys)
		if err != nil {
			return err
		}
		if leaf < 0 || leaf >= v.Size {
			return fault.New(fault.NotFound, "node.Proof", "no leaf %d; the log has %d", leaf, v.Size)
		}
		r, err := audit.NewReceipt(tx, leaf, []byte(v.Checkpoint))
		if err != nil {
			return err
		}
		receipt, vkey = r.Marshal(), v.VerifierKey
		return nil
	})
	return receipt, vkey, err
}
