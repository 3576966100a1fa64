// Package dump is the file format of a backup. It does not depend on the engine,
// so a backup of one restores into another.
//
// # The file
//
// A backup is lines of JSON, compressed by gzip and, if it is encrypted, sealed
// by age. The first line is the Header. Then comes each table: a line with its
// name and columns, and a line for each row, an array of the values in the
// order of the columns. A value is an integer, a text, null, or bytes as
// {"b64":"..."}. The last line counts the rows and has the SHA-256 of all lines
// before it, so that a file that is cut off or damaged is told from a whole one:
//
//	{"faultline_backup":1,"schema":5,"created":"2026-03-04T05:06:07Z","program":"1.2.0","engine":"SQLite"}
//	{"table":"edge","columns":["child","parent","roots"]}
//	[2,1,"[1]"]
//	{"end":{"rows":1,"sha256":"9f86d0..."}}
//
// Tables come by name, columns by name and rows by primary key: equal contents
// make equal lines. Schema is the number of the last migration, which both
// engines share; an older one is restored at that number and then migrated.
//
// # Secrets
//
// The passwords of controllers stand in the tables as they do in the database,
// sealed. The key that opens them is in the header of an encrypted backup, and
// never in another one.
package dump

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Format is the version of the file format that this program writes, and the
// newest that it reads.
const Format = 1

// Header is the first line of a backup.
type Header struct {
	Format  int       `json:"faultline_backup"`
	Schema  int64     `json:"schema"` // number of the last migration
	Created time.Time `json:"created"`
	Program string    `json:"program"` // version of the program that wrote it
	Engine  string    `json:"engine"`  // that it was taken from, for people
	// Key is the content of the server's key file; only in encrypted backups.
	Key string `json:"key,omitempty"`
}

// ErrDamaged says that a file is not a whole backup. Nothing can be restored
// from it.
var ErrDamaged = errors.New("the file is damaged or no backup")

// ErrNewer says that a newer version of the program wrote the backup.
var ErrNewer = errors.New("a newer version of Faultline wrote it; restore it with that one")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// Item is the beginning of a table, or a row of the table that began last.
type Item struct {
	Table   string   // of a beginning
	Columns []string // of a beginning
	// Values are those of a row: int64, string, []byte or nil.
	Values []any
}

type tableLine struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
}

type endLine struct {
	End *ending `json:"end"`
}

type ending struct {
	Rows   int    `json:"rows"`
	SHA256 string `json:"sha256"`
}

// blob is bytes as a value.
type blob struct {
	B64 []byte `json:"b64"`
}

func appendValue(b []byte, v any) ([]byte, error) {
	switch x := v.(type) {
	case []byte:
		v = blob{x}
	case int64, string, nil:
	default:
		return nil, fmt.Errorf("a %T is no value of a backup", v)
	}
	j, err := json.Marshal(v)
	return append(b, j...), err
}
