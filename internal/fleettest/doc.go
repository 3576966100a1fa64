// Package fleettest has simulated hosts for tests and measurements: each registers
// at a server, has a link of its own over mutual TLS as an agent has, and sends
// what a script says. Nothing of it is part of the program.
package fleettest
