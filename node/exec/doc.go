// Package exec runs one party's slice of a job: a table from op to runner, a gate before each step and a meter after.
//
// It is the only place that sees data (engine), peers (protocols) and policy's outcome together. A runner first does
// what it can alone — read, canonicalise, check — and only then opens the session: a bad input is found before anything
// is charged or sent. Opening the session spends its binding durably, once; the same binding is never opened again.
//
// A step's result is sealed (written to a temporary file, synced, renamed, its directory synced) before the party votes.
// The outcome of an attempt is a function of the signed votes alone.
package exec
