package coordinator

import (
	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/node/identity"
)

// Kind is what a control message says. Numbers are never reused.
type Kind uint8

// The control messages.
const (
	MsgAsk           Kind = 1  // lead → all: the spec
	MsgDescribed     Kind = 2  // data holder → all: its catalogue entries for the job
	MsgPlanned       Kind = 3  // participant → all: its plan digest
	MsgApproved      Kind = 4  // owner → all: signed approval with its reservation vote
	MsgDenied        Kind = 5  // owner → all
	MsgLeaseAsk      Kind = 6  // lead → one
	MsgLeased        Kind = 7  // one → lead
	MsgLeaseRefused  Kind = 8  // one → lead
	MsgStart         Kind = 9  // lead → all
	MsgVote          Kind = 10 // data holder → all
	MsgFailing       Kind = 11 // participant → all
	MsgReceipts      Kind = 12 // data holder → other data holders
	MsgCountersigned Kind = 13 // data holder → the receipts' signer
	MsgSubmit        Kind = 14 // submitter → lead
	MsgOffer         Kind = 15 // an agreement with the sender's signature
	MsgAccept        Kind = 16 // the same agreement, countersigned
	MsgDropLease     Kind = 17 // lead → one
)

// Known reports whether k is a message of this version.
func (k Kind) Known() bool { return k >= MsgAsk && k <= MsgDropLease }

const (
	// MaxPayload bounds a message's payload, in bytes; the longest is a spec or a job's receipts.
	MaxPayload = 1<<20 - 1024
	// maxJobID bounds a job id in text: 32 hexadecimal digits.
	maxJobID = 64
	// SignatureBytes is the length of an Ed25519 signature.
	SignatureBytes = 64

	messageVersion = 1
	messageTag     = string(identity.ForControl)
)

// Head is the sender's newest log head: a peer that stores it notices a restored old backup.
type Head struct {
	Size int64
	Root [32]byte
}

// Message is one control message. Its body on the wire is this encoding followed by the sender's signature.
type Message struct {
	From, To party.ID
	Seq      uint64
	Kind     Kind
	Job      string // empty for messages that belong to no job
	Head     Head
	Payload  []byte
}

// Signer signs with this party's approval key under a domain tag.
type Signer interface {
	Sign(tag string, payload []byte) ([]byte, error)
}

// Verifier checks a pinned party's signature.
type Verifier interface {
	Verify(p party.ID, tag string, payload, signature []byte) error
}

// Seal encodes and signs m.
func (m Message) Seal(s Signer) ([]byte, error) {
	b := m.encode()
	sig, err := s.Sign(messageTag, b)
	if err != nil {
		return nil, err
	}
	return append(b, sig...), nil
}

func (m Message) encode() []byte {
	var e wire.Encoder
	e.U8(messageVersion)
	e.String(string(m.From))
	e.String(string(m.To))
	e.U64(m.Seq)
	e.U8(uint8(m.Kind))
	e.String(m.Job)
	e.I64(m.Head.Size)
	e.Fixed(m.Head.Root[:])
	e.Bytes(m.Payload)
	return e.B
}

// OpenMessage decodes body and checks that it is peer's signed message number seq to self.
//
// Errors, all with peer as culprit: fault.Misbehaved (malformed, other addressee or number), fault.LimitExceeded,
// fault.Unauthenticated (signature), fault.Unsupported (version or kind).
func OpenMessage(body []byte, peer, self party.ID, seq uint64, v Verifier) (Message, error) {
	m, err := openMessage(body, peer, self, seq, v)
	return m, fault.Blame(err, string(peer))
}

func openMessage(body []byte, peer, self party.ID, seq uint64, v Verifier) (Message, error) {
	const op = "coordinator.OpenMessage"
	if len(body) <= SignatureBytes {
		return Message{}, fault.New(fault.Misbehaved, op, "a message without a signature")
	}
	signed, sig := body[:len(body)-SignatureBytes], body[len(body)-SignatureBytes:]
	m, err := decodeMessage(signed)
	if err != nil {
		return Message{}, err
	}
	if m.From != peer || m.To != self || m.Seq != seq {
		return Message{}, fault.New(fault.Misbehaved, op, "a message for another place in another queue")
	}
	if err := v.Verify(peer, messageTag, signed, sig); err != nil {
		return Message{}, err
	}
	if !m.Kind.Known() {
		return Message{}, fault.New(fault.Unsupported, op, "message kind %d", m.Kind)
	}
	return m, nil
}

func decodeMessage(b []byte) (Message, error) {
	d := wire.NewDecoder(b, "coordinator.Message")
	if v := d.U8(); d.Err() == nil && v != messageVersion {
		return Message{}, fault.New(fault.Unsupported, "coordinator.Message", "message version %d, this node knows %d", v, messageVersion)
	}
	m := Message{From: party.ID(d.String(party.MaxIDBytes)), To: party.ID(d.String(party.MaxIDBytes)), Seq: d.U64()}
	m.Kind = Kind(d.U8())
	m.Job = d.String(maxJobID)
	m.Head = Head{Size: d.I64(), Root: d.Hash()}
	m.Payload = d.Bytes(MaxPayload)
	if err := d.Done(); err != nil {
		return Message{}, err
	}
	return m, nil
}
