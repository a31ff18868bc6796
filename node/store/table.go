package store

// Table names one kind of row. The list is closed: a table is created by a migration and never by a caller.
type Table string

// The tables. Audited ones are part of fold(log) = state.
const (
	Job        Table = "job"        // job id → state of the job machine
	Step       Table = "step"       // job/step → state of the step machine
	Vote       Table = "vote"       // job/step/attempt/party → signed vote
	Approval   Table = "approval"   // job/party → signed approval
	Binding    Table = "binding"    // session binding → step that used it; a second use is refused
	Lease      Table = "lease"      // party slot → job
	Peer       Table = "peer"       // party → pinned card
	Dataset    Table = "dataset"    // name@version → catalogue entry and local place
	Agreement  Table = "agreement"  // content id → agreement with signatures
	Grant      Table = "grant"      // id → grant with state
	Element    Table = "element"    // digest → sealed description and state
	Account    Table = "account"    // budget account → counters
	Hold       Table = "hold"       // hold key → state of the hold machine
	Receipt    Table = "receipt"    // job/step/party → receipt with countersignatures
	Book       Table = "book"       // book account → balance
	BookTx     Table = "booktx"     // idempotency key → posted transaction
	Settlement Table = "settlement" // agreement → exact entitlements and instalments
	Invoice    Table = "invoice"    // job → invoice
	Outbox     Table = "outbox"     // peer/seq → signed control message
	Inbox      Table = "inbox"      // peer → highest consumed sequence number
	PeerHead   Table = "peerhead"   // peer → newest log head it has signed
	Parked     Table = "parked"     // job/peer/seq → message of a job that is not known here yet
)

// audited lists the tables whose every change is named in a leaf. Outbox and inbox are not: their messages are signed
// and numbered, and the peer holds the other copy.
var audited = map[Table]bool{
	Job: true, Step: true, Vote: true, Approval: true, Binding: true, Lease: true,
	Peer: true, Dataset: true, Agreement: true, Grant: true, Element: true, Account: true, Hold: true,
	Receipt: true, Book: true, BookTx: true, Settlement: true, Invoice: true, Outbox: false, Inbox: false, PeerHead: false, Parked: false,
}

// tables lists every table in creation order.
var tables = [...]Table{
	Job, Step, Vote, Approval, Binding, Lease, Peer, Dataset, Agreement, Grant, Element,
	Account, Hold, Receipt, Book, BookTx, Settlement, Invoice, Outbox, Inbox, PeerHead, Parked,
}
