package app

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
)

// recording is the subscriber that records statistics: first the samples of the
// change log, which a crash may have kept from the database, then those of every
// change.
func recording(log *slog.Logger, inv *inventory.Inventory, stats *statistics, keep time.Duration) subscriber {
	live := follow(stats.observe)
	return func(ctx context.Context, all iter.Seq[*resource.Resource], seq uint64, changes iter.Seq2[*resource.Changes, error]) error {
		for samples, err := range inv.Samples(ctx, positionAt(time.Now().Add(-keep)), seq) {
			if err != nil && ctx.Err() == nil {
				// What was last read is worth less than a server that runs.
				log.Error("stored statistics cannot be read; they are left out until the next update", "error", err)
			}
			stats.recover(samples)
		}
		return live(ctx, all, seq, changes)
	}
}

// positionAt is a position of the change log with the property that changes
// before that time are not after it. Positions are never behind the clock, see
// inventory.New.
func positionAt(t time.Time) uint64 { return uint64(max(0, t.UnixMicro())) }

// retention is how much of the change log is kept.
type retention struct {
	changes, samples time.Duration
	bytes            int64 // 0 is no bound
}

func retentionOf(c config.Config) retention {
	return retention{changes: time.Duration(c.ChangeLogKeep), samples: time.Duration(c.SamplesKeep), bytes: int64(c.ChangeLogSize)}
}

// trimmer is the part of a store that forgets old entries of the change log.
type trimmer interface {
	LogSize(ctx context.Context, most int64) (uint64, error)
	Trim(ctx context.Context, upTo uint64) error
	TrimSamples(ctx context.Context, upTo uint64) error
}

// trimEvery is how often the change log is trimmed. The first time is that long
// after a start, when its readers have caught up.
const trimEvery = time.Minute

// trim forgets what need not be kept, until ctx ends. A failure is tried again:
// a log that grows is no reason to end the server.
func trim(ctx context.Context, log *slog.Logger, store trimmer, keep retention) error {
	for {
		select {
		case <-time.After(trimEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := trimOnce(ctx, store, keep, time.Now()); err != nil && ctx.Err() == nil {
			log.Error("the change log was not trimmed; it is tried again", "in", trimEvery, "error", err)
		}
	}
}

func trimOnce(ctx context.Context, store trimmer, keep retention, now time.Time) error {
	errs := []error{
		store.TrimSamples(ctx, positionAt(now.Add(-keep.samples))),
		store.Trim(ctx, positionAt(now.Add(-keep.changes))),
	}
	if keep.bytes > 0 {
		upTo, err := store.LogSize(ctx, keep.bytes)
		if err == nil && upTo > 0 {
			err = store.Trim(ctx, upTo)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
