package psibench

import "github.com/tacit-data/tacit/api/fault"

// verify compares the rows that the parties wrote with what the generator put into their files: every one names a key that the
// other party has, none twice, none is missing, and under output both the k-th row of either party is the same key.
//
// Errors: fault.Internal, with counts only.
func (s Spec) verify(recv, send []int32) error {
	const op = "psibench.verify"
	r, d := s.sides()
	if err := complete(recv, r, d, s.intersection()); err != nil {
		return fault.Wrap(fault.Internal, op, err, "the receiver's matches are wrong")
	}
	if s.Output != outputBoth {
		if len(send) != 0 {
			return fault.New(fault.Internal, op, "the sender learned %d matches", len(send))
		}
		return nil
	}
	if err := complete(send, d, r, s.intersection()); err != nil {
		return fault.Wrap(fault.Internal, op, err, "the sender's matches are wrong")
	}
	for k := range recv {
		if r.number(int(recv[k])) != d.number(int(send[k])) {
			return fault.New(fault.Internal, op, "the parties' matches are aligned differently")
		}
	}
	return nil
}

// complete checks one party's rows.
func complete(rows []int32, own, other side, want int) error {
	const op = "psibench.complete"
	if len(rows) != want {
		return fault.New(fault.Internal, op, "%d matches, the truth is %d", len(rows), want)
	}
	seen := make([]bool, own.n)
	for _, row := range rows {
		switch {
		case row < 0 || int(row) >= own.n:
			return fault.New(fault.Internal, op, "a row outside the file")
		case seen[row]:
			return fault.New(fault.Internal, op, "a row twice")
		case !other.holds(own.number(int(row))):
			return fault.New(fault.Internal, op, "a key that the other party does not have")
		}
		seen[row] = true
	}
	return nil
}
