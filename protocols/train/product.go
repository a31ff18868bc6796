package train

import (
	"context"

	"github.com/tacit-data/tacit/engine/he"
	"github.com/tacit-data/tacit/protocols"
)

// products are the public shapes of one private matrix per party, each times a vector that both share.
type products struct {
	label, host           he.Product
	labelNoise, hostNoise he.Noise
}

// newProducts makes both shapes from rows and columns of each party's matrix.
func newProducts(shape func(p he.Params, rows, cols int) (he.Product, error), p he.Params, label, host [2]int) (s products, err error) {
	if s.label, err = shape(p, label[0], label[1]); err != nil {
		return products{}, err
	}
	s.host, err = shape(p, host[0], host[1])
	return s, err
}

// sealed is the number of ciphertexts that one joint product seals under one key, at most.
func (s products) sealed() int { return max(s.label.Outputs(), s.host.Outputs()) }

// prove adds the noise proof of a job that seals so many ciphertexts for one key, counted over all its products: the
// distances of the products then add up to no more than the larger one's bound.
func (s products) prove(xmax int64, sealed int) (products, error) {
	var err error
	if s.labelNoise, err = s.label.Noise(xmax, sealed); err != nil {
		return products{}, err
	}
	s.hostNoise, err = s.host.Noise(xmax, sealed)
	return s, err
}

// cost is what one joint product transfers, as the label holder.
func (s products) cost() protocols.Cost {
	return protocols.Cost{
		Rounds:    2,
		SentBytes: s.host.InputBytes() + s.label.OutputBytes(),
		RecvBytes: s.label.InputBytes() + s.host.OutputBytes(),
	}
}

// product is the step in which private data and shares meet, the same in training and scoring: each party holds a
// private matrix, and both hold shares of the vector that each matrix multiplies.
type product struct {
	pair       *Pair
	own, peer  he.Product
	noise      he.Noise
	x          he.Matrix
	encoded    *he.Encoded
	transposed bool
}

// newProduct encodes this party's matrix, which is borrowed.
func newProduct(ctx context.Context, pair *Pair, s products, x he.Matrix, transposed bool, cacheBytes int64) (*product, error) {
	p := &product{pair: pair, own: s.host, peer: s.label, noise: s.hostNoise, x: x, transposed: transposed}
	if pair.label {
		p.own, p.peer, p.noise = s.label, s.host, s.labelNoise
	}
	var err error
	p.encoded, err = p.own.Encode(ctx, pair.kits, x, cacheBytes)
	return p, err
}

// apply returns this party's shares of the product of its own matrix with own and of the peer's matrix with peer, where
// own and peer are its shares of the two vectors.
//
// Bytes: products.cost. Errors: fault.Misbehaved with the peer as culprit, and the Conn's.
func (p *product) apply(ctx context.Context, own, peer []uint64) (ownShare, peerShare []uint64, err error) {
	kits, secret := p.pair.kits, p.pair.secret
	out, err := p.peer.Encrypt(ctx, kits, secret, peer)
	if err != nil {
		return nil, nil, err
	}
	in := make([][]byte, p.own.Inputs())
	for i := range in {
		in[i] = make([]byte, p.own.InputSize())
	}
	if err := exchange(ctx, p.pair.conn, out, in); err != nil {
		return nil, nil, err
	}
	sealed, ownShare, err := p.own.Mul(ctx, kits, p.encoded, in, p.pair.peerKey, p.noise)
	if err != nil {
		return nil, nil, blame(p.pair.conn, err)
	}
	p.addLocal(ownShare, own)
	in = make([][]byte, p.peer.Outputs())
	for i := range in {
		in[i] = make([]byte, p.peer.OutputSize(i))
	}
	if err := exchange(ctx, p.pair.conn, sealed, in); err != nil {
		return nil, nil, err
	}
	peerShare, err = p.peer.Open(ctx, kits, secret, in)
	return ownShare, peerShare, blame(p.pair.conn, err)
}

// addLocal adds the product of the own matrix with the own share of its vector.
func (p *product) addLocal(dst, v []uint64) {
	for j := range p.x.Cols {
		column := p.x.Data[j*p.x.Rows:][:p.x.Rows]
		if p.transposed {
			for i, c := range column {
				dst[j] += uint64(c) * v[i]
			}
			continue
		}
		for i, c := range column {
			dst[i] += uint64(c) * v[j]
		}
	}
}
