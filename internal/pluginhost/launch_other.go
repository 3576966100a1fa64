//go:build !linux

package pluginhost

import "syscall"

// dieWithHost can do nothing here; the end of its standard input has to do.
func dieWithHost(*syscall.SysProcAttr) {}

// sealDescriptors relies on whoever started the host.
func sealDescriptors() error { return nil }

// start starts the plugin. Only its user can be chosen here.
func (c *child) start(_ Options, _ string, u *User) error {
	if u != nil {
		cred := &syscall.Credential{Uid: uint32(u.UID), Gid: uint32(u.GID)}
		for _, g := range u.Groups {
			cred.Groups = append(cred.Groups, uint32(g))
		}
		c.cmd.SysProcAttr.Credential = cred
	}
	return c.run()
}

// MountsShared has nothing to tell where nothing is hidden.
func MountsShared() bool { return true }

// blocked names what the user cannot read.
func blocked(s Spec, path string, u *User, err error) error {
	return &blockedError{plugin: s.Name, user: u.Name, path: path, block: path, err: err}
}

// A family is what a process started; here its group has to do.
type family struct{}

func newFamily(int, string, *cgroup) *family { return &family{} }
func (*family) look()                        {}
func (*family) kill()                        {}
func (*family) end()                         {}
func (*family) use() Use                     { return Use{} }

// Cgroups exist on Linux only.
type Cgroups struct{}

// FindCgroups finds none here.
func FindCgroups(string) (*Cgroups, error) { return nil, nil }

// Values of FindCgroups beside a path.
const (
	CgroupAuto = "auto"
	CgroupOff  = "off"
)

// Controllers are the limits that the kernel keeps: none.
func (*Cgroups) Controllers() []string { return nil }

type cgroup struct{}

func (*Cgroups) group(string, Limits) (*cgroup, error) { return nil, nil }
func (*cgroup) join(*syscall.SysProcAttr)              {}
func (*cgroup) killFile() string                       { return "" }
func (*cgroup) limits(string) bool                     { return false }
func (*cgroup) broken(Limits) error                    { return nil }
func (*cgroup) end()                                   {}

// MachineMemory is unknown here.
func MachineMemory() int64 { return 0 }
