package psibench

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/faultproxy"
)

// files are those of one Spec, made once for all repeats.
type files struct{ dir string }

func (f files) keys(receiver bool) string { return filepath.Join(f.dir, name(receiver)+".csv") }
func (f files) rows(receiver bool) string { return filepath.Join(f.dir, name(receiver)+".rows") }

func name(receiver bool) string {
	if receiver {
		return string(receiverID)
	}
	return string(senderID)
}

// WriteKeys writes receiver.csv and sender.csv, the files of a run, into a directory that exists.
//
// Errors: fault.Invalid (fewer than 2 keys), fault.LimitExceeded (MaxItems), fault.Unavailable (disk).
func (s Spec) WriteKeys(dir string) error {
	if err := s.checkSizes(); err != nil {
		return err
	}
	f := files{dir}
	r, d := s.sides()
	if err := r.write(f.keys(true)); err != nil {
		return err
	}
	return d.write(f.keys(false))
}

// once is one repeat, or with t.Setup a set-up. told hears the steps of the party that shows them.
func (b *Bench) once(ctx context.Context, spec Spec, f files, t task, told func(step)) (Run, error) {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	t.Spec = spec
	if _, err := rand.Read(t.Binding[:]); err != nil {
		return Run{}, fault.Wrap(fault.Unavailable, "psibench.once", err, "no randomness")
	}
	if t.Setup {
		t.KeptReceiver, t.KeptSender = f.kept(true), f.kept(false)
	}
	t.Receiver, t.Keys, t.Rows = true, f.keys(true), f.rows(true)
	if spec.Core {
		return b.self.onceCore(ctx, t, told)
	}
	receiver, err := b.self.spawn(ctx, t, told)
	if err != nil {
		return Run{}, err
	}
	defer receiver.stop()
	t.Receiver, t.Keys, t.Rows = false, f.keys(false), f.rows(false)
	sender, err := b.self.spawn(ctx, t, told)
	if err != nil {
		return Run{}, err
	}
	defer sender.stop()
	out, r, d, err := between(receiver, sender, spec)
	if err != nil {
		return Run{}, err
	}
	return out, t.check(f, r, d, &out)
}

// between runs two processes that are ready through the network of spec.
func between(receiver, sender *child, spec Spec) (out Run, r, d report, err error) {
	const op = "psibench.between"
	var h, none hail
	if err := sender.hear(&none); err != nil {
		return out, r, d, err
	}
	if err := receiver.hear(&h); err != nil {
		return out, r, d, err
	}
	profile, err := faultproxy.Named(spec.Net)
	if err != nil {
		return out, r, d, err
	}
	if profile.BitsPerSecond > 0 {
		x, err := faultproxy.Listen(h.Address, profile)
		if err != nil {
			return out, r, d, err
		}
		defer x.Close()
		h.Address = x.Addr()
	}
	began := time.Now()
	var g errgroup.Group
	for _, side := range []struct {
		c   *child
		out *report
	}{{receiver, &r}, {sender, &d}} {
		g.Go(func() error {
			if err := json.NewEncoder(side.c.in).Encode(h); err != nil {
				return fault.Wrap(fault.Internal, op, err, "a party's process is gone")
			}
			return side.c.hear(side.out)
		})
	}
	if err := g.Wait(); err != nil {
		return out, r, d, err
	}
	if r.Failed != "" || d.Failed != "" {
		return out, r, d, fault.New(fault.Internal, op, "the run failed; receiver: %q, sender: %q", r.Failed, d.Failed)
	}
	out = Run{
		WallSeconds: time.Since(began).Seconds(), CPUSeconds: r.CPUSeconds + d.CPUSeconds,
		BytesSent: r.Sent + d.Sent, WireBytes: r.WireSent + d.WireSent, Rounds: max(r.Rounds, d.Rounds),
		PeakRSS: max(r.PeakRSS, d.PeakRSS), ReadSeconds: max(r.ReadSeconds, d.ReadSeconds),
	}
	return out, r, d, nil
}

// check fills in what was found, and fails unless it is right.
func (t task) check(f files, r, d report, out *Run) error {
	spec := t.Spec
	most := min(spec.N, spec.M)
	out.Correct = r.Sent == d.Recvd && d.Sent == r.Recvd
	if t.Setup { // the runs show whether it is right
		return t.verifyCost(r.Sent, r.Recvd, r.Rounds)
	}
	recv, err := readRows(f.rows(true), most)
	if err != nil {
		return err
	}
	send, err := readRows(f.rows(false), most)
	if err != nil {
		return err
	}
	if err := spec.verify(recv, send); err != nil {
		return err
	}
	if err := t.verifyCost(r.Sent, r.Recvd, r.Rounds); err != nil {
		return err
	}
	out.Matches = len(recv)
	return nil
}

// verifyCost compares what the receiver counted with what the protocol declares.
func (t task) verifyCost(sent, recvd int64, rounds int) error {
	p, err := protocolNamed(t.Spec.Protocol)
	if err != nil {
		return err
	}
	cost := p.cost
	if t.Setup {
		cost = p.setup.cost
	}
	want, err := cost(t.Spec)
	if err != nil {
		return err
	}
	if sent != want.SentBytes || recvd != want.RecvBytes || rounds != want.Rounds {
		return fault.New(fault.Internal, "psibench.verifyCost", "the receiver sent %d and received %d bytes in %d rounds, Cost says %+v",
			sent, recvd, rounds, want)
	}
	return nil
}

// onceCore is one repeat of a core run.
func (s Self) onceCore(ctx context.Context, t task, told func(step)) (Run, error) {
	c, err := s.spawn(ctx, t, told)
	if err != nil {
		return Run{}, err
	}
	defer c.stop()
	var r report
	if err := c.hear(&r); err != nil {
		return Run{}, err
	}
	if r.Failed != "" || r.Core == nil {
		return Run{}, fault.New(fault.Internal, "psibench.core", "the run failed: %q", r.Failed)
	}
	return *r.Core, nil
}
