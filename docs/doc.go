// Package docs holds the documentation. There is no code in it but the snippets
// of its pages, which are whole programs that the tests build and run, and
// docgen, which copies them into the pages.
package docs

//go:generate go run ./docgen ..
