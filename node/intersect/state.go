package intersect

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/internal/wire"
	"github.com/tacit-data/tacit/protocols/psi"
)

// The files of a state directory. Each but the lock ends in a SHA-256 of what is before it.
const (
	recordFile   = "run"
	lockFile     = "lock"
	bucketPrefix = "bucket-"
)

const (
	recordTag = "tacit/intersect/record/v1"
	bucketTag = "tacit/intersect/bucket/v1"
)

// maxRecordBytes bounds the record, which has one hash per few fields.
const maxRecordBytes = 4 << 10

// record is what a resumed run must know. Its zero fields are not known yet.
type record struct {
	config [32]byte
	input  [32]byte
	// The plan; set together.
	planned  bool
	choice   choice
	peerKeys int64
	// The end: every bucket is done at both parties, and both know it.
	ended     bool
	parted    bool // and this party knows that the other knows
	own, peer final
}

// state is a run's directory. One process holds it at a time.
type state struct {
	dir  string
	lock *Hold
	mine bool // the lock ends with the state
	record
}

// openState takes the directory, if held is nil, and reads its record, if there is one.
//
// Errors: fault.Exists (another process has it), fault.Unavailable (disk), fault.Corrupt (a damaged record).
func openState(dir string, held *Hold) (*state, error) {
	s := &state{dir: dir, lock: held}
	if held == nil {
		var err error
		if s.lock, err = Take(dir); err != nil {
			return nil, err
		}
		s.mine = true
	}
	b, err := ReadSealed(filepath.Join(dir, recordFile), maxRecordBytes)
	if err == nil && b != nil {
		s.record, err = decodeRecord(b)
	}
	if err != nil {
		s.close()
		return nil, damaged(dir, err)
	}
	return s, nil
}

func (s *state) close() {
	if s.mine {
		s.lock.Release()
	}
}

// damaged adds what to do.
func damaged(dir string, err error) error {
	if fault.CodeOf(err) != fault.Corrupt {
		return err
	}
	return fault.Wrap(fault.Corrupt, "intersect.state", err, "%s: %s; remove the directory, at both parties, to start anew", dir, fault.ReasonOf(err))
}

// fits compares the record with this run, or begins it.
//
// Errors: fault.PlanMismatch (other options), fault.SchemaMismatch (another input).
func (s *state) fits(config, input [32]byte) error {
	const op = "intersect.state"
	switch {
	case !s.planned:
		s.record = record{config: config, input: input}
		return s.save()
	case s.config != config:
		return fault.New(fault.PlanMismatch, op, "%s holds an unfinished run with other options: repeat its command, or remove the directory to start anew", s.dir)
	case s.input != input:
		return fault.New(fault.SchemaMismatch, op, "%s holds an unfinished run over another input: put the same file back, or remove the directory to start anew", s.dir)
	}
	return nil
}

func (s *state) save() error { return WriteSealed(filepath.Join(s.dir, recordFile), s.encode()) }

func (r record) encode() []byte {
	var e wire.Encoder
	e.String(recordTag)
	e.Fixed(r.config[:])
	e.Fixed(r.input[:])
	e.Bool(r.planned)
	e.Bytes(r.choice.encode())
	e.I64(r.peerKeys)
	e.Bool(r.ended)
	e.Bool(r.parted)
	e.Bytes(r.own.encode())
	e.Bytes(r.peer.encode())
	return e.B
}

func decodeRecord(b []byte) (record, error) {
	const op = "intersect.decodeRecord"
	d := wire.NewDecoder(b, op)
	if d.String(len(recordTag)) != recordTag {
		d.Fail(fault.Corrupt, "the record of another program or version")
	}
	r := record{config: d.Hash(), input: d.Hash(), planned: d.Bool()}
	plan := d.Bytes(maxRecordBytes)
	r.peerKeys, r.ended, r.parted = d.I64(), d.Bool(), d.Bool()
	own, peer := d.Bytes(maxRecordBytes), d.Bytes(maxRecordBytes)
	err := d.Done()
	if err == nil && r.planned {
		r.choice, err = decodeChoice(plan)
	}
	if err == nil {
		r.own, err = decodeFinal(own)
	}
	if err == nil {
		r.peer, err = decodeFinal(peer)
	}
	if err != nil {
		return record{}, wire.Stored(op, err)
	}
	return r, nil
}

// finished is a bucket that is done: the rows of this party in aligned order, each as often as the output has it.
type finished struct {
	mark mark
	keys uint32 // matched keys; 0 at a party that learns nothing
	rows []uint32
}

func (s *state) bucketPath(number int) string {
	return filepath.Join(s.dir, fmt.Sprintf("%s%05d", bucketPrefix, number))
}

// saveBucket makes a bucket durable, in place of an earlier run of it.
func (s *state) saveBucket(number int, plan [32]byte, f finished) error {
	e := wire.Encoder{B: make([]byte, 0, len(bucketTag)+64+4*len(f.rows))}
	e.String(bucketTag)
	e.Fixed(plan[:])
	e.U32(uint32(number))
	e.Fixed(f.mark[:])
	e.U32(f.keys)
	for _, r := range f.rows {
		e.B = binary.LittleEndian.AppendUint32(e.B, r)
	}
	return WriteSealed(s.bucketPath(number), e.B)
}

// loadBucket returns a finished bucket, the zero value where it is not there or of another plan.
//
// Errors: fault.Corrupt.
func (s *state) loadBucket(number int, plan [32]byte) (finished, error) {
	b, err := ReadSealed(s.bucketPath(number), 4*MaxRows+1024)
	if err != nil || b == nil {
		return finished{}, damaged(s.dir, err)
	}
	d := wire.NewDecoder(b, "intersect.loadBucket")
	if d.String(len(bucketTag)) != bucketTag {
		d.Fail(fault.Corrupt, "a bucket of another program or version")
	}
	theirs, n := d.Hash(), d.U32()
	var f finished
	copy(f.mark[:], d.Fixed(markBytes))
	f.keys = d.U32()
	data := d.Fixed(d.Left())
	if err := d.Done(); err != nil || len(data)%4 != 0 || n != uint32(number) {
		return finished{}, damaged(s.dir, fault.New(fault.Corrupt, "intersect.loadBucket", "bucket %d does not decode", number))
	}
	if theirs != plan {
		return finished{}, nil // of a plan that was given up
	}
	f.rows = make([]uint32, len(data)/4)
	for i := range f.rows {
		f.rows[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return f, nil
}

// loadMarks returns the mark of every finished bucket of a plan.
func (s *state) loadMarks(plan [32]byte, n int) ([]mark, error) {
	out := make([]mark, n)
	for i := range out {
		f, err := s.loadBucket(i, plan)
		if err != nil {
			return nil, err
		}
		out[i] = f.mark
	}
	return out, nil
}

// clear removes what the run has written; the directory stays, and the lock where it is another's.
func (s *state) clear() {
	_ = os.Remove(filepath.Join(s.dir, recordFile)) // first: without it the rest means nothing
	for i := range 1 << psi.MaxBucketBits {
		if err := os.Remove(s.bucketPath(i)); errors.Is(err, fs.ErrNotExist) && i >= 1<<s.choice.bits {
			break
		}
	}
	_ = os.Remove(filepath.Join(s.dir, triesFile))
	if s.mine {
		_ = os.Remove(filepath.Join(s.dir, lockFile)) // ours: Take notices that its name is gone
	}
}

// WriteSealed replaces a file by b and its hash: whole or not at all, also when the machine stops.
func WriteSealed(path string, b []byte) (err error) {
	const op = "intersect.WriteSealed"
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.partial")
	if err != nil {
		return diskFault(op, err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	sum := sha256.Sum256(b)
	for _, part := range [][]byte{b, sum[:]} {
		if _, err := f.Write(part); err != nil {
			return diskFault(op, err)
		}
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return diskFault(op, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return diskFault(op, err)
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes a rename durable.
func SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return diskFault("intersect.SyncDir", err)
	}
	err = errors.Join(d.Sync(), d.Close())
	if err != nil {
		return diskFault("intersect.SyncDir", err)
	}
	return nil
}

// ReadSealed returns what WriteSealed wrote, nil where there is no file.
//
// Errors: fault.Corrupt (hash differs, too long), fault.Unavailable.
func ReadSealed(path string, limit int64) ([]byte, error) {
	const op = "intersect.ReadSealed"
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, diskFault(op, err)
	}
	defer func() { _ = f.Close() }() // read only: nothing is lost
	b, err := io.ReadAll(io.LimitReader(f, limit+sha256.Size+1))
	if err != nil {
		return nil, diskFault(op, err)
	}
	body := len(b) - sha256.Size
	if body < 0 || int64(body) > limit || sha256.Sum256(b[:body]) != [32]byte(b[body:]) {
		return nil, fault.New(fault.Corrupt, op, "%s is damaged", strings.TrimSuffix(filepath.Base(path), ".partial"))
	}
	return b[:body], nil
}
