package psi

import (
	"context"
	"crypto/sha256"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols"
	"github.com/tacit-data/tacit/protocols/transcript"
)

// window is the number of tag frames S keeps between its two streams.
const window = 16

// Matches is what a party learns.
type Matches struct {
	Count int
	// Position lists the matched items as positions in items, in aligned order: entry k of both parties is the same
	// element. It is nil for a party that learns nothing, and empty when nothing matched.
	Position []int32
}

// Receive learns which of its items the sender also holds.
//
// Shape: items are distinct, 0 ≤ n ≤ min(MaxItems, declared size); the result has at most min(n_R, n_S) positions.
// Bytes: Params.Cost(n_R, n_S). Reveals: Params.Leaks.
// Errors: fault.Invalid (repeated item, zero Params or Session, size other than declared), fault.LimitExceeded (more
// items than MaxItems or declared), fault.PlanMismatch (the peer's hello), fault.Misbehaved (anything else of the peer),
// and those of the Conn.
// Items are borrowed; one call per Conn at a time. Source: doc.go.
func Receive(ctx context.Context, s protocols.Session, c protocols.Conn, items []Item, p Params) (Matches, error) {
	r, err := start(ctx, s, c, Receiver, items, p)
	if err != nil {
		return Matches{}, settle("psi.Receive", err)
	}
	defer r.key.wipe()
	m, err := r.receive(ctx, items)
	if err != nil {
		return Matches{}, settle("psi.Receive", r.blame(err))
	}
	return m, nil
}

// Send lets the receiver learn which of its items this party also holds, and under OutputBoth learns the same.
//
// Shape, bytes, errors and ownership are those of Receive; the cost is Params.Cost(n_R, n_S).Flip().
func Send(ctx context.Context, s protocols.Session, c protocols.Conn, items []Item, p Params) (Matches, error) {
	r, err := start(ctx, s, c, Sender, items, p)
	if err != nil {
		return Matches{}, settle("psi.Send", err)
	}
	defer r.key.wipe()
	m, err := r.send(ctx, items)
	if err != nil {
		return Matches{}, settle("psi.Send", r.blame(err))
	}
	return m, nil
}

// settle gives an error of the context, or of a foreign Conn, its code.
func settle(op string, err error) error {
	if fault.CodeOf(err) == fault.Internal {
		return fault.Wrap(fault.Internal, op, err, "the run failed")
	}
	return fault.Wrap(fault.CodeOf(err), op, err, "%s", fault.ReasonOf(err))
}

// blame names the peer in errors about its bytes, and only in those.
func (r *run) blame(err error) error {
	switch fault.CodeOf(err) {
	case fault.Misbehaved, fault.LimitExceeded, fault.PlanMismatch:
		return fault.Blame(err, string(r.c.Peer()))
	}
	return err
}

// run is one party's side of one run.
type run struct {
	s       protocols.Session
	p       Params
	c       protocols.Conn
	key     secretKey
	frames  streams
	pool    pool
	meter   *meter
	out, in *transcript.Transcript // of the messages sent and received
	role    protocols.Role
}

// start checks the arguments, exchanges hellos and draws the scalar of this run.
func start(ctx context.Context, s protocols.Session, c protocols.Conn, role protocols.Role, items []Item, p Params) (*run, error) {
	if err := checkArguments(s, role, items, p); err != nil {
		return nil, err
	}
	r := &run{s: s, p: p, c: c, role: role, pool: newPool(s.Workers)}
	r.out, r.in = transcript.ForSession("tacit/psi/v1", s), transcript.ForSession("tacit/psi/v1", s)
	peer, err := r.greet(ctx, len(items))
	if err != nil {
		return nil, r.blame(err)
	}
	nRecv, nSend := len(items), peer
	if role == Sender {
		nRecv, nSend = peer, len(items)
	}
	r.frames = p.streams(nRecv, nSend)
	r.meter = &meter{total: nRecv + nSend, report: p.progress}
	r.key, err = newSecretKey(s.Rand)
	return r, err
}

func checkArguments(s protocols.Session, role protocols.Role, items []Item, p Params) error {
	const op = "psi.checkArguments"
	if p.frame == 0 {
		return fault.New(fault.Invalid, op, "zero Params; use NewParams")
	}
	if s.Rand == nil || s.Workers < 1 {
		return fault.New(fault.Invalid, op, "the Session needs Rand and at least 1 worker")
	}
	if err := p.checkOwn(role, len(items)); err != nil {
		return err
	}
	return distinct(items)
}

// greet is the first flight. It returns the peer's number of items.
func (r *run) greet(ctx context.Context, n int) (int, error) {
	own := hello{version: wireVersion, receiver: r.role == Receiver, binding: r.s.Binding, params: r.p.Digest(), items: n}
	var peer hello
	err := protocols.Exchange(ctx, r.c,
		func(ctx context.Context) error { return r.put(ctx, own.encode()) },
		func(ctx context.Context) error {
			msg, err := r.get(ctx)
			if err != nil {
				return err
			}
			peer, err = decodeHello(msg)
			return err
		})
	if err != nil {
		return 0, err
	}
	return peer.items, r.checkHello(own, peer)
}

func (r *run) checkHello(own, peer hello) error {
	const op = "psi.checkHello"
	peerRole := Sender
	if r.role == Sender {
		peerRole = Receiver
	}
	switch {
	case peer.version != own.version:
		return fault.New(fault.PlanMismatch, op, "the peer speaks version %d, this is %d", peer.version, own.version)
	case peer.receiver == own.receiver:
		return fault.New(fault.PlanMismatch, op, "both parties are the %s", r.role)
	case peer.binding != own.binding:
		return fault.New(fault.PlanMismatch, op, "the peer runs another session, plan or attempt")
	case peer.params != own.params:
		return fault.New(fault.PlanMismatch, op, "the peer has other parameters or key rules")
	case !r.p.check(peerRole, peer.items):
		return fault.New(fault.PlanMismatch, op, "%d items as %s is not what the plan declared", peer.items, peerRole)
	}
	return nil
}

// put sends one message.
func (r *run) put(ctx context.Context, msg []byte) error {
	r.out.Append("message", msg)
	return r.c.Send(ctx, msg)
}

// get receives one message.
func (r *run) get(ctx context.Context) ([]byte, error) {
	msg, err := r.c.Recv(ctx)
	if err != nil {
		return nil, err
	}
	if len(msg) > protocols.MaxMessage {
		return nil, fault.New(fault.LimitExceeded, "psi.get", "message of %d bytes, at most %d", len(msg), protocols.MaxMessage)
	}
	r.in.Append("message", msg)
	return msg, nil
}

// transfer runs the points and the tags. They are two flights, since the last tag answers the last point, but they
// overlap: the empty Exchange counts the second.
func (r *run) transfer(ctx context.Context, send, recv func(context.Context) error) error {
	if err := protocols.Exchange(ctx, r.c, nil, nil); err != nil {
		return err
	}
	return protocols.Exchange(ctx, r.c, send, recv)
}

// receive is R after hello.
func (r *run) receive(ctx context.Context, items []Item) (Matches, error) {
	state := &receiver{width: r.frames.tags.size(1)}
	var theirDone done
	var seen [32]byte // digest of the incoming messages before theirDone
	err := r.transfer(ctx,
		func(ctx context.Context) error {
			return r.putPoints(ctx, &r.frames.fromReceiver, func(lo, hi int) []Item { return items[lo:hi] }, nil)
		},
		func(ctx context.Context) (err error) {
			if err := r.getTagsAndPoints(ctx, state); err != nil {
				return err
			}
			seen = r.in.Sum()
			msg, err := r.get(ctx)
			if err != nil {
				return err
			}
			theirDone, err = decodeDone(msg)
			return err
		})
	if err != nil {
		return Matches{}, err
	}
	if err := checkDone(theirDone, r.verdict(r.out.Sum(), seen, 0)); err != nil {
		return Matches{}, err
	}
	return r.conclude(ctx, state)
}

// conclude is R's last flight. Without a bitmap it says done before it joins, so that the time of the message tells
// nothing about the matches.
func (r *run) conclude(ctx context.Context, state *receiver) (Matches, error) {
	both := r.p.lit.Output == OutputBoth
	var m Matches
	var at []int32
	learn := func() (err error) {
		if at, err = state.match(); err != nil {
			return err
		}
		m.Position = positions(at)
		m.Count = len(m.Position)
		return nil
	}
	if both {
		if err := learn(); err != nil {
			return Matches{}, err
		}
	}
	err := protocols.Exchange(ctx, r.c, func(ctx context.Context) error {
		if both {
			if err := r.putMatches(ctx, bitmap(at)); err != nil {
				return err
			}
		}
		return r.put(ctx, r.verdict(r.out.Sum(), r.in.Sum(), m.Count).encode())
	}, nil)
	if err == nil && !both {
		err = learn()
	}
	if err != nil {
		return Matches{}, err
	}
	return m, nil
}

// send is S after hello.
func (r *run) send(ctx context.Context, items []Item) (Matches, error) {
	order, err := shuffle(r.s.Rand, len(items))
	if err != nil {
		return Matches{}, err
	}
	state := &sender{order: order}
	tags := make(chan []byte, window)
	err = r.transfer(ctx,
		func(ctx context.Context) error {
			pick := func(lo, hi int) []Item { return state.pick(items, lo, hi) }
			if err := r.putPoints(ctx, &r.frames.fromSender, pick, tags); err != nil {
				return err
			}
			// tags is closed: every point has been received, and nothing touches r.in.
			return r.put(ctx, r.verdict(r.in.Sum(), r.out.Sum(), 0).encode())
		},
		func(ctx context.Context) error { return r.getPoints(ctx, tags) })
	if err != nil {
		return Matches{}, err
	}
	return r.learn(ctx, state)
}

// learn is S's last flight.
func (r *run) learn(ctx context.Context, state *sender) (m Matches, err error) {
	err = protocols.Exchange(ctx, r.c, nil, func(ctx context.Context) error {
		if r.p.lit.Output == OutputBoth {
			if err := r.getMatches(ctx, state); err != nil {
				return err
			}
			if m.Position, err = state.matched(r.frames.fromReceiver.total); err != nil {
				return err
			}
			m.Count = len(m.Position)
		}
		want := r.verdict(r.in.Sum(), r.out.Sum(), m.Count)
		msg, err := r.get(ctx)
		if err != nil {
			return err
		}
		got, err := decodeDone(msg)
		if err != nil {
			return err
		}
		return checkDone(got, want)
	})
	if err != nil {
		return Matches{}, err
	}
	return m, nil
}

// verdict is what a done message must say: the counts, and a digest of the messages of both directions.
func (r *run) verdict(fromReceiver, fromSender [32]byte, matched int) done {
	b := []byte("tacit/psi/done/v1")
	b = append(append(b, fromReceiver[:]...), fromSender[:]...)
	return done{
		receiverItems: r.frames.fromReceiver.total, senderItems: r.frames.fromSender.total,
		matched: matched, digest: sha256.Sum256(b),
	}
}

// putPoints sends the masked items of every frame, and between them, until it is closed, the tag frames of answers.
func (r *run) putPoints(ctx context.Context, f *stream, pick func(lo, hi int) []Item, answers <-chan []byte) error {
	for !f.finished() {
		if err := r.putReady(ctx, &answers); err != nil {
			return err
		}
		lo, hi := f.span()
		items := pick(lo, hi)
		msg, data := f.seal()
		err := r.pool.each(ctx, len(items), func(lo, hi int) error {
			return mask(data[lo*pointBytes:hi*pointBytes], items[lo:hi], r.key)
		})
		if err != nil {
			return err
		}
		if err := r.put(ctx, msg); err != nil {
			return err
		}
		r.meter.add(hi - lo)
	}
	for answers != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case msg, ok := <-answers:
			if err := r.putAnswer(ctx, &answers, msg, ok); err != nil {
				return err
			}
		}
	}
	return nil
}

// putReady sends the answers that are waiting, without waiting for more.
func (r *run) putReady(ctx context.Context, answers *<-chan []byte) error {
	for {
		select {
		case msg, ok := <-*answers:
			if err := r.putAnswer(ctx, answers, msg, ok); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// putAnswer sends msg, or forgets the channel once it is closed.
func (r *run) putAnswer(ctx context.Context, answers *<-chan []byte, msg []byte, ok bool) error {
	if !ok {
		*answers = nil
		return nil
	}
	return r.put(ctx, msg)
}

// raise turns received points into tags.
func (r *run) raise(ctx context.Context, dst, points []byte) error {
	width := r.frames.tags.size(1)
	n := len(points) / pointBytes
	err := r.pool.each(ctx, n, func(lo, hi int) error {
		return raise(dst[lo*width:hi*width], points[lo*pointBytes:hi*pointBytes], r.key, r.s.Binding, width)
	})
	if err == nil {
		r.meter.add(n)
	}
	return err
}

// getPoints is S's reading side: it answers each frame of points with a frame of tags. It closes answers only when all
// is answered, since the writing side takes that for the end.
func (r *run) getPoints(ctx context.Context, answers chan<- []byte) error {
	for f := &r.frames.fromReceiver; !f.finished(); {
		msg, err := r.get(ctx)
		if err != nil {
			return err
		}
		points, err := f.open(msg)
		if err != nil {
			return err
		}
		answer, data := r.frames.tags.seal()
		if err := r.raise(ctx, data, points); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case answers <- answer:
		}
	}
	close(answers)
	return nil
}

// getTagsAndPoints is R's reading side: S's two streams come interleaved, told apart by their kind.
func (r *run) getTagsAndPoints(ctx context.Context, state *receiver) error {
	tags, points := &r.frames.tags, &r.frames.fromSender
	for !tags.finished() || !points.finished() {
		msg, err := r.get(ctx)
		if err != nil {
			return err
		}
		if len(msg) > 0 && msg[0] == kindTags {
			data, err := tags.open(msg)
			if err != nil {
				return err
			}
			state.own = append(state.own, data...)
			continue
		}
		data, err := points.open(msg)
		if err != nil {
			return err
		}
		if err := r.raise(ctx, state.room(len(data)/pointBytes), data); err != nil {
			return err
		}
	}
	return nil
}

// putMatches sends the bitmap over S's stream.
func (r *run) putMatches(ctx context.Context, bm []byte) error {
	for f := &r.frames.matches; !f.finished(); {
		lo, _ := f.span()
		msg, data := f.seal()
		copy(data, bm[lo/8:])
		if err := r.put(ctx, msg); err != nil {
			return err
		}
	}
	return nil
}

// getMatches receives it.
func (r *run) getMatches(ctx context.Context, state *sender) error {
	for f := &r.frames.matches; !f.finished(); {
		msg, err := r.get(ctx)
		if err != nil {
			return err
		}
		data, err := f.open(msg)
		if err != nil {
			return err
		}
		state.bitmap = append(state.bitmap, data...)
	}
	return nil
}
