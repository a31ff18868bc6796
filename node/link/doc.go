// Package link connects two nodes: sessions for protocols, control messages and heartbeats over one mutually
// authenticated gRPC stream per pair of parties, on one port.
//
//	protocols ── Session (protocols.Conn) ─┐                                   ┌─ Session
//	node      ── Mailbox (control) ────────┤ frames ─ gRPC stream ─ TLS 1.3 ─ ┤─ Mailbox
//	node      ── Beat ─────────────────────┘                                   └─ OnBeat
//
// Both sides of a session call Link.Open with the same (job, step, attempt). The smaller party id allocates the stream and
// sends OPEN; the other answers once its own Open was called and the bindings are equal. No payload moves before.
//
// # Frames
//
//	0 kind u8 | 1 flags u8 | 2 zero u16 | 4 stream u32 | 8 seq u64 | 16 len u32 | 20 crc32c u32 | 24 payload
//
// Integers are big-endian; the checksum covers bytes 0 to 19 and the payload. On stream 0 seq is the number of a control
// message (CONTROL, from 1), the highest one consumed (ACK), or counts beats (BEAT); on others it counts DATA frames from 0, and an
// ACK carries the next one expected. Credit is counted in payload and header bytes.
//
// # Who connects
//
// Either side may dial. The larger id sends HELLO first, the smaller decides: it keeps the connection it has unless the
// peer's epoch changed, so that of two crossing connections one survives and no session on it is disturbed.
//
// # Limits
//
// A broken connection ends its sessions with fault.PeerAborted; sequence numbers and cumulative acknowledgements are on the
// wire, but unacknowledged frames are not kept and replayed on the next connection yet. Control messages do survive: they
// come from the Mailbox until acknowledged. One connection per pair; no stripes, no compression, no HTTP/1.1 fallback.
package link
