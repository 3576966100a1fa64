// Package auth keeps what a client must show to be let in: the tokens of users
// and programs, and the certificate of the server.
//
// A token is a random secret of 256 bits that is shown once, when it is made.
// The file holds its SHA-256, which is enough for a secret that nobody chose: it
// cannot be guessed, so there is nothing that a slow hash would slow down.
package auth
