package plugin

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/faultline-storage/faultline/sdk/internal/stdio"
)

// Main declares a plugin and runs it: New followed by Program.Main.
func Main(name string, apiVersion int, options ...Option) {
	newProgram(callerAt(1), name, apiVersion, options).Main()
}

// Main speaks the plugin protocol on standard input and output and never
// returns. Whatever else is written to standard output becomes a warning in
// the server's log. Started by hand, without a host, it explains itself, shows
// what is wrong with the declarations, and exits with status 2.
func (p *Program) Main() {
	if os.Getenv("FAULTLINE_PLUGIN") == "" {
		p.explain()
		os.Exit(2)
	}
	os.Exit(p.run())
}

// explain tells a person who started the plugin by hand what it is.
func (p *Program) explain() {
	path, err := os.Executable()
	if err != nil {
		path = filepath.Base(os.Args[0])
	}
	fmt.Fprintf(os.Stderr, "This is the Faultline plugin %s. A Faultline host starts it and talks to it on standard input and output.\n", p.name)
	fmt.Fprintf(os.Stderr, "To check it:           faultline plugin validate %s\n", path)
	fmt.Fprintf(os.Stderr, "To scan with it once:  faultline plugin run %s --class CLASS --set NAME=VALUE...\n", path)
	for _, problem := range wireProblems(p.problems) {
		fmt.Fprintln(os.Stderr, problem)
	}
}

// run serves the host and returns the exit status.
func (p *Program) run() int {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	out, prints, err := stdio.CaptureStdout()
	if err != nil {
		fmt.Fprintf(os.Stderr, "plugin %s: cannot take standard output over: %v\n", p.name, err)
		return 1
	}
	p.prints = prints
	if err := p.Serve(ctx, os.Stdin, out); err != nil {
		fmt.Fprintf(os.Stderr, "plugin %s: %v\n", p.name, err)
		return 1
	}
	return 0
}
