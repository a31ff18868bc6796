package main

import "github.com/tacit-data/tacit/api/fault"

// advice is what a person reads about a code: what the party that failed did, and what to do next.
type advice struct{ did, do string }

// advices has a row for every code.
var advices = map[fault.Code]advice{
	fault.Internal:        {"hit a bug", "report it with the log of that party; trying again rarely helps"},
	fault.Invalid:         {"did not accept the request", "correct what the cause names and try again"},
	fault.NotFound:        {"did not find it", "list what there is (data list, job list, grant list) and check the name"},
	fault.Exists:          {"has another one of that name", "choose another name or request id, or use what is there"},
	fault.Unauthenticated: {"could not verify who asks", "check the directory (--dir) and its api.token; between nodes: invite and approve again"},
	fault.Denied:          {"refused", "ask that party for a grant that covers it, or change the job to stay inside the grant"},
	fault.Expired:         {"says that the term is over", "ask for a new grant or agreement with a later end"},
	fault.SchemaMismatch:  {"found data of another form than declared", "compare the file with data list; register the changed file as a new version"},
	fault.PlanMismatch:    {"found another plan than the one approved", "plan again (job plan) and compare; a dataset or a version changed in between"},
	fault.BudgetExhausted: {"has no budget left for this", "ask the owner for a new grant; see what is left: grant list"},
	fault.LimitExceeded:   {"hit a bound", "make the job smaller than the bound the cause names"},
	fault.Precision:       {"cannot compute this precisely enough", "scale or clip the columns, or ask for fewer rows, as the cause says"},
	fault.Misbehaved:      {"caught a wrong message", "do not retry; talk to the party named, with both logs at hand"},
	fault.PeerAborted:     {"was left alone by a peer", "ask that party why it stopped, then submit again"},
	fault.Unavailable:     {"is not there", "start it (tacit serve) or restore the connection, then try again"},
	fault.Timeout:         {"saw no progress for too long", "check the link (peer list) and the load of both nodes, then try again"},
	fault.Canceled:        {"was asked to stop", "submit again when it is wanted"},
	fault.Corrupt:         {"found damaged bytes", "restore what the cause names from a good copy; the node's own directory while it is stopped"},
	fault.Unsupported:     {"does not have this built", "use a version that has it, or another op, protocol or option"},
}
