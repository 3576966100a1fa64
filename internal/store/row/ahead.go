package row

import "errors"

const (
	// aheadRows is how many rows go from the reader to the user at once: one by one,
	// the hand-over would cost more than it saves.
	aheadRows = 256
	// aheadChunks is how many of those may wait.
	aheadChunks = 4
)

// errEnough stops a reader whose rows are no longer wanted.
var errEnough = errors.New("no more rows are wanted")

// Ahead calls use with all that read yields, in order, while read, on a goroutine of
// its own, is at the rows that follow: to decode a row takes as long as to do
// something with it. It returns when both are done, with the first error of use,
// or else that of read. read must return the errors of yield.
func Ahead[T any](read func(yield func(T) error) error, use func(T) error) error {
	chunks := make(chan []T, aheadChunks)
	enough := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		defer close(chunks)
		var chunk []T
		hand := func() error {
			select {
			case chunks <- chunk:
				chunk = make([]T, 0, aheadRows)
				return nil
			case <-enough:
				return errEnough
			}
		}
		err := read(func(row T) error {
			if chunk = append(chunk, row); len(chunk) < aheadRows {
				return nil
			}
			return hand()
		})
		// What came before an error is used, as it would be without a goroutine.
		if herr := hand(); err == nil {
			err = herr
		}
		ended <- err
	}()
	var failed error
	for chunk := range chunks {
		for i := range chunk {
			if failed = use(chunk[i]); failed != nil {
				break
			}
		}
		if failed != nil {
			close(enough)
			break
		}
	}
	err := <-ended
	if failed != nil {
		return failed
	}
	return err
}
