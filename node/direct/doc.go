// Package direct connects two parties that have no coordinator: one of them prints an invite, the other dials it, and what
// both get is one protocols.Conn over one TLS 1.3 connection.
//
//	inviter  Listen ── Invite ("tacit-psi1:…", handed over by hand) ──▶  Dial  guest
//	         Accept ◀────────── TLS 1.3, both with a certificate ─────────▶
//	                ◀────────── hello: HMAC(secret, exporter ‖ own certificate), name
//	                hello: HMAC(secret, exporter ‖ own certificate), name ─▶
//	         Conn   ◀────────── frames ───────────────────────────────────▶  Conn
//
// # Security
//
// The guest pins the inviter's certificate, whose digest is in the invite. The inviter knows nothing of the guest but that it
// holds the invite's secret: the first guest that proves so is pinned by its certificate, and every other one is refused from
// then on. Hence whoever gets hold of an unused invite can take the guest's place: hand it over as one hands over a password.
// A guest that comes back with the same identity, after a crash for example, is let in again. The proof covers the TLS
// exporter, so that it is worth nothing on another connection. Names and addresses in certificates are ignored, and so is
// their term: an invite ends when its listener does.
//
// # Frames
//
//	0 kind u8 | 1 length u24 | 4 payload
//	kinds: 1 DATA  2 BEAT  3 CLOSE (one byte: a fault code)  4 CLOSED
//
// Integers are big-endian. CLOSE is the last frame of its sender; CLOSED answers it, so that a side that has sent its last
// message knows when the peer holds everything and the connection can go. A BEAT is sent when nothing else was for a while.
//
// # Limits
//
// A message has at most protocols.MaxMessage bytes, checked before anything is allocated. A connection that breaks is not
// resumed: pending calls fail, and the caller accepts or dials anew. Of a peer nothing is heard for Config.Idle: fault.Timeout.
// While this side does not receive, TCP holds the peer back and the idle clock stands still; a Send of which the peer takes no
// byte for Config.Stall fails as well.
package direct
