// Package meter says what a step really consumed, in units a second party can recompute, and keeps the receipts.
//
// The executing party signs a Receipt; the other parties countersign it from what they saw on their side of the wire.
// Compare finds where two sides disagree: a mismatch posts nothing and opens a dispute. Only a step that is done bills,
// once, whatever its attempts; every other step gets a receipt of zero units, so that no money stays held.
//
// CPU and wall time are reported for operators and never billed: nobody else can check them.
//
// # Limits
//
// Every counter is from 0 to 2^62. A receipt has at most MaxCountersigners countersignatures and one per party. Values
// are not changed after they are made and may be shared.
package meter
