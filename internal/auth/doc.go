// Package auth keeps what a client must show to be let in: the tokens of users
// and programs, the certificate of the server, and the authority by whose
// certificates agents speak for their hosts. Tokens of the API and of runners are in
// a file of the data directory; what is known of agents is in the store.
//
// A token is a random secret of 256 bits that is shown once, when it is made.
// Its SHA-256 is kept, which is enough for a secret that nobody chose: it
// cannot be guessed, so there is nothing that a slow hash would slow down.
package auth
