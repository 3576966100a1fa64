package cli

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/examples/acme"
	"github.com/faultline-storage/faultline/examples/acme/sim"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/app"
	"github.com/faultline-storage/faultline/internal/config"
)

// demoScripts are what happens to the simulated arrays.
//
//go:embed demo-1.faults demo-2.faults
var demoScripts embed.FS

// demoArray is a simulated array of the demo.
type demoArray struct {
	*sim.Array
	name, address string
	script        sim.Script
}

// demoStep is what happens to one of the arrays.
type demoStep struct {
	array *demoArray
	sim.Step
}

// demo shows the main job on two simulated disk arrays.
type demo struct {
	c    *console
	conn connection
	cl   *client

	listen, data, redfish, user, password string
	disks                                 int
	leave                                 bool // end after the script
}

func newDemo(c *console) *cobra.Command {
	d := &demo{c: c}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the main job on two simulated disk arrays and their hosts",
		Long: "Start a server, two simulated disk arrays and two simulated storage servers with a\n" +
			"Lustre file system on the first array, scan one array through a plugin in Go and\n" +
			"the other through one in Python, run a short fault script, and print what happened.\n" +
			"The page stays open until the demo is interrupted. What it keeps is dropped at its\n" +
			"end, unless --data names a folder.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return d.run(cmd.Context()) },
	}
	f := cmd.Flags()
	f.StringVar(&d.listen, "listen", "127.0.0.1:8700", "loopback `address` of the API and the page")
	f.StringVar(&d.data, "data", "", "`folder` to keep the demo's data in")
	f.IntVar(&d.disks, "disks", sim.DefaultDisks, "`number` of disks of each simulated array")
	f.StringVar(&d.redfish, "redfish", os.Getenv("FAULTLINE_DEMO_REDFISH"), "`address` of a Redfish service to scan too (env FAULTLINE_DEMO_REDFISH)")
	f.StringVar(&d.user, "redfish-user", os.Getenv("FAULTLINE_DEMO_REDFISH_USER"), "its user")
	f.BoolVar(&d.leave, "exit", false, "end after the fault script")
	return cmd
}

func (d *demo) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.password = os.Getenv("FAULTLINE_DEMO_REDFISH_PASSWORD")
	if d.data == "" {
		if d.data, err = os.MkdirTemp("", "faultline-demo-"); err != nil {
			return err
		}
		defer os.RemoveAll(d.data) //nolint:errcheck // what is left is in the system's temporary folder
	}
	arrays, stopArrays, err := d.startArrays(ctx)
	if err != nil {
		return err
	}
	defer stopArrays()
	server, err := d.startServer(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	if d.cl, err = d.conn.dial(); err != nil {
		return err
	}
	if err := d.addRoots(ctx, arrays); err != nil {
		return err
	}
	if err := d.show(ctx, "get", "resources", "--base", "ScannableResource"); err != nil {
		return err
	}
	hosts, err := d.startHosts(ctx)
	if err != nil {
		return err
	}
	defer hosts.stop()
	for _, what := range []string{"hosts", "volumes", "classes"} {
		if err := d.show(ctx, "get", what); err != nil {
			return err
		}
	}
	if err := d.faults(ctx, arrays, hosts); err != nil {
		return err
	}
	return d.end(ctx, server)
}

// say prints a line of the demo's own between the outputs of commands.
func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.c.out, "\n== "+format+"\n", args...)
}

// startArrays starts the arrays, and returns what ends them.
func (d *demo) startArrays(ctx context.Context) ([]*demoArray, func(), error) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	stop := func() { cancel(); running.Wait() }
	var arrays []*demoArray
	for _, name := range []string{"acme-1", "acme-2"} {
		a, err := d.newArray(ctx, name, &running)
		if err != nil {
			stop()
			return nil, nil, err
		}
		arrays = append(arrays, a)
	}
	return arrays, stop, nil
}

// newArray starts an array with the script of its number, that runs until the
// context ends.
func (d *demo) newArray(ctx context.Context, name string, running *sync.WaitGroup) (*demoArray, error) {
	file := "demo" + strings.TrimPrefix(name, "acme") + ".faults"
	text, err := demoScripts.ReadFile(file)
	if err != nil {
		return nil, err
	}
	script, err := sim.ParseScript(file, string(text))
	if err != nil {
		return nil, err
	}
	array, err := sim.New(sim.Options{Name: name, Seed: uint64(name[len(name)-1]), Disks: d.disks, SampleEvery: 2 * time.Second})
	if err != nil {
		return nil, misuse{err}
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	running.Go(func() {
		if err := array.Serve(ctx, ln); err != nil {
			fmt.Fprintf(d.c.err, "faultline: the simulated array %s: %v\n", name, err)
		}
	})
	a := &demoArray{Array: array, name: name, address: "http://" + ln.Addr().String(), script: script}
	d.say("A simulated array %s with %d disks is at %s", name, d.disks, a.address)
	return a, nil
}

func (d *demo) startServer(ctx context.Context) (*app.Server, error) {
	if host, _, err := net.SplitHostPort(d.listen); err != nil || !loopback(host) {
		return nil, misusef("--listen %s: the demo listens on loopback only, such as 127.0.0.1:8700", d.listen)
	}
	python, err := acme.WritePython(d.data)
	if err != nil {
		return nil, err
	}
	cfg := config.Default()
	cfg.Data, cfg.Listen = d.data, d.listen
	cfg.Plugins = []string{"builtin:acme", python, "builtin:redfish"}
	log, _, err := newLogger(d.c.err, "warn", "text")
	if err != nil {
		return nil, err
	}
	server, err := app.Start(ctx, app.Options{Config: cfg, Log: log, Version: Version})
	if err != nil {
		return nil, err
	}
	d.conn.server = "http://" + server.Addr().String()
	d.say("A Faultline server is at %s; the page is open there", d.conn.server)
	return server, nil
}

// show runs a client command and prints it first, as one would type it.
func (d *demo) show(ctx context.Context, args ...string) error {
	fmt.Fprintln(d.c.out, "\n$ faultline", strings.Join(args, " "))
	root := newRoot(d.c)
	root.SetArgs(append(args, "--server", d.conn.server))
	err := root.ExecuteContext(ctx)
	if errors.Is(err, errNotFine) { // bad news is what a demo of faults shows
		return nil
	}
	return err
}

// showSome is show for the first lines of what may be long.
func (d *demo) showSome(ctx context.Context, lines int, args ...string) error {
	var text bytes.Buffer
	whole := d.c.out
	d.c.out = &text
	err := d.show(ctx, args...)
	d.c.out = whole
	list := strings.SplitAfter(text.String(), "\n")
	if more := len(list) - lines - 1; more > 1 {
		list = append(list[:lines], fmt.Sprintf("… and %d lines more\n", more))
	}
	fmt.Fprint(d.c.out, strings.Join(list, ""))
	return err
}

func (d *demo) addRoots(ctx context.Context, arrays []*demoArray) error {
	var roots [][]string
	for i, plugin := range []string{acme.Name, acme.PythonName} {
		roots = append(roots, []string{plugin + ".Array", "url=" + arrays[i].address, "push=true"})
	}
	if d.redfish != "" {
		if u, err := url.Parse(d.redfish); err != nil || u.Host == "" {
			return misusef("--redfish %q is no address; write it as https://HOST", d.redfish)
		}
		r := []string{"redfish.Service", "url=" + d.redfish, "verify_tls=false"}
		if d.user != "" {
			r = append(r, "user="+d.user)
		}
		if d.password != "" {
			file := filepath.Join(d.data, "redfish-password")
			if err := os.WriteFile(file, []byte(d.password), 0o600); err != nil {
				return err
			}
			r = append(r, "password=@"+file)
		}
		roots = append(roots, r)
	}
	for _, r := range roots {
		plugin, class, _ := strings.Cut(r[0], ".")
		err := d.until(ctx, "plugin "+plugin+" starts", func() (bool, error) {
			c, err := d.cl.class(ctx, plugin, class)
			return c != nil, err
		})
		if err != nil {
			return err
		}
		if err := d.show(ctx, append([]string{"add"}, r...)...); err != nil {
			return err
		}
	}
	return d.until(ctx, "the first scans end", func() (bool, error) {
		list, err := d.roots(ctx)
		for _, r := range list {
			if r.Session == nil || r.Session.State == gen.Connecting {
				return false, err
			}
		}
		return len(list) >= len(roots), err
	})
}

func (d *demo) roots(ctx context.Context) ([]gen.Resource, error) {
	base := "ScannableResource"
	list, _, err := answer[gen.ResourceList](d.cl.ListResources(ctx, &gen.ListResourcesParams{Base: &base}))
	return list.Items, err
}

// until waits for something that the server can be asked about.
func (d *demo) until(ctx context.Context, what string, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("gave up waiting until %s", what)
		}
	}
}

// faults runs the scripts and prints the alerts that begin and end meanwhile.
func (d *demo) faults(ctx context.Context, arrays []*demoArray, hosts *demoHosts) error {
	d.say("A bad minute begins")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ran := make(chan error, len(arrays))
	steps := make(chan demoStep)
	for _, a := range arrays {
		go func() {
			ran <- a.Run(ctx, a.script, func(s sim.Step) {
				select {
				case steps <- demoStep{a, s}:
				case <-ctx.Done():
				}
			})
		}()
	}
	w := &alertWatch{d: d, known: map[int64]bool{}, messages: map[string]bool{}}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for left := len(arrays); left > 0; {
		select {
		case s := <-steps:
			fmt.Fprintf(d.c.out, "%6s  %s: %s\n", s.At, s.array.name, s.Fault)
			if s.array == arrays[0] { // the one that the hosts see
				hosts.follow(s.Fault)
			}
		case <-tick.C:
			if err := w.look(ctx); err != nil {
				return err
			}
		case err := <-ran:
			if err != nil {
				return err
			}
			left--
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return d.aftermath(ctx, w)
}

// aftermath lets the last step take effect, then asks the two questions.
func (d *demo) aftermath(ctx context.Context, w *alertWatch) error {
	settled := time.Now().Add(3 * time.Second) // the alerts of a silent array come with the next update scan
	err := d.until(ctx, "the hosts see what the array has lost", func() (bool, error) {
		if err := w.look(ctx); err != nil {
			return false, err
		}
		return w.seen(lostPaths) && time.Now().After(settled), nil
	})
	if err != nil {
		return err
	}
	if err := d.show(ctx, "get", "alerts", "--active", "--severity", "error", "--limit", "10"); err != nil {
		return err
	}
	systems, err := d.fileSystems(ctx)
	if err != nil || len(systems) == 0 {
		return err
	}
	if err := d.showSome(ctx, 30, "why", fmt.Sprint(systems[0].ID)); err != nil {
		return err
	}
	shelf, err := d.first(ctx, "Enclosure")
	if err != nil || shelf == nil {
		return err
	}
	return d.show(ctx, "impact", fmt.Sprint(shelf.ID), "--limit", "10")
}

// first returns the sickest resource of a class of the plugin in Go.
func (d *demo) first(ctx context.Context, class string) (*gen.Resource, error) {
	plugin, sort, limit := acme.Name, "-health", 1
	list, _, err := answer[gen.ResourceList](d.cl.ListResources(ctx, &gen.ListResourcesParams{Plugin: &plugin, Class: &class, Sort: &sort, Limit: &limit}))
	if err != nil || len(list.Items) == 0 {
		return nil, err
	}
	return &list.Items[0], nil
}

func (d *demo) end(ctx context.Context, server *app.Server) error {
	if d.leave {
		return nil
	}
	d.say("The page is open at %s until you press Ctrl-C. Commands to try:", d.conn.server)
	fmt.Fprint(d.c.out, "   faultline get resources --class Disk --health error,warning\n"+
		"   faultline get resources --base StoragePool -o yaml\n"+
		"   faultline impact acme-1\n"+
		"   faultline get volumes\n")
	select {
	case <-ctx.Done():
		return nil
	case err := <-server.Failed():
		return err
	}
}

// alertWatch prints alerts as they begin and end. Many of one kind are one
// line.
type alertWatch struct {
	d     *demo
	known map[int64]bool // whether it was active
	// messages are those of all alerts that have begun.
	messages map[string]bool
}

// lostPaths is the message of the alert that the last step of the script ends in.
const lostPaths = "All paths have failed"

// seen reports whether an alert with the message has begun.
func (w *alertWatch) seen(message string) bool { return w.messages[message] }

// news is what many alerts have in common.
type news struct{ word, severity, message, class, plugin string }

func (w *alertWatch) look(ctx context.Context) error {
	limit := 1000
	list, _, err := answer[gen.AlertList](w.d.cl.ListAlerts(ctx, &gen.ListAlertsParams{Limit: &limit}))
	if err != nil {
		return err
	}
	var order []news
	texts := map[news][]string{}
	for _, a := range slices.Backward(list.Items) { // the newest come first
		was, seen := w.known[a.ID]
		w.known[a.ID], w.messages[a.Message] = a.Active, true
		n := news{string(a.Severity), string(a.Severity), a.Message, a.Class, a.Plugin}
		switch {
		case !seen && a.Active:
		case was && !a.Active:
			n.word = "over"
		default:
			continue
		}
		if texts[n] == nil {
			order = append(order, n)
		}
		texts[n] = append(texts[n], a.Text)
	}
	for _, n := range order {
		word := n.word
		if word != "over" {
			word = w.d.c.severity(word)
		}
		text := clean(texts[n][0])
		if k := len(texts[n]); k > 1 {
			text = fmt.Sprintf("%s (%d of class %s)", clean(n.message), k, n.class)
		}
		fmt.Fprintf(w.d.c.out, "        %-8s %s [%s]\n", word+":", text, n.plugin)
	}
	return nil
}
