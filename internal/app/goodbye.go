package app

import (
	"context"
	"log/slog"
	"time"
)

// goodbye is how long an agent or runner that ends waits for its sessions and the
// server, and goodbyeAlone where the server does not answer anyway.
const (
	goodbye      = 20 * time.Second
	goodbyeAlone = 2 * time.Second
)

// sayGoodbye has the server told that who ends. It gives leave, which does so, less
// time if the server was silent before.
func sayGoodbye(who string, silent bool, leave func(context.Context) error, log *slog.Logger) {
	patience := goodbye
	if silent {
		patience = goodbyeAlone
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := leave(ctx); err != nil {
		log.Warn("the server was not told that the "+who+" ends", "error", err)
	}
}
