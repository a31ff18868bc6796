// Package demo shows the main job end to end: it makes sample data, starts three nodes as processes of the same binary on
// loopback, does through their user API what people do by hand, and reports what came out beside a plain twin.
//
// The only shortcuts are that every owner approves by policy alone and that demo reads the fingerprints it approves from
// both nodes. It holds both files and therefore may compute what nobody else can: the pooled twin.
package demo
