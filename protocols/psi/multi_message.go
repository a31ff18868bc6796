package psi

import (
	"bytes"
	"crypto/sha256"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
)

// The kinds of messages between several parties: one opens a connection, one says how many items all have in common.
const (
	kindGreeting = 10
	kindCommon   = 11
)

// commonBytes is the encoded size of a count.
const commonBytes = 1 + 4

// GreetingBytes is the size of the message that every two of several parties exchange.
const GreetingBytes = 1 + 2 + 32 + 32 + 4 + 32 + checkBytes

// checkBytes is the size of a greeting's checksum. Two members exchange nothing after their greetings: without it, a bit
// that a link flips in a key would leave them with two keys and everyone with an empty result.
const checkBytes = 16

// greeting is what two of several parties must agree on, the sender's number of items, and its public key of X25519, from
// which both derive the key of the pair.
type greeting struct {
	version uint16
	binding [32]byte
	params  [32]byte
	items   int
	key     [32]byte
}

func (g greeting) encode() []byte {
	e := wire.Encoder{B: make([]byte, 0, GreetingBytes)}
	e.U8(kindGreeting)
	e.U16(g.version)
	e.Fixed(g.binding[:])
	e.Fixed(g.params[:])
	e.U32(uint32(g.items))
	e.Fixed(g.key[:])
	sum := greetingCheck(e.B)
	e.Fixed(sum[:checkBytes])
	return e.B
}

func decodeGreeting(msg []byte) (greeting, error) {
	d := wire.NewDecoder(msg, "psi.decodeGreeting")
	expectKind(d, kindGreeting)
	g := greeting{version: d.U16(), binding: d.Hash(), params: d.Hash()}
	n := d.U32()
	if n > MaxItemsRR22 {
		d.Fail(fault.LimitExceeded, "%d items, MaxItemsRR22 is %d", n, MaxItemsRR22)
	}
	g.items, g.key = int(n), d.Hash()
	if sum := greetingCheck(msg[:min(len(msg), GreetingBytes-checkBytes)]); !bytes.Equal(d.Fixed(checkBytes), sum[:checkBytes]) {
		d.Fail(fault.Misbehaved, "a greeting that was altered on its way")
	}
	return g, d.Done()
}

// greetingCheck is SHA-256("tacit/psi/multi/greeting/v1" ‖ message), of which checkBytes are sent.
func greetingCheck(msg []byte) [32]byte {
	return sha256.Sum256(append([]byte("tacit/psi/multi/greeting/v1"), msg...))
}

// encodeCommon is how many items the leader's tags stand for.
func encodeCommon(n int) []byte {
	e := wire.Encoder{B: make([]byte, 0, commonBytes)}
	e.U8(kindCommon)
	e.U32(uint32(n))
	return e.B
}

// decodeCommon reads it; more than limit, what both parties can have in common, is refused.
func decodeCommon(msg []byte, limit int) (int, error) {
	d := wire.NewDecoder(msg, "psi.decodeCommon")
	expectKind(d, kindCommon)
	n := d.U32()
	if uint64(n) > uint64(limit) {
		d.Fail(fault.Misbehaved, "more items in common than a party holds")
	}
	return int(n), d.Done()
}
