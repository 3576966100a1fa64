// Command docgen copies snippets of code into Markdown files. A page names the
// file, relative to itself, and the region if it does not want all of it:
//
//	<!-- snippet: snippets/first/first.py#scan -->
//	```python
//	what docgen wrote last time
//	```
//
// A region begins with a comment "region NAME" and ends with a comment
// "endregion", each on a line of its own. Indentation that all its lines share
// is taken away.
//
//	docgen FOLDER
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: docgen FOLDER")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "docgen:", err)
		os.Exit(1)
	}
}

// write brings the snippets of every page below a folder up to date.
func write(folder string) error {
	pages, err := pages(folder)
	if err != nil {
		return err
	}
	for _, page := range pages {
		old, fresh, err := render(page)
		if err != nil {
			return err
		}
		if old != fresh {
			if err := os.WriteFile(page, []byte(fresh), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
