package row_test

import (
	"errors"
	"testing"

	"github.com/faultline-storage/faultline/internal/store/row"
)

func TestAhead(t *testing.T) {
	t.Parallel()
	broken, refused := errors.New("the table is broken"), errors.New("the row is refused")
	for _, tc := range []struct {
		name       string
		rows       int
		breaks     bool // the reader, after its rows
		refuse     int  // the row that is refused, from 1; 0 for none
		used       int
		want       error
		stopsEarly bool // the reader does not get to the end
	}{
		{"nothing", 0, false, 0, 0, nil, false},
		{"one", 1, false, 0, 1, nil, false},
		{"a chunk", 256, false, 0, 256, nil, false},
		{"many", 10_001, false, 0, 10_001, nil, false},
		{"the reader fails", 300, true, 0, 300, broken, false},
		{"the reader fails at once", 0, true, 0, 0, broken, false},
		{"a row is refused", 1_000_000, false, 700, 700, refused, true},
		{"the last row is refused, and the reader fails", 300, true, 300, 300, refused, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			read, used := 0, 0
			err := row.Ahead(func(yield func(int) error) error {
				for i := range tc.rows {
					if err := yield(i); err != nil {
						return err
					}
					read++
				}
				if tc.breaks {
					return broken
				}
				return nil
			}, func(i int) error {
				if i != used {
					t.Fatalf("row %d was used after %d others", i, used)
				}
				if used++; used == tc.refuse {
					return refused
				}
				return nil
			})
			if !errors.Is(err, tc.want) || (tc.want == nil) != (err == nil) {
				t.Errorf("the error is %v, want %v", err, tc.want)
			}
			if used != tc.used {
				t.Errorf("%d rows were used, want %d", used, tc.used)
			}
			if early := read < tc.rows; early != tc.stopsEarly {
				t.Errorf("%d of %d rows were read", read, tc.rows)
			}
		})
	}
}
