// Package metrics keeps the samples of statistics.
//
// For now it keeps them in memory: the latest sample of each series and, within
// a bound on all memory, a few before it. A series is one statistic of one
// resource and ends with the resource. A restart starts empty. The embedded
// time-series database takes this place later, behind the same methods.
package metrics
