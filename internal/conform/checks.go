package conform

import "context"

// check is one rule, or a few that fail for one reason.
type check struct {
	name   string
	holds  string
	rule   string
	advice string
	basis  bool // others build on it
	scans  bool // it needs a root that can be scanned
	run    func(*bench, context.Context) verdict
}

// checks are made in this order. Those that watch the whole run come last.
var checks = []check{
	{
		name: "handshake", basis: true, run: (*bench).handshake,
		holds:  "the plugin starts, picks a protocol version and declares its classes",
		rule:   "protocol/SPEC.md, section 2",
		advice: "see `faultline plugin validate` for what is wrong with declarations; a plugin in a language of its own must answer initialize with protocol, plugin, sdk and manifest",
	},
	{
		name: "scan", basis: true, run: (*bench).scan,
		holds:  "the given root can be scanned and updated",
		rule:   "guide, Plugin.initial_scan and Plugin.update_scan",
		advice: "check the root's attributes (--set) and that its hardware answers; `faultline plugin run` shows the same scan with the plugin's log",
	},
	{
		name: "stable-identities", scans: true, run: (*bench).stableIdentities,
		holds:  "two sessions report the same identities",
		rule:   "guide, \"Identifiers\"",
		advice: "identify resources by what stays the same (serial numbers, WWIDs, slots), not by the order or the time of a report; if the hardware did change meanwhile, use --live",
	},
	{
		name: "quiet-update", scans: true, run: (*bench).quietUpdate,
		holds:  "an update of hardware that stayed as it is sends no change",
		rule:   "protocol/SPEC.md, section 5",
		advice: "send changed attributes only; make what changes all the time a statistic; if the hardware itself changes, use --live",
	},
	{
		name: "complete-scan", scans: true, run: (*bench).completeScan,
		holds:  "an initial scan reports all that an earlier session knew after its updates",
		rule:   "guide, Plugin.initial_scan",
		advice: "report everything in initial_scan too: what it lacks, the server deletes",
	},
	{
		name: "removal", scans: true, run: (*bench).removal,
		holds:  "what an update removes is gone, and the next initial scan does not report it",
		rule:   "guide, Plugin.remove",
		advice: "remove a resource only if the hardware has lost it, and forget it then",
	},
	{
		name: "error-codes", run: (*bench).errorCodes,
		holds:  "calls that break the life cycle of a session get the errors of the protocol",
		rule:   "protocol/SPEC.md, sections 4 and 6",
		advice: "keep the open sessions by id and what state each is in; the SDKs do",
	},
	{
		name: "unknown-messages", scans: true, run: (*bench).unknownMessages,
		holds:  "unknown notifications and fields are ignored, and an unknown method is answered with -32601",
		rule:   "protocol/SPEC.md, section 3",
		advice: "never fail for a field or method that you do not know: a newer host may send it",
	},
	{
		name: "deleted", scans: true, run: (*bench).deleted,
		holds:  "a resource that the host deleted from outside does not upset the session",
		rule:   "protocol/SPEC.md, section 5",
		advice: "on session/deleted report the resources that you still have under new handles, or ignore it",
	},
	{
		name: "unreachable", scans: true, run: (*bench).unreachable,
		holds:  "a root at which nothing answers is an error of the scan, in time and without a crash",
		rule:   "guide, Plugin.initial_scan",
		advice: "raise or return the error of the connection, and give connections a timeout: an initial scan that succeeds without the hardware deletes everything; name an address where nothing answers with --unreachable if the one tried here is none",
	},
	{
		name: "failed-scan", scans: true, run: (*bench).failedScan,
		holds:  "an initial scan that fails sends no last part of a batch, can be torn down, and leaves other sessions alone",
		rule:   "protocol/SPEC.md, sections 4 and 5",
		advice: "send the last part of an initial scan after it succeeded; teardown must free what there is by then",
	},
	{
		name: "cancel", scans: true, run: (*bench).cancel,
		holds:  "a session that is torn down while its hook runs ends after the hook, and the root can be scanned anew",
		rule:   "protocol/SPEC.md, section 4; guide, Plugin.teardown",
		advice: "queue the calls of one session, and run teardown after the hook that runs",
	},
	{
		name: "parallel", scans: true, run: (*bench).parallel,
		holds:  "many sessions at once report what one alone reports",
		rule:   "protocol/SPEC.md, section 4",
		advice: "keep state in the plugin instance, not in globals or class attributes, and guard what sessions share",
	},
	{
		name: "leaks", scans: true, run: (*bench).leaks,
		holds:  "sessions leave no memory, descriptors or threads behind",
		rule:   "guide, Plugin.teardown",
		advice: "close connections and end threads in teardown, and keep nothing of a session in globals; --max-growth sets how much memory a session may leave",
	},
	{
		name: "cost", scans: true, run: (*bench).cost,
		holds:  "time and memory of scans keep the given bounds",
		rule:   "the bounds given with --max-scan and --max-memory",
		advice: "ask the hardware for many objects at once, and for what changed only",
	},
	{
		name: "shutdown", scans: true, run: (*bench).shutdown,
		holds:  "shutdown is answered and ends the process with status 0, also while a hook runs",
		rule:   "protocol/SPEC.md, section 4",
		advice: "tear every session down, answer, and exit; threads of your own must not keep the process",
	},
	{
		name: "hangup", scans: true, run: (*bench).hangup,
		holds:  "the end of standard input ends the process within 5 s, also while a hook runs",
		rule:   "protocol/SPEC.md, section 1",
		advice: "read standard input on a thread of its own, and do not let a hook keep the process",
	},
	{
		name: "teardown", scans: true, run: (*bench).teardown,
		holds:  "teardown is always answered, ends the session, and nothing is sent of it afterwards",
		rule:   "protocol/SPEC.md, section 4; guide, Plugin.teardown",
		advice: "end the threads of a session in teardown before you answer; tearing down what is not open is no error",
	},
	{
		name: "secrets", run: (*bench).secrets,
		holds:  "no password is in logs, batches, errors or anything else that the plugin writes",
		rule:   "protocol/SPEC.md, section 6",
		advice: "do not log the root or its attributes as a whole, and keep passwords out of URLs and the messages of errors",
	},
	{
		name: "stdout", run: (*bench).stdout,
		holds:  "every line on standard output is a message",
		rule:   "protocol/SPEC.md, section 1",
		advice: "write to the log or to standard error; the SDKs lead what is printed to the log",
	},
	{
		name: "batches", run: (*bench).batches,
		holds:  "batches keep the rules of turns, parts, handles and references",
		rule:   "protocol/SPEC.md, section 5",
		advice: "number turns from 1 and parts from 0 in each session, and use a handle only between its put and its remove",
	},
	{
		name: "no-cycles", run: (*bench).noCycles,
		holds:  "neither parents nor references lead back to where they began",
		rule:   "guide, \"Relationships\" and \"ResourceReference\"",
		advice: "a parent is what breaks the child, never the other way round; of two resources that name each other, let one do it",
	},
	{
		name: "accepted", scans: true, run: (*bench).accepted,
		holds:  "a server takes what the plugin reports",
		rule:   "protocol/SPEC.md, section 5",
		advice: "the server checks every value against what the class declares; send what is declared",
	},
}

// do makes a check, unless there is nothing to make it with.
func (b *bench) do(ctx context.Context, c check) verdict {
	switch {
	case c.name == "handshake":
	case b.failed["handshake"]:
		return skipped("the plugin does not start: see handshake")
	case c.scans && b.failed["scan"]:
		return skipped("the root cannot be scanned: see scan")
	}
	return c.run(b, ctx)
}
