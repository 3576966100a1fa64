// Command faultline is the one program of Faultline: the server, the runner,
// the agent and the client.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/faultline-storage/faultline/internal/cli"
)

func main() {
	// The first signal ends the work in order, a second one at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
