// Package skeleton writes new plugins: small ones that work, with tests, for
// authors to change. The files stand in the folders go, python and both as
// templates, between [[ and ]]; they are what an author reads first, so they show
// one of everything that most plugins need.
package skeleton
