//go:build unix && !solaris && !illumos && !aix

package stdio

import (
	"os"
	"syscall"
)

// CaptureStdout returns the real standard output, for the protocol, and what is
// printed from now on. Descriptor 1 itself becomes the pipe, so that C code and
// child processes are caught as well.
func CaptureStdout() (*os.File, *Prints, error) {
	p, err := newPrints()
	if err != nil {
		return nil, nil, err
	}
	syscall.ForkLock.RLock()
	fd, err := syscall.Dup(1)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, os.NewSyscallError("dup", err)
	}
	if err := dupTo(int(p.w.Fd()), 1); err != nil {
		return nil, nil, os.NewSyscallError("dup2", err)
	}
	return os.NewFile(uintptr(fd), "protocol"), p, nil
}
