// Package vm tests what agents find on a host, in a guest that has its own kernel
// and block devices that scripts have built a minute ago. It holds tests only,
// which skip outside of such a guest; `make test-vm` runs them in one.
//
// The scripts in guest write down what they built (guest/expect.sh says how), and
// the tests want exactly that: nothing missing, nothing more. Disks are known by
// the identifiers that they were given, never by the kernel's names, which differ
// from run to run.
package vm
