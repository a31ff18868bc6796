package psibench

import (
	stdaes "crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/rand"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/kernel/aes"
	"github.com/tacit-data/tacit/internal/kernel/curve25519"
	"github.com/tacit-data/tacit/internal/kernel/gf128"
	"github.com/tacit-data/tacit/internal/kernel/okvs"
)

// The sizes of operations.
const (
	curvePoints = 2048
	blocks      = 1 << 12 // 64 KiB: within a second-level cache
	storePairs  = 1 << 20
)

func curveOperations() ([]operation, error) {
	k, err := curve25519.NewScalar(rand.Reader)
	if err != nil {
		return nil, failed(err)
	}
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, failed(err)
	}
	items, points := make([][32]byte, curvePoints), make([]curve25519.U, curvePoints)
	for i := range items {
		copy(items[i][:], rand.Text()+rand.Text())
	}
	dst := []byte("tacit-bench")
	curve25519.MapBatch(points, items, dst)
	public := private.PublicKey()
	x25519 := func() error {
		_, err := private.ECDH(public)
		return failed(err)
	}
	return []operation{
		{name: "MulBatch", items: curvePoints, floor: "crypto/ecdh X25519", floorWork: 1, floorRun: x25519, run: func() error {
			curve25519.MulBatch(points, points, k)
			return nil
		}},
		{name: "MapMulBatch", items: curvePoints, run: func() error {
			curve25519.MapMulBatch(points, items, dst, k)
			return nil
		}},
		{name: "OnCurveBatch", items: curvePoints, run: func() error {
			curve25519.OnCurveBatch(points)
			return nil
		}},
	}, nil
}

func aesOperations() ([]operation, error) {
	c, err := stdaes.NewCipher(make([]byte, 16))
	if err != nil {
		return nil, failed(err)
	}
	buf, keys := random(blocks), random(blocks)
	mmo, tree, stream := aes.NewMMO(aes.Block{1}), aes.NewTree(aes.Block{1}, aes.Block{2}), aes.NewStream(aes.Block{1}, aes.Block{2})
	bytes := make([]byte, 16*blocks)
	perBlock := func() error {
		for i := range buf {
			c.Encrypt(buf[i][:], buf[i][:])
		}
		return nil
	}
	ctr := cipher.NewCTR(c, make([]byte, 16))
	return []operation{
		{name: "MMO.Blocks", items: blocks, floor: "crypto/aes Encrypt", floorRun: perBlock, run: func() error {
			mmo.Blocks(buf, buf)
			return nil
		}},
		{name: "Tree.Level", items: blocks, floor: "crypto/aes Encrypt", floorRun: perBlock, run: func() error {
			tree.Level(buf, keys[:blocks/2])
			return nil
		}},
		{name: "Stream.Fill", items: blocks, floor: "crypto/cipher CTR", floorRun: func() error {
			ctr.XORKeyStream(bytes, bytes)
			return nil
		}, run: func() error {
			stream.Fill(bytes)
			return nil
		}},
		{name: "HashKeyed", items: blocks, floor: "crypto/aes NewCipher and Encrypt", floorRun: func() error {
			for i := range buf {
				c, err := stdaes.NewCipher(keys[i][:])
				if err != nil {
					return failed(err)
				}
				c.Encrypt(buf[i][:], buf[i][:])
			}
			return nil
		}, run: func() error {
			aes.HashKeyed(buf, keys, buf)
			return nil
		}},
	}, nil
}

func fieldOperations() ([]operation, error) {
	c, err := stdaes.NewCipher(make([]byte, 16))
	if err != nil {
		return nil, failed(err)
	}
	gcm, err := cipher.NewGCM(c)
	if err != nil {
		return nil, failed(err)
	}
	x, y, dst := random(blocks), random(blocks), make([]aes.Block, blocks)
	nonce, data, tag := make([]byte, gcm.NonceSize()), make([]byte, 16*blocks), make([]byte, 0, 16)
	ghash := func() error {
		tag = gcm.Seal(tag[:0], nonce, nil, data)
		return nil
	}
	const floor = "crypto/cipher GHASH"
	return []operation{
		{name: "MulBatch", items: blocks, floor: floor, floorRun: ghash, run: func() error {
			gf128.MulBatch(dst, x, y)
			return nil
		}},
		{name: "MulConst", items: blocks, floor: floor, floorRun: ghash, run: func() error {
			gf128.MulConst(dst, x, &y[0])
			return nil
		}},
		{name: "InnerProduct", items: blocks, floor: floor, floorRun: ghash, run: func() error {
			dst[0] = gf128.InnerProduct(x, y)
			return nil
		}},
	}, nil
}

func storeOperations() ([]operation, error) {
	p, err := okvs.NewParams(storePairs, minSSP)
	if err != nil {
		return nil, err
	}
	key, val, out := random(storePairs), random(storePairs), make([]aes.Block, storePairs)
	vector, seed := make([]aes.Block, p.Slots()), aes.Block{1}
	encode := func() error { return okvs.Encode(vector, key, val, seed, p, rand.Reader) }
	if err := encode(); err != nil {
		return nil, err
	}
	index := make(map[aes.Block]aes.Block, storePairs)
	return []operation{
		{name: "Encode", items: storePairs, run: encode, floor: "Go map insert", floorRun: func() error {
			clear(index)
			for i := range key {
				index[key[i]] = val[i]
			}
			return nil
		}},
		{name: "Decode", items: storePairs, floor: "Go map lookup", floorRun: func() error {
			for i := range key {
				out[i] = index[key[i]]
			}
			return nil
		}, run: func() error {
			okvs.Decode(out, key, vector, seed, p)
			return nil
		}},
	}, nil
}

// random returns n random blocks.
func random(n int) []aes.Block {
	out := make([]aes.Block, n)
	var seed aes.Block
	copy(seed[:], rand.Text())
	s := aes.NewStream(seed, aes.Block{})
	for i := range out {
		s.Fill(out[i][:])
	}
	return out
}

func failed(err error) error {
	return fault.Wrap(fault.Internal, "psibench.kernel", err, "the standard library refuses")
}
