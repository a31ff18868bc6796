package coordinator

import (
	"encoding/hex"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node/store"
	"github.com/tacit-data/tacit/sandbox/audit"
	"github.com/tacit-data/tacit/sandbox/budget"
)

// ledger is budget.Tx over one transaction. Leaves wait until the rows they explain are written: flush.
type ledger struct {
	c      *change
	job    string
	leaves []audit.Leaf
}

// flush writes the waiting leaves. Every budget operation of a transaction ends with it.
func (l *ledger) flush() error {
	for _, leaf := range l.leaves {
		if err := l.c.Log(leaf); err != nil {
			return err
		}
	}
	l.leaves = nil
	return nil
}

// Account implements budget.Tx.
func (l *ledger) Account(id budget.AccountID) (budget.Account, bool, error) {
	return load(l.c.Tx, store.Account, string(id), budget.DecodeAccount, "coordinator.ledger", "a budget account does not decode")
}

// PutAccount implements budget.Tx.
func (l *ledger) PutAccount(a budget.Account) error {
	return l.c.Put(store.Account, string(a.ID), a.Encode())
}

// Hold implements budget.Tx.
func (l *ledger) Hold(key [32]byte) (budget.Hold, bool, error) {
	return load(l.c.Tx, store.Hold, hex.EncodeToString(key[:]), budget.DecodeHold, "coordinator.ledger", "a hold does not decode")
}

// PutHold implements budget.Tx.
func (l *ledger) PutHold(h budget.Hold) error {
	return l.c.Put(store.Hold, hex.EncodeToString(h.Key[:]), h.Encode())
}

// HeldUntil implements budget.Tx.
func (l *ledger) HeldUntil(now time.Time, limit int) ([][32]byte, error) {
	var out [][32]byte
	err := l.c.Scan(store.Hold, "", func(row store.Row) error {
		h, err := budget.DecodeHold(row.Value)
		if err != nil {
			return fault.Wrap(fault.Corrupt, "coordinator.ledger", err, "a hold does not decode")
		}
		if h.State == budget.Held && !h.Expires.After(now) && len(out) < limit {
			out = append(out, h.Key)
		}
		return nil
	})
	return out, err
}

// Leaf implements budget.Tx.
func (l *ledger) Leaf(kind string, key [32]byte) error {
	l.leaves = append(l.leaves, audit.Leaf{
		Type: audit.Type(kind), Refs: map[string]string{"job": l.job, "hold": hex.EncodeToString(key[:])},
	})
	return nil
}
