package cli

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/examples/acme"
	"github.com/faultline-storage/faultline/examples/acme/sim"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/app"
	"github.com/faultline-storage/faultline/internal/config"
)

// demoScript is what happens to the simulated array.
//
//go:embed demo.faults
var demoScript string

// demo shows the main job on a simulated disk array.
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
		Short: "Show the main job on a simulated disk array and its hosts",
		Long: "Start a server, a simulated disk array and two simulated storage servers with a\n" +
			"Lustre file system on it, scan the array through a plugin in Go and one in Python,\n" +
			"run a short fault script, and print what happened. The page stays open until the\n" +
			"demo is interrupted. What it keeps is dropped at its end, unless --data names a\n" +
			"folder.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return d.run(cmd.Context()) },
	}
	f := cmd.Flags()
	f.StringVar(&d.listen, "listen", "127.0.0.1:8700", "loopback `address` of the API and the page")
	f.StringVar(&d.data, "data", "", "`folder` to keep the demo's data in")
	f.IntVar(&d.disks, "disks", sim.DefaultDisks, "`number` of disks of the simulated array")
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
	script, err := sim.ParseScript("demo.faults", demoScript)
	if err != nil {
		return err
	}
	array, address, stopArray, err := d.startArray(ctx)
	if err != nil {
		return err
	}
	defer stopArray()
	server, err := d.startServer(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	if d.cl, err = d.conn.dial(); err != nil {
		return err
	}
	if err := d.addRoots(ctx, address); err != nil {
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
	if err := d.faults(ctx, array, hosts, script); err != nil {
		return err
	}
	return d.end(ctx, server)
}

// say prints a line of the demo's own between the outputs of commands.
func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.c.out, "\n== "+format+"\n", args...)
}

func (d *demo) startArray(ctx context.Context) (*sim.Array, string, func(), error) {
	array, err := sim.New(sim.Options{Disks: d.disks, SampleEvery: 2 * time.Second})
	if err != nil {
		return nil, "", nil, misuse{err}
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := array.Serve(ctx, ln); err != nil {
			fmt.Fprintln(d.c.err, "faultline: the simulated array:", err)
		}
	}()
	address := "http://" + ln.Addr().String()
	d.say("A simulated array with %d disks is at %s", d.disks, address)
	return array, address, func() { cancel(); <-done }, nil
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

func (d *demo) addRoots(ctx context.Context, address string) error {
	roots := [][]string{
		{"acme.Array", "url=" + address, "push=true"},
		{acme.PythonName + ".Array", "url=" + address, "push=true"},
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

// faults runs the script and prints the alerts that begin and end meanwhile.
func (d *demo) faults(ctx context.Context, array *sim.Array, hosts *demoHosts, script sim.Script) error {
	d.say("A bad minute begins")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ran := make(chan error, 1)
	steps := make(chan sim.Step, len(script.Steps))
	go func() { ran <- array.Run(ctx, script, func(s sim.Step) { steps <- s }) }()
	w := &alertWatch{d: d, known: map[int64]bool{}, messages: map[string]bool{}}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	step := func(s sim.Step) {
		fmt.Fprintf(d.c.out, "%6s  the array: %s\n", s.At, s.Fault)
		hosts.follow(s.Fault)
	}
	for {
		select {
		case s := <-steps:
			step(s)
		case <-tick.C:
			if err := w.look(ctx); err != nil {
				return err
			}
		case err := <-ran:
			if err != nil {
				return err
			}
			for len(steps) > 0 {
				step(<-steps)
			}
			return d.aftermath(ctx, w)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
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
