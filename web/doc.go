// Package web is the operator's page: a React application under src, which
// `npm run build` turns into the folder dist.
//
// With the build tag embedui, dist becomes part of the program. Without it no
// Go build needs Node.js, and FS says that there is no page. The page needs
// nothing but the HTTP API and routes by path: a server answers a path that
// is no file of FS and not under /api with index.html.
package web
