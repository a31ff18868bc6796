// Package lookup publishes a large, rarely changing set once, and lets clients with few keys ask which of theirs it holds:
// the front door of protocols/oprf, without a coordinator.
//
//	holder                                                  client
//	Publish: key, tag file and record in a directory        Query: keys of a file, duplicates collapsed
//	Serve:   opening: key rules, nonce  <---------------->  opening        a difference ends here: PlanMismatch
//	         catalog: parameters, pin   ----------------->                 is the file with this digest cached?
//	                                    <-----------------  want: the file or not, number of queries
//	         reserve, durable; verdict  ----------------->
//	         oprf.SendTags              ----------------->  oprf.ReceiveTags, only where it is not cached
//	         oprf.Serve                 <---------------->  oprf.Query
//	         commit, durable                                the matching rows, in the order of the file
//
// # The directory of a holder
//
// current names the epoch in force. epoch-X holds the secret key, the tag file, the record of what was published, and the
// ledger of evaluations. A publish makes a new epoch beside the old one, switches current by one rename and removes the
// old one: interrupted anywhere it leaves the old epoch in force. clients holds one invite per client with the pin of who
// used it. Everything is of mode 0600 in directories of mode 0700.
//
// # The ledger
//
// Invariant L1: no evaluation is sent before it is durable in the ledger, as part of a reservation. Invariant L2: used plus
// reserved of a client covers every answer it ever got in the epoch: what a process that was killed had reserved counts as used.
// Only the process that made a reservation gives back what was not evaluated.
//
// # What a party learns
//
// The holder: how many distinct keys each client asks for, when, and whether it has the tag file. A client: the number of
// distinct keys of the holder, to the next power of two the number of its usable rows, and which of its own keys the holder
// has. A client that can list all possible keys could ask for them all: the quota of a client and the life of a key bound
// that, nothing else does. A client keeps the tag file of an epoch.
//
// # Limits
//
// MaxClients clients of one holder, each on a port of its own; oprf.MaxSessionQueries keys in a run, oprf.MaxTagBuffer bytes
// of tags. A broken download begins anew.
package lookup
