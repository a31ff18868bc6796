// Package psibench measures set intersection: `tacit bench`. It has two measures, which are never mixed.
//
//	end to end  two processes of the tacit binary on loopback, each reading a CSV file of 66-byte keys and writing the rows
//	            that match; over TLS or plain TCP, through an emulated network or none
//	core        one process, both parties over memory with a thread each, items hashed before the clock starts
//
// What a protocol does once per set and not once per run, such as the tags of psi/oprf, is a set-up: it is measured apart, in
// processes of its own, and used by every run of a Bench.
//
// CPU seconds are of both parties together and are the metric for regressions: wall times change with the machine's load. Every
// run is checked: the rows that both parties write are compared with the intersection that the generator of the files put
// there.
package psibench
