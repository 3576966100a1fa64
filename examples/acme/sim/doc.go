// Package sim simulates a disk array, so that plugins, demonstrations and
// benchmarks have a storage service to talk to. An [Array] is a couplet of two
// controllers with enclosures, fans, power supplies, disks, RAID pools, LUNs
// and two paths to each LUN. It is served as JSON over HTTP; examples/acme/README.md
// describes the interface.
//
// An Array is the same for the same [Options]: identifiers, serial numbers and
// sizes depend only on the number of disks and the seed. It changes only when
// something changes it: a [Fault], a step of a running rebuild, or a statistics
// sample if Options.SampleEvery asks for samples. There is no goroutine behind
// an Array: what time has done is worked out when somebody asks.
//
// Every change gives the array a new revision, a number that only grows. A
// client that names the revision it has seen gets what changed after it.
package sim
