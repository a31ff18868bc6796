package oprf

import (
	"crypto/sha256"
	"math/bits"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/protocols"
)

// MaxSessionQueries bounds the queries of one run: above, the client's tags and positions no longer fit a step's memory.
const MaxSessionQueries = 1 << 24

// MaxQueries bounds the evaluations under one key: Q of them cost log₂(Q)/2 bits of security (RFC 9497 §7.2.3), so that
// a key is rotated at 16 bits lost.
const MaxQueries = 1 << 32

// MaxTagBuffer bounds the records of one tag file, in bytes: the server sorts them in memory.
const MaxTagBuffer = 1 << 30

// MaxValueBytes bounds a value of the labelled variant, in bytes: values are looked up, not transferred.
const MaxValueBytes = 1024

// MinSSP is the least statistical security, in bits: over a key's life, a false match has probability at most 2^−ssp.
const MinSSP = 40

// maxTagBytes bounds a tag; longer ones would mean parameters that nobody needs.
const maxTagBytes = 16

// sealBytes is what sealing adds to a value: the authentication tag of AES-256-GCM.
const sealBytes = 16

// frameItems is the number of elements of a full frame, which is one batch with one proof: at most 528 KiB, half of
// protocols.MaxMessage. RFC 9497 allows MaxBatch.
const frameItems = 1 << 14

// The roles, by the names the leakage statement gives them.
const (
	Client protocols.Role = "client"
	Server protocols.Role = "server"
)

// ParamsLiteral is what a plan writes down, unchecked. Equal literals at both parties are a condition of the run.
type ParamsLiteral struct {
	Suite Suite
	// SSP is the statistical security in bits, at least MinSSP; advice: 40.
	SSP int
	// Ruleset is the digest of the key canonicalisation rules. Parties with different rules would miss matches silently.
	Ruleset [32]byte
	// ServerItems is an upper bound of the server's distinct items in one epoch, at least 1.
	ServerItems int
	// Queries is an upper bound of the evaluations under one key over all clients, 1 … MaxQueries. Serve enforces it.
	Queries int64
	// SessionQueries is an upper bound of the queries of one run, 1 … MaxSessionQueries: a client that enumerates a small
	// key domain shows as a large number. Serve enforces it.
	SessionQueries int
	// ValueBytes is the length of every value of the labelled variant, at most MaxValueBytes; 0 means none.
	ValueBytes int
}

// Params are checked parameters, immutable and safe for concurrent use. The zero value is refused.
type Params struct {
	lit      ParamsLiteral
	scheme   *scheme
	frame    int // elements per frame; frameItems outside tests
	progress func(done, total int)
}

// NewParams checks l.
//
// Errors: fault.Invalid (unknown suite, SSP below MinSSP, a size below its least), fault.Unsupported (known suite, not
// built), fault.LimitExceeded (a size above its bound, tags above 16 bytes, records above MaxTagBuffer).
func NewParams(l ParamsLiteral) (Params, error) {
	const op = "oprf.NewParams"
	s, err := newScheme(l.Suite, ModeVOPRF)
	if err != nil {
		return Params{}, err
	}
	p := Params{lit: l, scheme: s, frame: frameItems}
	switch {
	case l.SSP < MinSSP:
		return Params{}, fault.New(fault.Invalid, op, "ssp of %d bits, at least %d", l.SSP, MinSSP)
	case l.ServerItems < 1 || l.Queries < 1 || l.SessionQueries < 1 || l.ValueBytes < 0:
		return Params{}, fault.New(fault.Invalid, op, "ServerItems, Queries and SessionQueries are at least 1, ValueBytes at least 0")
	case l.Queries > MaxQueries:
		return Params{}, fault.New(fault.LimitExceeded, op, "%d lifetime queries, MaxQueries is %d", l.Queries, int64(MaxQueries))
	case l.SessionQueries > MaxSessionQueries:
		return Params{}, fault.New(fault.LimitExceeded, op, "%d queries a session, MaxSessionQueries is %d", l.SessionQueries, MaxSessionQueries)
	case l.ValueBytes > MaxValueBytes:
		return Params{}, fault.New(fault.LimitExceeded, op, "values of %d bytes, MaxValueBytes is %d", l.ValueBytes, MaxValueBytes)
	case p.tagBytes() > maxTagBytes:
		return Params{}, fault.New(fault.LimitExceeded, op, "ssp %d needs tags of %d bytes, at most %d", l.SSP, p.tagBytes(), maxTagBytes)
	case l.ServerItems > MaxTagBuffer/p.recordBytes():
		return Params{}, fault.New(fault.LimitExceeded, op, "%d records of %d bytes, MaxTagBuffer is %d bytes", l.ServerItems, p.recordBytes(), MaxTagBuffer)
	}
	return p, nil
}

// WithProgress returns p with a callback: f is called with the items done so far and the total (the declared ServerItems
// in BuildTags, the queries in Query and Serve), monotone and never concurrently. It is not part of the digest and must
// not block.
func (p Params) WithProgress(f func(done, total int)) Params {
	p.progress = f
	return p
}

// Literal returns what p was made of.
func (p Params) Literal() ParamsLiteral { return p.lit }

// Digest identifies the parameters; hello and the tag file carry it.
func (p Params) Digest() [32]byte {
	var e wire.Encoder
	e.String("tacit/oprf/params/v1")
	e.String(string(p.lit.Suite))
	e.U32(uint32(p.lit.SSP))
	e.Fixed(p.lit.Ruleset[:])
	e.U64(uint64(p.lit.ServerItems))
	e.U64(uint64(p.lit.Queries))
	e.U64(uint64(p.lit.SessionQueries))
	e.U32(uint32(p.lit.ValueBytes))
	e.U32(uint32(p.frame))
	return sha256.Sum256(e.B)
}

// Cost returns the exact cost of n queries as the client; the server's is its Flip.
func (p Params) Cost(n int) protocols.Cost {
	request, answer := p.streams(n)
	return protocols.Cost{Rounds: 2, SentBytes: helloBytes + request.bytes(), RecvBytes: helloBytes + answer.bytes()}
}

// FileBytes returns the size of a tag file of n records, in bytes.
func (p Params) FileBytes(n int) int64 {
	return int64(fileHeaderBytes) + int64(n)*int64(p.recordBytes()) + sha256.Size
}

// TransferCost returns the exact cost of ReceiveTags for a file of n records; that of SendTags is its Flip.
func (p Params) TransferCost(n int) protocols.Cost {
	chunks := p.chunks(n)
	return protocols.Cost{Rounds: 1, RecvBytes: offerBytes + chunks.bytes()}
}

// Leaks returns what tag file and runs disclose besides the output, word for word the reveals lines of the package
// documentation.
func (p Params) Leaks() []protocols.Leak {
	members := protocols.Leak{
		To: Client, About: Server, Kind: protocols.LeakIntersectionMembers,
		Detail: "which of its queries the server also holds",
	}
	if p.lit.ValueBytes > 0 {
		members.Detail = "which of its queries the server also holds, and their values"
	}
	return []protocols.Leak{
		{To: Server, About: Client, Kind: protocols.LeakRowCount, Detail: "the number of queries of each run"},
		{To: Client, About: Server, Kind: protocols.LeakRowCount, Detail: "the number of distinct items of the server in each tag file"},
		members,
	}
}

// tagBytes returns L = ⌈(ssp + log₂(ServerItems) + log₂(Queries))/8⌉: over the life of the key the expected number of
// false matches is at most 2^−ssp.
func (p Params) tagBytes() int {
	return (p.lit.SSP + ceilLog2(uint64(p.lit.ServerItems)) + ceilLog2(uint64(p.lit.Queries)) + 7) / 8
}

func ceilLog2(n uint64) int {
	if n <= 1 {
		return 0
	}
	return bits.Len64(n - 1)
}

// recordBytes is the size of a record of the tag file: the tag and, in the labelled variant, the sealed value.
func (p Params) recordBytes() int {
	if p.lit.ValueBytes == 0 {
		return p.tagBytes()
	}
	return p.tagBytes() + p.lit.ValueBytes + sealBytes
}

// streams returns the frames of a run of n queries, each at its start.
func (p Params) streams(n int) (request, answer stream) {
	request = stream{kind: kindRequest, unit: p.scheme.element, total: n, per: p.frame}
	answer = stream{kind: kindAnswer, unit: p.scheme.element, extra: proofBytes, total: n, per: p.frame}
	return request, answer
}

func (p Params) check() error {
	if p.scheme == nil {
		return fault.New(fault.Invalid, "oprf.Params", "zero Params; use NewParams")
	}
	return nil
}
