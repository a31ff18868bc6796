// Package node is one party's process: keys, database, link, job machines and engine, put together and kept alive.
//
// A node's directory holds everything it is: tacit.yaml (configuration), keys, tacit.db with tacit.head (state and log),
// outputs (sealed step results) and api.token (the bearer token of the user API). Nothing else is read or written.
package node
