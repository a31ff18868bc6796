package conntest

import (
	"crypto/rand"
	"io"
	"sync"

	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/protocols"
)

// workers is what the sessions of this package may use: more than one, so that concurrency is exercised.
const workers = 2

// Sessions returns the two sides of one run between a and b, with randomness that depends on seed only. Equal seeds
// give equal runs wherever the protocol reads its randomness in a fixed order.
func Sessions(a, b party.ID, seed uint64) (protocols.Session, protocols.Session) {
	var binding [32]byte
	generator(seed, 0).Fill(binding[:])
	return session(binding, a, b, &lockedReader{r: generator(seed, 1)}),
		session(binding, b, a, &lockedReader{r: generator(seed, 2)})
}

// RandomSessions returns the two sides of one run with the operating system's randomness.
func RandomSessions(a, b party.ID) (protocols.Session, protocols.Session) {
	var binding [32]byte
	if _, err := rand.Read(binding[:]); err != nil {
		return protocols.Session{}, protocols.Session{} // unreachable: crypto/rand.Read never fails
	}
	return session(binding, a, b, rand.Reader), session(binding, b, a, rand.Reader)
}

func session(binding [32]byte, self, peer party.ID, r io.Reader) protocols.Session {
	return protocols.Session{Binding: binding, Self: self, Peers: []party.ID{peer}, Rand: r, Workers: workers}
}

// lockedReader lets the goroutines of a step share one stream, as crypto/rand.Reader does.
type lockedReader struct {
	mu sync.Mutex
	r  *aes.Stream
}

func (l *lockedReader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(p)
}
