// Package postgres keeps the inventory and the alerts in a PostgreSQL database.
// What its methods promise is tested by storetest, for every engine alike.
//
// # The database
//
// migration/ holds the schema; its comments say what the columns mean. The
// names of the tables are looked up in the search path of the connection, so
// that the tables may live in a schema of their own. A commit is acknowledged
// after PostgreSQL made it durable: a session that would not wait for that
// (synchronous_commit=off) is told to.
//
// # Texts
//
// PostgreSQL refuses the byte 0 and what is no UTF-8 in a text. Such bytes are
// written as U+241B and two hexadecimal digits, and U+241B itself twice; see
// escape.
//
// # Two servers
//
// One server at a time writes: the leader. It holds an advisory lock of the
// database on a connection of its own, which PostgreSQL drops with the
// connection. Each leader has a number, its epoch, which is greater than that
// of any leader before and is kept in meta; every transaction locks that row
// and checks the epoch first. So a server that was taken for dead and wakes up
// cannot write, and one that takes over waits for a commit that is under way.
// A leader that loses a connection writes no more: it cannot know whether its
// last commit happened. It has to be opened anew, which reads everything again.
//
// # Speed
//
// New rows of a large commit are sent by COPY in the binary format, straight
// into their table; others as arrays, through statements over unnest. A small
// commit takes two round trips.
package postgres
