package link

import (
	"io"

	"google.golang.org/grpc/mem"

	"github.com/tacit-data/tacit/api/fault"
)

// codec carries frames through gRPC as they are: header and payload become two buffers without being joined, and an
// incoming payload is copied once, out of the transport's buffers. It is forced on both ends, never registered.
type codec struct{}

// Name is part of the content type.
func (codec) Name() string { return "tacit-frame" }

// Marshal implements encoding.CodecV2 for *frame.
func (codec) Marshal(v any) (mem.BufferSlice, error) {
	f, ok := v.(*frame)
	if !ok {
		return nil, fault.New(fault.Internal, "link.codec", "not a frame")
	}
	out := mem.BufferSlice{mem.SliceBuffer(f.header())}
	switch {
	case f.body != nil:
		out = append(out, f.body)
	case len(f.payload) > 0:
		out = append(out, mem.SliceBuffer(f.payload))
	}
	return out, nil
}

// Unmarshal implements encoding.CodecV2. A malformed frame is reported in the frame, with its fault, and not through
// gRPC, which would keep only the text.
func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	f, ok := v.(*frame)
	if !ok {
		return fault.New(fault.Internal, "link.codec", "not a frame")
	}
	got, err := decodeFrame(data)
	got.err = err
	*f = got
	return nil
}

func decodeFrame(data mem.BufferSlice) (frame, error) {
	total := data.Len()
	r := data.Reader()
	defer func() { _ = r.Close() }()
	var h [headerBytes]byte
	n, _ := io.ReadFull(r, h[:])
	f, err := parseHeader(h[:n], total)
	if err != nil {
		return frame{}, err
	}
	f.payload = make([]byte, total-headerBytes) // present, and bounded by gRPC's own limit
	if _, err := io.ReadFull(r, f.payload); err != nil {
		err = fault.Wrap(fault.Internal, "link.codec", err, "a frame's buffers are shorter than their length")
		return frame{}, err
	}
	err = f.verify(h[:])
	return f, err
}
