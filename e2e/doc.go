// Package e2e tests Faultline as its users meet it: the whole program, its
// plugins as processes of their own, and a data directory on disk. It holds
// tests only.
//
// The scenarios are the scripts in testdata/script, for the commands see
// [testscript] and below. A script plays with a server and with plugins, mostly
// testdata/plugin/rack.py, which reports what a text file says.
//
//	serve ARG...              start a server on $WORK/data, and set FAULTLINE_SERVER
//	stop                      end it as an operator does, and want exit code 0
//	crash                     kill -9 the server
//	fails CODE ARG...         run faultline, and want an exit code and one line of error
//	logs REGEXP               wait for a line of the server's log since its start; ! wants none so far
//	until REGEXP CMD ARG...   run a client command again and again until its output matches
//	untiljson PATH WANT CMD ARG...   the same with -o json, until the value at the path is WANT
//	json FILE PATH WANT       want a value in a JSON file, such as stdout
//	jsonset VAR FILE PATH     set a variable to such a value
//	textset VAR FILE          set a variable to what a file holds
//	state FILE                let $WORK/state, the state of a rack, be the content of FILE
//	pids PLUGIN               remember the processes of a plugin of the server
//	kill9 PLUGIN              kill -9 a plugin of the server
//	gone                      wait until all remembered processes are gone
//	untilfile REGEXP FILE     wait until a file matches
//	http STATUS METHOD PATH [BODY]   make a request below /api/v1, and want a status;
//	                          -ca=FILE, -token=TOKEN and -h=NAME:VALUE may stand before it
//	gobuild FILE PACKAGE      build a Go program
//	secretfree TEXT           want the text nowhere in $WORK/data and in the server's log
//	certificate               make cert.pem and key.pem for 127.0.0.1
//	postgres VAR              set a variable to the address of an empty PostgreSQL database
//	array ARG...              start a simulated disk array, and set ARRAY to its address
//	fault TEXT                let a fault strike the array
//	goenv                     let scripts run go with the tester's caches
//	runner NAME ARG...        start a runner with its data in $WORK/NAME, for the server, or for $NETWORK if that is set;
//	                          $RUNNER_TOKEN is its token
//	register HOST             register a host at the server, or at $NETWORK; its agent's data is in $WORK/HOST
//	agent HOST ARG...         start the agent of a registered host
//	stoprunner NAME           end a runner or agent as an operator does, and want exit code 0
//	crashrunner NAME          kill -9 a runner or agent
//	runnerlogs NAME REGEXP    as logs, for a runner or agent
//	network                   set NETWORK to an address that leads to the server, also to one that is started later
//	cut, mend                 cut the network, so that nothing passes and nobody is told; mend it
//	machine NAME [IP]         start a machine behind a real sshd, with its / in $MACHINE and stand-ins for its programs in
//	                          $MACHINE_BIN; the settings FAULTLINE_SSH_... let a server install the agent there
//	service VERB              have systemctl there do something with the agent's service; crash is kill -9
//	machinefails [VERB]       let a verb of its systemctl fail, or none
//	untouched                 want nothing of an agent there
//	redfish DIR               serve a folder of index.json files as a Redfish service, and set REDFISH
//
// Everything that waits gives up after 20 s, or what -within says (until,
// untiljson, logs, gone and untilfile have it as their first argument).
//
// A WANT between slashes is a regular expression. A PATH is made of names,
// such as items[0].attributes.size.value; in brackets stands an index, a choice
// such as [name=Drive A1], a quoted name, or * for all; len() at the end is how
// many there are, keys() their names.
//
// [testscript]: https://pkg.go.dev/github.com/rogpeppe/go-internal/testscript
package e2e
