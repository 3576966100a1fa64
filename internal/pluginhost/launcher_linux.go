package pluginhost

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The limits of a process can only be set from inside it, and Go runs nothing
// of ours between fork and exec. So this program is started in the place of the
// plugin's, under the name launcherName: it gives up what the plugin must not
// have and then becomes the plugin, in the same process. It is an init function,
// so that every program that links this package can do it, tests included, and
// does nothing else then.
const launcherName = "faultline-launcher"

func init() {
	if len(os.Args) == 2 && os.Args[0] == launcherName {
		obey(os.Args[1])
	}
}

// reportFD is where the launcher says what went wrong. It is closed, with
// nothing said, when the launcher has become the plugin.
const reportFD = 3

// An order is what a launcher has to do, as JSON on its command line. It holds no
// secrets: the plugin's environment is the launcher's own.
type order struct {
	Path string   `json:"path"`
	Args []string `json:"args"` // with the program's name
	Dir  string   `json:"dir,omitempty"`
	// Hide is a folder not to be seen by the plugin, but for the folders Show.
	Hide string   `json:"hide,omitempty"`
	Show []string `json:"show,omitempty"`
	// Own is a folder to give to the user.
	Own string `json:"own,omitempty"`
	// Change says to become UID, GID and Groups, and that Files must be readable
	// as such.
	Change bool     `json:"change,omitempty"`
	UID    int      `json:"uid"`
	GID    int      `json:"gid"`
	Groups []int    `json:"groups,omitempty"`
	Files  []string `json:"files,omitempty"`
	// Private keeps what the plugin writes, and its memory when it crashes, from
	// others.
	Private bool           `json:"private,omitempty"`
	Rlimits map[int]uint64 `json:"rlimits,omitempty"`
	Parent  int            `json:"parent,omitempty"` // to die with
}

// A launchFault is what a launcher could not do.
type launchFault struct {
	Op    string        `json:"op"`
	Path  string        `json:"path,omitempty"`
	Block string        `json:"block,omitempty"` // the folder or file that does not let the user pass
	Errno syscall.Errno `json:"errno,omitempty"`
	Text  string        `json:"text"`
}

// Error implements error.
func (f *launchFault) Error() string { return f.Op + " " + f.Path + ": " + f.Text }

// Unwrap returns the system's error.
func (f *launchFault) Unwrap() error {
	if f.Errno == 0 {
		return nil
	}
	return f.Errno
}

// fault describes err for the host.
func fault(op, path string, err error) *launchFault {
	f := &launchFault{Op: op, Path: path, Text: err.Error()}
	errors.As(err, &f.Errno)
	return f
}

// viaLauncher has cmd start the launcher in place of its program. The answer is
// read with readReport; the caller closes both ends.
func viaLauncher(cmd *exec.Cmd, o order) (report, theirs *os.File, err error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, nil, err
	}
	if report, theirs, err = os.Pipe(); err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	// Not os.Executable: the file may have been replaced by a newer version.
	cmd.Path, cmd.Args, cmd.Dir = "/proc/self/exe", []string{launcherName, string(text)}, "/"
	cmd.ExtraFiles = []*os.File{theirs}
	return report, theirs, nil
}

// readReport waits until the launcher has become the plugin, or says why not.
func readReport(report *os.File, within time.Duration) error {
	if err := report.SetReadDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	text, err := io.ReadAll(report)
	if err != nil {
		return fmt.Errorf("wait for the start: %w", err)
	}
	if len(text) == 0 {
		return nil
	}
	f := &launchFault{}
	if err := json.Unmarshal(text, f); err != nil {
		return fmt.Errorf("start: %s", cut(string(text), 500))
	}
	return f
}

// obey carries out an order. It does not return.
func obey(text string) {
	unix.CloseOnExec(reportFD)
	var o order
	err := json.Unmarshal([]byte(text), &o)
	if err == nil {
		err = o.carryOut()
	}
	var f *launchFault
	if !errors.As(err, &f) {
		f = fault("start", o.Path, err)
	}
	if answer, err := json.Marshal(f); err == nil {
		_, _ = os.NewFile(reportFD, "report").Write(answer) // the exit status is left, if nobody reads it
	}
	os.Exit(1)
}

// carryOut returns only if something failed. It runs on the main thread, as init
// functions do: some of what it sets is the thread's.
func (o *order) carryOut() error {
	program := -1
	if o.Change {
		program = openProgram(o.Path)
	}
	if o.Hide != "" {
		err := hide(o.Hide, o.Show, append(filepath.SplitList(os.Getenv("PATH")), o.Path, o.Dir))
		if err != nil && !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.EACCES) && !errors.Is(err, syscall.ENOSYS) {
			return fault("hide", o.Hide, err)
		}
	}
	if o.Change {
		if err := o.change(); err != nil {
			return err
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fault("forbid new privileges", "", err)
	}
	if o.Parent != 0 { // a change of user takes it back
		if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
			return fault("tie to the host", "", err)
		}
		if os.Getppid() != o.Parent {
			return fault("tie to the host", "", errors.New("the host is gone"))
		}
	}
	if o.Private {
		syscall.Umask(0o077)
		// When memory runs out, the system should choose a plugin before the server.
		_ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0) // a wish
	}
	if o.Dir != "" {
		if err := os.Chdir(o.Dir); err != nil {
			return fault("enter", o.Dir, err)
		}
	}
	for resource, limit := range o.Rlimits {
		if err := lower(resource, limit); err != nil {
			return fault("set limits of", o.Path, err)
		}
	}
	err := become(o.Path, o.Args)
	if errors.Is(err, syscall.EACCES) && program >= 0 {
		// A folder on the way is closed, and the program itself is not.
		if perr := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); perr == nil { // else /proc/self is root's
			if become(fmt.Sprintf("/proc/self/fd/%d", program), o.Args) == nil {
				return nil
			}
		}
	}
	return fault("start", o.Path, err)
}

// become is exec. A program that was written just now may still be open for
// writing in a process that is being started.
func become(path string, args []string) error {
	err := syscall.Exec(path, args, os.Environ())
	for try := 0; try < 20 && errors.Is(err, syscall.ETXTBSY); try++ {
		time.Sleep(10 * time.Millisecond)
		err = syscall.Exec(path, args, os.Environ())
	}
	return err
}

// openProgram opens a program that may lie behind folders that are closed to the
// user. A script is none: its interpreter has to find it by its name.
func openProgram(path string) int {
	f, err := os.Open(path)
	if err != nil {
		return -1
	}
	defer f.Close()
	start := make([]byte, 2)
	if _, err := io.ReadFull(f, start); err != nil || string(start) == "#!" {
		return -1
	}
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return fd
}

// change becomes the user, once it is sure that the user can read what it has
// to.
func (o *order) change() error {
	if err := syscall.Setgroups(append([]int{o.GID}, o.Groups...)); err != nil {
		return fault("become the user", "", err)
	}
	if err := syscall.Setgid(o.GID); err != nil {
		return fault("become the user", "", err)
	}
	// Only what this thread does with files is the user's for now.
	if err := unix.Setfsuid(o.UID); err != nil {
		return fault("become the user", "", err)
	}
	for _, path := range o.Files {
		if f := probe(path); f != nil {
			return f
		}
	}
	if err := unix.Setfsuid(0); err != nil {
		return fault("become the user", "", err)
	}
	if o.Own != "" {
		if err := handOver(o.Own, o.UID, o.GID); err != nil {
			return fault("give to the user", o.Own, err)
		}
	}
	if err := syscall.Setuid(o.UID); err != nil {
		return fault("become the user", "", err)
	}
	return nil
}

// opRead is the Op of a file that the user cannot read.
const opRead = "read"

// probe tries to reach and read a file or folder, and tells what is in the way. A
// path that ends with a slash needs to be reached only.
func probe(path string) *launchFault {
	try := func(name, blocks string, flags int) *launchFault {
		fd, err := unix.Open(name, flags|unix.O_CLOEXEC, 0)
		if err == nil {
			unix.Close(fd)
			return nil
		}
		f := fault(opRead, strings.TrimSuffix(path, "/"), err)
		f.Block = blocks
		return f
	}
	for i, c := range path {
		if c != '/' || i == 0 {
			continue
		}
		if f := try(path[:i]+"/.", path[:i], unix.O_PATH); f != nil {
			return f
		}
	}
	if strings.HasSuffix(path, "/") {
		return nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if f := try(path+"/.", path, unix.O_PATH); f != nil { // it must let pass as well
			return f
		}
	}
	return try(path, path, unix.O_RDONLY|unix.O_NONBLOCK)
}

// handOver makes the user the owner of a working folder. What else is in there
// goes to the user if it belongs to the folder's owner until now, and nothing
// outside is touched, whatever links a plugin made.
func handOver(folder string, uid, gid int) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	owner := func(name string) (int, error) {
		info, err := root.Lstat(name)
		if err != nil {
			return -1, err
		}
		return int(info.Sys().(*syscall.Stat_t).Uid), nil
	}
	before, err := owner(".")
	if err != nil || before == uid {
		return err
	}
	err = fs.WalkDir(root.FS(), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if who, err := owner(name); err != nil || who != before || name == "." {
			return err
		}
		return root.Lchown(name, uid, gid)
	})
	if err != nil {
		return err
	}
	return os.Lchown(folder, uid, gid) // the last, so that what was interrupted is done again
}

// lower sets a limit of this process that is not above what it has.
func lower(resource int, limit uint64) error {
	var now syscall.Rlimit
	if err := syscall.Getrlimit(resource, &now); err != nil {
		return err
	}
	limit = min(limit, now.Max)
	return syscall.Setrlimit(resource, &syscall.Rlimit{Cur: limit, Max: limit})
}
