package table

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/engine"
)

// openIPC reads the stream and the file form of Arrow IPC; it owns f from here on, also when it fails.
func openIPC(f *os.File, mem memory.Allocator, o Options) (engine.Stream, error) {
	src, err := newIPC(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return Conform(src, mem, o)
}

// ipcStream is an IPC file in the types and batches that it stores.
type ipcStream struct {
	file *os.File
	r    *ipc.Reader
}

func newIPC(f *os.File) (s *ipcStream, err error) {
	m, err := newMessages(f)
	if err != nil {
		return nil, err
	}
	err = Guard("table.Open", func() error {
		r, err := ipc.NewReaderFromMessageReader(m, ipc.WithAllocator(&Scratch{}))
		if err != nil {
			return damaged(err)
		}
		s = &ipcStream{file: f, r: r}
		return flatOnly(r.Schema())
	})
	return s, err
}

// flatOnly refuses nested columns and views, also unwanted ones: the reader loads every column of a batch, and theirs
// from counts that it does not check.
func flatOnly(schema *arrow.Schema) error {
	for _, f := range schema.Fields() {
		_, nested := f.Type.(arrow.NestedType)
		if id := f.Type.ID(); nested || id == arrow.STRING_VIEW || id == arrow.BINARY_VIEW {
			return fault.New(fault.Unsupported, "table.Open", "column %q: type %s is not read", f.Name, f.Type)
		}
	}
	return nil
}

// Schema implements engine.Stream.
func (s *ipcStream) Schema() *arrow.Schema { return s.r.Schema() }

// Next implements engine.Stream, except that a batch is as long as the file made it.
func (s *ipcStream) Next(ctx context.Context) (rec arrow.Record, err error) {
	if err := canceled(ctx, "table.Next"); err != nil {
		return nil, err
	}
	if !s.r.Next() {
		if err := s.r.Err(); err != nil {
			return nil, damaged(err)
		}
		return nil, io.EOF
	}
	rec = s.r.Record()
	rec.Retain() // the reader lets go of it on the next call
	return rec, nil
}

// Close implements engine.Stream.
func (s *ipcStream) Close() error {
	s.r.Release()
	s.file.Close() // read only: nothing can be lost
	return nil
}

// damaged gives an error of the IPC reader its code: what is not a fault and not the disk's is the file's.
func damaged(err error) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return unreadable(err)
	}
	return fault.Wrap(fault.Corrupt, "table.Next", err, "the Arrow file is damaged or cut short")
}

// messages cuts a file into IPC messages. It allocates what is there: a length beyond the file's end, or beyond the
// bounds of this package, is refused first.
type messages struct {
	r    io.Reader
	left int64 // bytes not read yet

	begun bool // the first message, the schema, has been read
}

// newMessages tells the file form, which brackets a stream between magic and footer, from the bare stream. The footer
// repeats what the stream says and is not used, except that the stream ends where it begins.
func newMessages(f *os.File) (*messages, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, unreadable(err)
	}
	size := info.Size()
	if size == 0 {
		return nil, fault.New(fault.Invalid, "table.Open", "the file is empty: an Arrow schema is expected")
	}
	head := make([]byte, 8) // the magic, padded
	if n, _ := f.ReadAt(head, 0); n < len(head) || !bytes.HasPrefix(head, ipc.Magic) {
		return &messages{r: f, left: size}, nil
	}
	tail := make([]byte, 4+len(ipc.Magic)) // length of the footer, magic
	_, err = f.ReadAt(tail, max(0, size-int64(len(tail))))
	left := size - int64(len(head)) - int64(len(tail)) - int64(binary.LittleEndian.Uint32(tail))
	if err != nil || !bytes.Equal(tail[4:], ipc.Magic) || left < 0 {
		return nil, fault.New(fault.Corrupt, "table.Open", "the Arrow file is cut short: its footer is missing")
	}
	if _, err := f.Seek(int64(len(head)), io.SeekStart); err != nil {
		return nil, unreadable(err)
	}
	return &messages{r: io.LimitReader(f, left), left: left}, nil
}

// Message implements ipc.MessageReader. Apache Arrow columnar format, "Encapsulated message format": continuation
// 0xFFFFFFFF, i32 metadata length, metadata, body; a zero length ends the stream. Before 0.15 there was no
// continuation.
func (m *messages) Message() (*ipc.Message, error) {
	if m.left == 0 {
		return nil, io.EOF // the mark of the end is optional
	}
	head, err := m.u32()
	if err == nil && head == 0xFFFFFFFF {
		head, err = m.u32()
	}
	if err != nil {
		return nil, cut(err)
	}
	if head == 0 {
		return nil, io.EOF
	}
	meta, err := m.take(int64(head), MaxMetadataBytes, "MaxMetadataBytes")
	if err != nil {
		return nil, err
	}
	if !m.begun {
		m.begun = true
		if err := checkSchema(meta); err != nil {
			return nil, err
		}
	}
	n := ipc.NewMessage(memory.NewBufferBytes(meta), memory.NewBufferBytes(nil)).BodyLen()
	body, err := m.take(n, MaxMessageBytes, "MaxMessageBytes")
	if err != nil {
		return nil, err
	}
	return ipc.NewMessage(memory.NewBufferBytes(meta), memory.NewBufferBytes(body)), nil
}

// Retain implements ipc.MessageReader; there is nothing to count.
func (m *messages) Retain() {}

// Release implements ipc.MessageReader; messages are garbage-collected.
func (m *messages) Release() {}

func (m *messages) u32() (uint32, error) {
	var b [4]byte
	n, err := io.ReadFull(m.r, b[:])
	m.left -= int64(n)
	return binary.LittleEndian.Uint32(b[:]), err
}

func (m *messages) take(n, bound int64, name string) ([]byte, error) {
	if n < 0 || n > m.left {
		return nil, cut(nil)
	}
	if n > bound {
		return nil, fault.New(fault.LimitExceeded, "table.Next", "%s: an Arrow message part of %d bytes, at most %d", name, n, bound)
	}
	b := make([]byte, n)
	k, err := io.ReadFull(m.r, b)
	m.left -= int64(k)
	if err != nil {
		return nil, cut(err)
	}
	return b, nil
}

// cut is the fault of a file that ends inside a message. It does not wrap io.EOF, which the IPC reader takes for a
// regular end.
func cut(err error) error {
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return unreadable(err)
	}
	return fault.New(fault.Corrupt, "table.Next", "the Arrow file is damaged or cut short")
}
