// Package stdio is what all plugin processes have in common: the line to the host
// over standard input and output, the capture of what is printed, the log, and
// how errors of the author's code are told. Package plugin and package agent
// stand on it.
package stdio
