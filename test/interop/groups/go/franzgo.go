// A member by franz-go: eager, cooperative, or with the broker's assignors (KIP-848). Rebalances wait while a poll's
// records are told and committed.
package main

import (
	"context"
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
		kgo.SessionTimeout(sessionTimeout),
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
		fetches := client.PollRecords(ctx, recordsPerCommit)
		for _, failed := range fetches.Errors() {
			if ctx.Err() == nil {
				r.hindered(fmt.Errorf("%s-%d: %w", failed.Topic, failed.Partition, failed.Err))
			}
		}
		records := fetches.Records()
		for _, record := range records {
			r.record(record.Topic, record.Partition, record.Offset, record.Value)
		}
		if err := client.CommitRecords(context.Background(), records...); err != nil {
			r.hindered(err)
		} else {
			fetches.EachPartition(func(p kgo.FetchTopicPartition) {
				if len(p.Records) > 0 {
					r.committed(p.Topic, p.Partition, p.Records[len(p.Records)-1].Offset+1)
				}
			})
		}
		client.AllowRebalance()
	}
	client.CloseAllowingRebalance()
	return nil
}
