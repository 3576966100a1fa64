// Package metrics keeps the samples of statistics in memory: the latest of each
// series and, within a bound on all memory, a few before it; and it says what
// series are called, which labels they have, and which buckets histograms. A series
// is one statistic of one resource and ends with the resource. A restart starts
// empty.
//
// A server keeps only the latest here, for lists of resources, and all samples in
// package history; plugin run, which ends soon, has them all here.
package metrics
