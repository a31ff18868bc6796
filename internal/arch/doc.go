// Package arch holds tests that the project's structure is what its design says: who may import whom, which doors lead
// to third parties, which constructs may not appear. Every failure names the offending file.
package arch
