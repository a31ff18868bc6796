package meter

import (
	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// Tx is one serialisable transaction of the party's store.
type Tx interface {
	// Receipt returns the receipt of (job, step, p).
	Receipt(job, step string, p party.ID) (s Signed, found bool, err error)
	PutReceipt(s Signed) error
	// Leaf appends an audit leaf about the receipt.
	Leaf(kind string, digest [32]byte) error
}

// Record stores a verified receipt once per job, step and party. The same receipt again changes nothing but may add
// countersignatures; none is ever dropped.
//
// Errors: fault.Exists when the party stated something else before. Both statements are then evidence of a dispute.
func Record(tx Tx, s Signed) error {
	old, found, err := tx.Receipt(s.Job, s.Step, s.Party)
	if err != nil {
		return err
	}
	if found && old.Receipt != s.Receipt {
		return fault.New(fault.Exists, "meter.Record", "%s has another receipt for step %s", s.Party, s.Step)
	}
	if found {
		merged := old.merge(s)
		if len(merged.Counter) == len(old.Counter) {
			return nil
		}
		s = merged
	}
	if err := tx.PutReceipt(s); err != nil {
		return err
	}
	kind := "meter.receipt"
	if found {
		kind = "meter.countersigned"
	}
	return tx.Leaf(kind, s.Digest())
}

// merge returns s with the countersignatures of both, sorted. Of one party the first stays.
func (s Signed) merge(o Signed) Signed {
	out := s
	out.Counter = nil
	i, j := 0, 0
	for i < len(s.Counter) || j < len(o.Counter) {
		switch {
		case j == len(o.Counter) || i < len(s.Counter) && s.Counter[i].Party < o.Counter[j].Party:
			out.Counter = append(out.Counter, s.Counter[i])
			i++
		case i == len(s.Counter) || o.Counter[j].Party < s.Counter[i].Party:
			out.Counter = append(out.Counter, o.Counter[j])
			j++
		default:
			out.Counter = append(out.Counter, s.Counter[i])
			i++
			j++
		}
	}
	return out
}
