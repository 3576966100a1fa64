// Package resource is the vocabulary of Faultline: the words that every stage
// of the pipeline shares, with the rules that belong to one value alone. It
// does no I/O and imports nothing of ours.
//
// A plugin declares classes (Class); a session turns what its plugin reports
// into batches (Batch); the inventory turns a batch into a mutation (Mutation)
// that a store commits, and tells its subscribers of the changes (Changes).
//
// Values of type *Resource and *Class are immutable once another package can
// see them: a change makes a new value. So they may be kept and read without
// a lock.
package resource
