package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMountsFollowed has a server and an agent in mount namespaces of their own, one
// whose mounts are private, as without systemd and in containers, and one whose
// mounts are shared: in both a file system that is mounted is reported, and one that
// is unmounted is gone and its device free, though plugins of both ran all the time.
func TestMountsFollowed(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: mounts of a host, with -short")
	}
	if os.Geteuid() != 0 {
		t.Skip("skipped: mounts of a host; this takes root")
	}
	for _, tool := range []string{"unshare", "nsenter", "mkfs.ext4", "mount", "umount", "losetup"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("skipped: mounts of a host; this takes %s (Debian: util-linux, mount, e2fsprogs)", tool)
		}
	}
	for _, propagation := range []string{"private", "shared"} {
		t.Run(propagation, func(t *testing.T) {
			t.Parallel()
			mountsFollowed(t, propagation)
		})
	}
}

func mountsFollowed(t *testing.T, propagation string) {
	dir := t.TempDir()
	env := append(os.Environ(), "GORACE="+goRace, "XDG_CACHE_HOME="+cache)
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %q: %v: %s", name, args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	const at = "/mnt" // none of the folders whose mounts stay
	image := filepath.Join(dir, "image")
	if err := os.WriteFile(image, make([]byte, 8<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	run("mkfs.ext4", "-q", image)
	if out, err := exec.Command("unshare", "--mount", "mount", "-o", "loop,ro", image, at).CombinedOutput(); err != nil {
		t.Skipf("skipped: mounts of a host; nothing can be mounted here: %v: %s", err, out)
	}

	data, host := filepath.Join(dir, "data"), filepath.Join(dir, "host")
	server, err := start(exec.Command("unshare", "--mount", "--propagation", propagation, "sh", "-c",
		`mount -o loop,ro "$0" "$1" && exec faultline serve --data "$2" --listen 127.0.0.1:0`, image, at, data), dir, env)
	if err != nil {
		t.Fatal(err)
	}
	defer server.end()
	network := strings.Replace(server.url, "http:", "https:", 1)
	token := run("faultline", "token", "create", "oss1", "--agent", "--server", server.url)
	token = token[strings.LastIndex(token, "fla_"):]
	token, _, _ = strings.Cut(token, "\n")
	run("faultline", "agent", "register", "--server", network, "--token", token, "--name", "oss1", "--data", host)

	var log bytes.Buffer
	namespace := []string{"--target", strconv.Itoa(server.cmd.Process.Pid), "--mount"}
	agent := exec.Command("nsenter", append(namespace, "faultline", "agent", "run", "--data", host)...)
	agent.Env, agent.Stderr, agent.WaitDelay = env, &log, 20*time.Second
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = agent.Process.Signal(syscall.SIGTERM)
		_ = agent.Wait() // how it ended is not the question here
		if t.Failed() {
			t.Logf("the agent:\n%s", log.String())
		}
	}()

	mounts := func() (string, error) {
		rsp, err := http.Get(server.url + "/api/v1/resources?plugin=linux&class=LocalMount&limit=1000")
		if err != nil {
			return "", err
		}
		defer rsp.Body.Close()
		if rsp.StatusCode != http.StatusOK {
			return "", fmt.Errorf("%s", rsp.Status)
		}
		b, err := io.ReadAll(rsp.Body)
		return string(b), err
	}
	known := func(want bool) {
		t.Helper()
		await(t, patience, fmt.Sprintf("the server knows of the mount: %v", want), func() bool {
			list, err := mounts()
			return err == nil && strings.Contains(list, strconv.Quote(at)) == want
		})
	}
	inside := func(args ...string) {
		t.Helper()
		run("nsenter", append(namespace, args...)...)
	}
	if _, err := server.log.wait(patience, regexp.MustCompile(`msg="the plugin is running".* plugin=redfish`)); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if i > 0 {
			inside("mount", "-o", "loop,ro", image, at)
		}
		known(true)
		inside("umount", at)
		known(false)
		await(t, patience, "the device is free", func() bool { return run("losetup", "--associated", image) == "" })
	}
}
