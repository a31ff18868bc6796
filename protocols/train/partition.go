package train

import (
	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

// MaxPartitionRows bounds the rows of a Partition: its message then takes 8 MiB.
const MaxPartitionRows = 1 << 26

// PartitionCost is the exact cost of Partition over so many rows, as the label holder; the host's is its Flip.
func PartitionCost(rows int) protocols.Cost {
	return protocols.Cost{Rounds: 1, SentBytes: int64(membershipBytes(rows))}
}

// PartitionLeaks returns what Partition discloses, word for word in the package documentation.
func PartitionLeaks() []protocols.Leak {
	return []protocols.Leak{{
		To: Host, About: LabelHolder, Kind: protocols.LeakAccessPattern,
		Detail: "which rows the label holder's stratified draw puts into the test part",
	}}
}

// membershipBytes is the length of the membership bits of so many rows.
func membershipBytes(rows int) int { return (rows + 7) / 8 }

// encodeMembership sets bit i%8 of byte i/8 for every i of test.
//
// Errors: fault.Invalid (positions out of range or order, an empty part).
func encodeMembership(rows int, test []int32) ([]byte, error) {
	const op = "train.Partition"
	if len(test) == 0 || len(test) >= rows {
		return nil, fault.New(fault.Invalid, op, "%d test rows of %d: a part is empty", len(test), rows)
	}
	bits := make([]byte, membershipBytes(rows))
	last := int32(-1)
	for _, i := range test {
		if i <= last || int(i) >= rows {
			return nil, fault.New(fault.Invalid, op, "test positions that do not ascend within the rows")
		}
		bits[i/8] |= 1 << (i % 8)
		last = i
	}
	return bits, nil
}

// decodeMembership returns the positions of both parts, ascending.
//
// Errors: fault.Misbehaved without culprit (padding bits, an empty part).
func decodeMembership(rows int, bits []byte) (train, test []int32, err error) {
	const op = "train.Partition"
	if rows%8 != 0 && bits[len(bits)-1]>>(rows%8) != 0 {
		return nil, nil, fault.New(fault.Misbehaved, op, "padding bits set")
	}
	for i := range int32(rows) {
		if bits[i/8]>>(i%8)&1 == 1 {
			test = append(test, i)
		} else {
			train = append(train, i)
		}
	}
	if len(test) == 0 || len(train) == 0 {
		return nil, nil, fault.New(fault.Misbehaved, op, "%d training rows and %d test rows: a part is empty", len(train), len(test))
	}
	return train, test, nil
}
