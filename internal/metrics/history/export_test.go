package history

import "github.com/prometheus/prometheus/tsdb"

// TSDB gives tests the database below.
func TSDB(d *DB) *tsdb.DB { return d.db }
