package psi

import (
	"context"
	"crypto/sha256"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
)

// window is the number of tag frames S keeps between its two streams.
const window = 16

// streams returns the frame sequences of a run, each at its start.
func (p Params) streams(nRecv, nSend int) streams {
	unit := 8 * p.lit.Suite.group().pointBytes
	return streams{
		fromReceiver: stream{kind: kindPoints, unit: unit, total: nRecv, per: p.frame},
		fromSender:   stream{kind: kindPoints, unit: unit, total: nSend, per: p.frame},
		tags:         stream{kind: kindTags, unit: 8 * tagBytes(p.lit.SSP, nRecv, nSend), total: nRecv, per: p.frame},
	}
}

// costECDH is Cost under method ecdh.
func (p Params) costECDH(nRecv, nSend int) protocols.Cost {
	f := p.streams(nRecv, nSend)
	sent := helloBytes + f.fromReceiver.bytes() + doneBytes
	if p.lit.Output == OutputBoth {
		bm := p.matches(nSend)
		sent += bm.bytes()
	}
	recvd := helloBytes + f.fromSender.bytes() + f.tags.bytes() + doneBytes
	cost := protocols.Cost{Rounds: 4, SentBytes: sent, RecvBytes: recvd}
	if p.lit.Output == OutputSum {
		return cost.Add(p.costSum(nSend))
	}
	return cost
}

// leaksECDH is Leaks under method ecdh.
func (p Params) leaksECDH() []protocols.Leak {
	leaks := []protocols.Leak{leakSizes(), leakMatches(p.lit.Output)}
	if p.lit.Output == OutputSum {
		leaks = append(leaks, protocols.Leak{
			To: Receiver, About: Sender, Kind: protocols.LeakBinSums,
			Detail: "the sum of the sender's values over the items that both hold",
		})
	}
	if p.lit.MinMatches > 0 {
		leaks = append(leaks, protocols.Leak{
			To: Receiver, About: Sender, Kind: protocols.LeakIntersectionSize,
			Detail: "a number of matches below the agreed minimum too, which its node promises to discard",
		})
	}
	return leaks
}

// leakSizes is the line that every method has.
func leakSizes() protocols.Leak {
	return protocols.Leak{
		To: protocols.All, About: protocols.All, Kind: protocols.LeakRowCount,
		Detail: "the number of distinct items of each party",
	}
}

// leakMatches says who learns the intersection.
func leakMatches(out Output) protocols.Leak {
	if out.numbersOnly() {
		return protocols.Leak{
			To: Receiver, About: Sender, Kind: protocols.LeakIntersectionSize,
			Detail: "how many of its items the sender also holds",
		}
	}
	if out == OutputBoth {
		return protocols.Leak{
			To: protocols.All, About: protocols.All, Kind: protocols.LeakIntersectionMembers,
			Detail: "which of its items the other party also holds",
		}
	}
	return protocols.Leak{
		To: Receiver, About: Sender, Kind: protocols.LeakIntersectionMembers,
		Detail: "which of its items the sender also holds",
	}
}

// ecdh is one party's side of one run of method ecdh.
type ecdh struct {
	*run
	suite  suite
	key    secretKey
	frames streams
}

// newECDH draws the scalar of a run.
func (r *run) newECDH() (*ecdh, error) {
	e := &ecdh{run: r, suite: r.p.lit.Suite.group(), frames: r.p.streams(r.nRecv, r.nSend)}
	var err error
	e.key, err = e.suite.newKey(r.s.Rand, r.p.lit.Strict)
	return e, err
}

// receiveECDH is R after hello.
func (r *run) receiveECDH(ctx context.Context, items []Item) (Matches, error) {
	if r.p.lit.Output == OutputSum {
		return Matches{}, fault.New(fault.Invalid, "psi.receiveECDH", "output %s is that of ReceiveSum", OutputSum)
	}
	e, err := r.newECDH()
	if err != nil {
		return Matches{}, err
	}
	defer e.key.wipe()
	return e.receive(ctx, items)
}

// sendECDH is S after hello.
func (r *run) sendECDH(ctx context.Context, items []Item) (Matches, error) {
	if r.p.lit.Output == OutputSum {
		return Matches{}, fault.New(fault.Invalid, "psi.sendECDH", "output %s is that of SendSum", OutputSum)
	}
	e, err := r.newECDH()
	if err != nil {
		return Matches{}, err
	}
	defer e.key.wipe()
	return e.send(ctx, items)
}

// transfer runs the points and the tags. They are two flights, since the last tag answers the last point, but they
// overlap: the empty Exchange counts the second.
func (e *ecdh) transfer(ctx context.Context, send, recv func(context.Context) error) error {
	if err := protocols.Exchange(ctx, e.c, nil, nil); err != nil {
		return err
	}
	return protocols.Exchange(ctx, e.c, send, recv)
}

// receive is R after hello.
func (e *ecdh) receive(ctx context.Context, items []Item) (Matches, error) {
	state, err := e.collect(ctx, items)
	if err != nil {
		return Matches{}, err
	}
	return e.conclude(ctx, func() ([]int32, error) { return join(state.own, state.theirs) })
}

// collect is R up to the join.
func (e *ecdh) collect(ctx context.Context, items []Item) (receiver, error) {
	state := newReceiver(e.frames.tags.size(1))
	var theirDone done
	var seen [32]byte // digest of the incoming messages before theirDone
	err := e.transfer(ctx,
		func(ctx context.Context) error {
			return e.putPoints(ctx, &e.frames.fromReceiver, func(lo, hi int) []Item { return items[lo:hi] }, nil)
		},
		func(ctx context.Context) (err error) {
			if err := e.getTagsAndPoints(ctx, state); err != nil {
				return err
			}
			seen = e.in.Sum()
			msg, err := e.get(ctx)
			if err != nil {
				return err
			}
			theirDone, err = decodeDone(msg)
			return err
		})
	if err != nil {
		return receiver{}, err
	}
	return state, checkDone(theirDone, e.verdict(e.out.Sum(), seen, 0))
}

// send is S after hello.
func (e *ecdh) send(ctx context.Context, items []Item) (Matches, error) {
	order, err := e.answer(ctx, items)
	if err != nil {
		return Matches{}, err
	}
	return e.learn(ctx, order)
}

// answer is S up to its done. It returns the order of S's stream: order[j] is the item at position j.
func (e *ecdh) answer(ctx context.Context, items []Item) (order []int32, err error) {
	if order, err = shuffle(e.s.Rand, len(items)); err != nil {
		return nil, err
	}
	tags := make(chan []byte, window)
	err = e.transfer(ctx,
		func(ctx context.Context) error {
			next := func(lo, hi int) []Item { return pick(items, order, lo, hi) }
			if err := e.putPoints(ctx, &e.frames.fromSender, next, tags); err != nil {
				return err
			}
			// tags is closed: every point has been received, and nothing touches e.in.
			return e.put(ctx, e.verdict(e.in.Sum(), e.out.Sum(), 0).encode())
		},
		func(ctx context.Context) error { return e.getPoints(ctx, tags) })
	return order, err
}

// putPoints sends the masked items of every frame, and between them, until it is closed, the tag frames of answers.
func (e *ecdh) putPoints(ctx context.Context, f *stream, pick func(lo, hi int) []Item, answers <-chan []byte) error {
	var msg, data []byte // one frame at a time: the Conn does not keep it
	for !f.finished() {
		if err := e.putReady(ctx, &answers); err != nil {
			return err
		}
		lo, hi := f.span()
		items := pick(lo, hi)
		msg, data = f.sealIn(msg)
		size := e.suite.pointBytes
		err := e.pool.each(ctx, len(items), e.suite.block, func(lo, hi int) error {
			return e.key.mask(data[lo*size:hi*size], items[lo:hi])
		})
		if err != nil {
			return err
		}
		if err := e.put(ctx, msg); err != nil {
			return err
		}
		e.meter.add(hi - lo)
	}
	for answers != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case msg, ok := <-answers:
			if err := e.putAnswer(ctx, &answers, msg, ok); err != nil {
				return err
			}
		}
	}
	return nil
}

// putReady sends the answers that are waiting, without waiting for more.
func (e *ecdh) putReady(ctx context.Context, answers *<-chan []byte) error {
	for {
		select {
		case msg, ok := <-*answers:
			if err := e.putAnswer(ctx, answers, msg, ok); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// putAnswer sends msg, or forgets the channel once it is closed.
func (e *ecdh) putAnswer(ctx context.Context, answers *<-chan []byte, msg []byte, ok bool) error {
	if !ok {
		*answers = nil
		return nil
	}
	return e.put(ctx, msg)
}

// raise turns received points, which it overwrites, into tags.
func (e *ecdh) raise(ctx context.Context, tags, points []byte) error {
	width, size := e.frames.tags.size(1), e.suite.pointBytes
	n := len(points) / size
	err := e.pool.each(ctx, n, e.suite.block, func(lo, hi int) error {
		p := points[lo*size : hi*size]
		if err := e.key.raise(p, p); err != nil {
			return err
		}
		for i := lo; i < hi; i++ {
			sum := tagOf(e.s.Binding, points[i*size:(i+1)*size])
			copy(tags[i*width:(i+1)*width], sum[:])
		}
		return nil
	})
	if err == nil {
		e.meter.add(n)
	}
	return err
}

// tagOf is T of the package documentation before truncation.
func tagOf(binding [32]byte, point []byte) [32]byte {
	const domain = "tacit/psi/tag/v1"
	var b [len(domain) + 32 + compressedBytes]byte
	copy(b[:], domain)
	copy(b[len(domain):], binding[:])
	n := copy(b[len(domain)+32:], point)
	return sha256.Sum256(b[:len(domain)+32+n])
}

// getPoints is S's reading side: it answers each frame of points with a frame of tags, or where R may not learn which
// items match all of them at the end. It closes answers only when all is answered, since the writing side takes that for the end.
func (e *ecdh) getPoints(ctx context.Context, answers chan<- []byte) error {
	held := newTagList(e.frames.tags.size(1))
	for f := &e.frames.fromReceiver; !f.finished(); {
		msg, err := e.get(ctx)
		if err != nil {
			return err
		}
		points, err := f.open(msg)
		if err != nil {
			return err
		}
		if e.p.lit.Output.numbersOnly() {
			tags := make([]byte, len(points)/e.suite.pointBytes*held.width)
			if err := e.raise(ctx, tags, points); err != nil {
				return err
			}
			held.add(tags)
			continue
		}
		answer, tags := e.frames.tags.seal()
		if err := e.raise(ctx, tags, points); err != nil {
			return err
		}
		if err := hand(ctx, answers, answer); err != nil {
			return err
		}
	}
	if err := e.answerShuffled(ctx, held, answers); err != nil {
		return err
	}
	close(answers)
	return nil
}

// answerShuffled answers with the tags that were held back in an order that R cannot relate to its items.
func (e *ecdh) answerShuffled(ctx context.Context, held *tagList, answers chan<- []byte) error {
	if held.n == 0 {
		return nil
	}
	order, err := shuffle(e.s.Rand, held.n)
	if err != nil {
		return err
	}
	for f := &e.frames.tags; !f.finished(); {
		lo, hi := f.span()
		answer, tags := f.seal()
		for k, i := range order[lo:hi] {
			copy(tags[k*held.width:], held.at(i))
		}
		if err := hand(ctx, answers, answer); err != nil {
			return err
		}
	}
	return nil
}

// hand gives a frame to the writing side.
func hand(ctx context.Context, answers chan<- []byte, frame []byte) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case answers <- frame:
		return nil
	}
}

// getTagsAndPoints is R's reading side: S's two streams come interleaved, told apart by their kind.
func (e *ecdh) getTagsAndPoints(ctx context.Context, state receiver) error {
	tags, points := &e.frames.tags, &e.frames.fromSender
	for !tags.finished() || !points.finished() {
		msg, err := e.get(ctx)
		if err != nil {
			return err
		}
		if len(msg) > 0 && msg[0] == kindTags {
			data, err := tags.open(msg)
			if err != nil {
				return err
			}
			state.own.add(data)
			continue
		}
		data, err := points.open(msg)
		if err != nil {
			return err
		}
		fresh := make([]byte, len(data)/e.suite.pointBytes*state.theirs.width)
		if err := e.raise(ctx, fresh, data); err != nil {
			return err
		}
		state.theirs.add(fresh)
	}
	return nil
}
