// A member by franz-go: eager, cooperative, or with the broker's assignors (KIP-848). Rebalances wait while a poll's
// records are told and committed.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

var franzGoStrategies = map[string]func() kgo.GroupBalancer{
	"range":              kgo.RangeBalancer,
	"roundrobin":         kgo.RoundRobinBalancer,
	"sticky":             kgo.StickyBalancer,
	"uniform":            kgo.StickyBalancer,
	"cooperative-sticky": kgo.CooperativeStickyBalancer,
}

func franzGoOptions(args arguments, r *report) ([]kgo.Opt, error) {
	tell := func(kind string) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, client *kgo.Client, partitions map[string][]int32) {
			_, generation := client.GroupMetadata()
			r.partitions(kind, generation, partitions)
		}
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(args.bootstrap),
		kgo.ClientID(args.name),
		kgo.ConsumerGroup(args.group),
		kgo.SessionTimeout(args.session),
		kgo.RebalanceTimeout(rebalanceTimeout),
		kgo.HeartbeatInterval(heartbeatInterval),
		kgo.FetchMaxWait(fetchWait),
		kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.MetadataMaxAge(time.Second),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(tell("assigned")),
		kgo.OnPartitionsRevoked(tell("revoked")),
		kgo.OnPartitionsLost(tell("lost")),
	}
	if args.instance != "" {
		options = append(options, kgo.InstanceID(args.instance))
	}
	if args.regex != "" {
		options = append(options, kgo.ConsumeRegex(), kgo.ConsumeTopics(args.regex))
	} else {
		options = append(options, kgo.ConsumeTopics(args.topics...))
	}
	strategy := args.strategy
	if strategy == "" {
		strategy = "cooperative-sticky"
	}
	if args.protocol == "consumer" {
		options = append(options, kgo.ServerSideBalancer())
		if args.strategy == "" {
			strategy = "uniform"
		}
	}
	balancer, ok := franzGoStrategies[strategy]
	if !ok {
		return nil, fmt.Errorf("franz-go has no strategy %s", strategy)
	}
	return append(options, kgo.Balancers(balancer())), nil
}

func franzGo(ctx context.Context, args arguments, r *report) error {
	options, err := franzGoOptions(args, r)
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	r.ready()
	for ctx.Err() == nil {
		poll, cancel := context.WithTimeout(ctx, pollWait)
		fetches := client.PollRecords(poll, recordsPerCommit)
		cancel()
		for _, failed := range fetches.Errors() {
			if !errors.Is(failed.Err, context.Canceled) && !errors.Is(failed.Err, context.DeadlineExceeded) {
				r.hindered(fmt.Errorf("%s-%d: %w", failed.Topic, failed.Partition, failed.Err))
			}
		}
		fetches.EachRecord(func(record *kgo.Record) {
			r.record(record.Topic, record.Partition, record.Offset, record.Value)
		})
		// Also what an earlier commit failed to.
		uncommitted := client.UncommittedOffsets()
		if err := client.CommitUncommittedOffsets(context.Background()); err != nil {
			r.hindered(err)
		} else {
			for topic, partitions := range uncommitted {
				for partition, at := range partitions {
					r.committed(topic, partition, at.Offset)
				}
			}
		}
		client.AllowRebalance()
	}
	client.CloseAllowingRebalance()
	return nil
}
