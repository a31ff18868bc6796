// Package store is the party's database: SQLite in WAL mode with synchronous=FULL, one writer, many readers.
//
// Every state change commits together with its audit leaf, its outgoing control messages and the consumed position of
// the inbox, so that a crash leaves either all of them or none. SQLite does not detect a flipped bit for us, hence
//
//   - Invariant S1: every row carries CRC32C over table ‖ key ‖ revision ‖ value, checked on each read (fault.Corrupt);
//   - Invariant S2: a change of an audited table names itself (table, key, revision, keyed digest) in a leaf of the same
//     transaction, and fold(log) = state is verified when the database opens;
//   - Invariant S3: the tree size and root of the newest commit stand in a second small file, so that a truncated WAL or
//     an old backup is noticed.
//
// Writers hand closures to one group-commit goroutine, which runs up to MaxGroup of them in one transaction, each in a
// savepoint of its own: a closure that fails rolls back alone. Nothing is answered before the commit is durable.
package store
