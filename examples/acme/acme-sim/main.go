// Command acme-sim serves a simulated disk array over HTTP, for trying out
// plugins and for benchmarks. It prints the address that it listens on, and
// each fault when it strikes. See examples/acme/README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/faultline-storage/faultline/examples/acme/sim"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "acme-sim:", err)
		os.Exit(1)
	}
}

// errUsage says that the flags were wrong, or asked for help, and that the
// person was told.
var errUsage = errors.New("usage")

// run is the program. It ends when ctx does.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("acme-sim", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintf(stderr, "Usage: acme-sim [flags]\n\nServes a simulated disk array over HTTP.\n\n")
		flags.PrintDefaults()
		fmt.Fprintf(stderr, "\nFaults, for the script (at TIME FAULT) and for POST /api/v1/faults:\n\n%s", sim.FaultHelp())
	}
	var o sim.Options
	listen := flags.String("listen", "127.0.0.1:0", "`address` to listen on; port 0 is any free one")
	flags.IntVar(&o.Disks, "disks", sim.DefaultDisks, fmt.Sprintf("`number` of disks, %d to %d", sim.MinDisks, sim.MaxDisks))
	flags.Uint64Var(&o.Seed, "seed", 0, "`number` that decides serial numbers and first statistics")
	flags.StringVar(&o.Name, "name", "acme-1", "`name` of the array")
	flags.StringVar(&o.User, "user", sim.DefaultUser, "user `name` to go with the password")
	flags.StringVar(&o.Password, "password", "", "`password` that clients must show; none if empty")
	flags.DurationVar(&o.SampleEvery, "sample-every", 10*time.Second, "`pause` between statistics samples")
	still := flags.Bool("still", false, "take no statistics samples, so that only faults change anything")
	scriptFile := flags.String("script", "", "`file` with a fault script to run")
	if err := flags.Parse(args); err != nil {
		return errUsage
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; see acme-sim -help", flags.Arg(0))
	}
	if *still {
		o.SampleEvery = 0
	}
	if err := checkAddress(*listen, o.Password); err != nil {
		return err
	}
	script := sim.Script{}
	if *scriptFile != "" {
		text, err := os.ReadFile(*scriptFile)
		if err != nil {
			return fmt.Errorf("read the fault script: %w", err)
		}
		if script, err = sim.ParseScript(*scriptFile, string(text)); err != nil {
			return err
		}
	}
	array, err := sim.New(o)
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", *listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "http://%s\n", l.Addr())

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		start := time.Now()
		err := array.Run(ctx, script, func(s sim.Step) {
			fmt.Fprintf(stdout, "%6.1fs  %s\n", time.Since(start).Seconds(), s.Fault)
		})
		if err != nil && ctx.Err() == nil {
			cancel(err)
		}
	}()
	err = array.Serve(ctx, l)
	cause := context.Cause(ctx)
	cancel(nil)
	<-ran
	if line := (*sim.LineError)(nil); errors.As(cause, &line) {
		return line
	}
	return err
}

// checkAddress refuses to be reachable from elsewhere without a password.
func checkAddress(address, password string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("-listen %s: %w", address, err)
	}
	if ip := net.ParseIP(host); password == "" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("-listen %s can be reached from other machines; give a -password, or listen on 127.0.0.1", address)
	}
	return nil
}
