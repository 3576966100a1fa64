// Package sqlite keeps the inventory and the alerts in one SQLite file. What
// its methods promise is tested by storetest, for every engine alike.
//
// # The file
//
// migration/ holds the schema; its comments say what the columns mean. The
// journal is a write-ahead log and synchronous=FULL: a commit that was
// acknowledged survives kill -9 and a loss of power. The files have mode 0600,
// because attributes may hold sealed secrets.
//
// # Concurrency
//
// All writes go through one connection, one transaction at a time; reads have
// a pool of their own and see the last commit. A lock file next to the
// database keeps a second server out.
//
// # Speed
//
// Rows are written 100 a statement through prepared statements, the fastest
// way that the engine has. Secondary indexes exist only where a rule or a
// query of the server needs them.
package sqlite
