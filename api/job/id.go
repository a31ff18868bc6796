package job

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// ID names one job. The zero value names none.
type ID [16]byte

// JobID is the job that submitter asked for under requestID: SHA-256("tacit/job/v1" ‖ submitter ‖ requestID), its first
// 16 bytes, each string preceded by its u32 length so that no two pairs share an encoding. Repeating a submit under the
// same request id therefore names the same job.
func JobID(submitter party.ID, requestID string) ID {
	b := []byte("tacit/job/v1")
	for _, s := range []string{string(submitter), requestID} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	sum := sha256.Sum256(b)
	return ID(sum[:16])
}

// ParseID reads the 32 lower-case hexadecimal digits that String writes.
//
// Errors: fault.Invalid.
func ParseID(s string) (ID, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(ID{}) || hex.EncodeToString(b) != s {
		return ID{}, fault.New(fault.Invalid, "job.ParseID", "a job id is 32 lower-case hexadecimal digits")
	}
	return ID(b), nil
}

// String returns 32 lower-case hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }
