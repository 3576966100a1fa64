package api

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// pageCSP lets the page load its own files and nothing else. Styles may stand
// in the page, because the component library writes them there.
const pageCSP = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
	"font-src 'self' data:; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors 'none'"

// hashed is the folder of files whose name changes with their content.
const hashed = "assets/"

// servePage answers what is not the interface: the web page.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		writeProblem(w, problemOf(http.StatusMethodNotAllowed, "only files are here; the interface is at "+Prefix))
		return
	}
	if s.ui == nil {
		writeProblem(w, problemOf(http.StatusNotFound,
			"this server was built without the web page; the interface is at "+Prefix))
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", pageCSP)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	s.ui.ServeHTTP(w, r)
}

// page serves the files of a single-page application: a path that is no file
// is a place within the page.
type page struct{ files fs.FS }

func newUI(files fs.FS) http.Handler { return page{files} }

// ServeHTTP implements http.Handler.
func (p page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if !p.isFile(name) {
		// A hashed file of another build, or a file such as robots.txt: index.html
		// in its place would only hide that it is missing. Deeper paths may have
		// dots of their own, as in the name of a class.
		if strings.HasPrefix(name+"/", hashed) || path.Ext(name) != "" && !strings.Contains(name, "/") {
			http.NotFound(w, r)
			return
		}
		name = "index.html"
	}
	h := w.Header()
	if strings.HasPrefix(name, hashed) {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		h.Set("Content-Type", t)
	}
	p.serve(w, r, name)
}

// serve sends a file, or its compressed form if there is one that the client
// takes.
func (p page) serve(w http.ResponseWriter, r *http.Request, name string) {
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	for _, c := range []struct{ encoding, suffix string }{{"br", ".br"}, {"gzip", ".gz"}} {
		if accepts(r, c.encoding) && p.isFile(name+c.suffix) {
			h.Set("Content-Encoding", c.encoding)
			name += c.suffix
			break
		}
	}
	b, err := fs.ReadFile(p.files, name)
	if errors.Is(err, fs.ErrNotExist) {
		h.Del("Content-Type")
		http.Error(w, "the web page has no index.html", http.StatusNotFound)
		return
	}
	if err != nil {
		h.Del("Content-Encoding")
		http.Error(w, "the file cannot be read", http.StatusInternalServerError)
		return
	}
	var content io.ReadSeeker = bytes.NewReader(b)
	http.ServeContent(w, r, "", time.Time{}, content)
}

func (p page) isFile(name string) bool {
	if !fs.ValidPath(name) {
		return false
	}
	st, err := fs.Stat(p.files, name)
	return err == nil && st.Mode().IsRegular()
}

// accepts reports whether the client names the encoding and does not refuse it.
func accepts(r *http.Request, encoding string) bool {
	list := strings.Split(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",")
	return slices.ContainsFunc(list, func(e string) bool {
		name, params, _ := strings.Cut(e, ";")
		return strings.EqualFold(strings.TrimSpace(name), encoding) &&
			strings.TrimRight(strings.ReplaceAll(params, " ", ""), "0.") != "q="
	})
}
