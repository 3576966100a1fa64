//go:build !unix || solaris || illumos || aix

package stdio

import "os"

// CaptureStdout returns the real standard output, for the protocol, and what is
// printed from now on. Where descriptors cannot be redirected, only prints
// through os.Stdout are caught.
func CaptureStdout() (*os.File, *Prints, error) {
	p, err := newPrints()
	if err != nil {
		return nil, nil, err
	}
	out := os.Stdout
	os.Stdout = p.w
	return out, p, nil
}
