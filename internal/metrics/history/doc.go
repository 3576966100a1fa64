// Package history keeps the samples of statistics in an embedded Prometheus
// time-series database, for as long as the operator wants, and reads them back:
// sample by sample, in even steps for charts, and by PromQL.
//
// A series is one statistic of one resource. What it is called and which labels
// it has stands in docs/decisions/0027-statistics.md. Counters and gauges are
// floats; a BytesHistogram is a native histogram with the declared bins as its
// custom buckets.
//
// No other package knows that database, but for promapi, which serves its API.
package history
