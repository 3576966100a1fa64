// Package archtest keeps the architecture (ARCHITECTURE.md) as tests: which
// package may import which, what only one package may use, and what stages must
// not call. It has no code of its own.
//
// A test that fails here names the rule and its reason. If the rule is wrong,
// change it here and in ARCHITECTURE.md in the same commit, and say why.
package archtest
