// Package identity holds a party's keys and decides who the other end of a connection is.
//
// A party is its root key (Ed25519). The root signs three things: the node certificate that TLS presents (90 days),
// and a Card that names the party's approval key, audit key and addresses. A peer is known by the SHA-256 of its root's
// public key (Pin); names and addresses inside certificates are never compared with anything.
//
//	root ── signs ──> node certificate   presented in every TLS handshake, renewed at two thirds of its life
//	     └─ signs ──> Card{approval key, audit key, addresses}
//	approval key ──> approvals, votes, receipts, control messages (Sign, each purpose its own domain)
//	audit key    ──> checkpoints of the party's log
//
// Enrolment needs no third party: Inviter.Issue prints a token with a 128-bit secret and the inviter's pin, the joiner
// proves the secret inside TLS (bound to that very handshake), and both sides learn each other's Card. A person compares
// six words (Words) before the joiner's card is pinned.
//
// # Limits
//
// Keys lie unencrypted in files of mode 0600: whoever reads the disk as this user holds the party's identity. Sealing
// them under a passphrase or in a hardware module is not built; every use goes through crypto.Signer, so it can be. Rotation of a
// root, and post-quantum signatures beside Ed25519, are not built either. Key exchange of the node port is hybrid
// post-quantum (X25519MLKEM768) and nothing else.
package identity
