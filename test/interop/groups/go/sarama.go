// A member by sarama: eager (range, round-robin, sticky) or cooperative-sticky. Each partition is a claim with a
// goroutine of its own, whose beginning and end are the ownership. What became of a commit, sarama does not tell.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

var saramaStrategies = map[string]func() sarama.BalanceStrategy{
	"range":              sarama.NewBalanceStrategyRange,
	"roundrobin":         sarama.NewBalanceStrategyRoundRobin,
	"sticky":             sarama.NewBalanceStrategySticky,
	"cooperative-sticky": sarama.NewBalanceStrategyCooperativeSticky,
}

type saramaHandler struct {
	report *report
}

func (saramaHandler) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (saramaHandler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (h saramaHandler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	partition := map[string][]int32{claim.Topic(): {claim.Partition()}}
	h.report.partitions("assigned", session.GenerationID(), partition)
	defer func() { h.report.partitions("revoked", session.GenerationID(), partition) }()
	waiting := 0
	again := time.NewTicker(pollWait)
	defer again.Stop()
	for {
		select {
		case <-again.C:
			// What an earlier commit failed to; nothing is sent if there is nothing.
			session.Commit()
		case <-session.Context().Done():
			return nil
		case message, ok := <-claim.Messages():
			if !ok {
				return nil
			}
			h.report.record(message.Topic, message.Partition, message.Offset, message.Value)
			session.MarkMessage(message, "")
			waiting++
			if waiting == recordsPerCommit || len(claim.Messages()) == 0 {
				session.Commit()
				waiting = 0
			}
		}
	}
}

func saramaMember(ctx context.Context, args arguments, r *report) error {
	strategy := args.strategy
	if strategy == "" {
		strategy = "range"
	}
	balance, ok := saramaStrategies[strategy]
	if !ok {
		return fmt.Errorf("sarama has no strategy %s", strategy)
	}
	config := sarama.NewConfig()
	config.ClientID = args.name
	config.Version = sarama.V4_0_0_0
	config.Metadata.RefreshFrequency = time.Second
	config.Metadata.Retry.Max = 100
	config.Metadata.Retry.Backoff = 100 * time.Millisecond
	config.Consumer.Return.Errors = true
	config.Consumer.MaxWaitTime = fetchWait
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Group.InstanceId = args.instance
	config.Consumer.Group.Session.Timeout = args.session
	config.Consumer.Group.Heartbeat.Interval = heartbeatInterval
	config.Consumer.Group.Rebalance.Timeout = rebalanceTimeout
	config.Consumer.Group.Rebalance.Retry.Max = 100
	config.Consumer.Group.Rebalance.Retry.Backoff = 100 * time.Millisecond
	config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{balance()}
	group, err := sarama.NewConsumerGroup([]string{args.bootstrap}, args.group, config)
	if err != nil {
		return err
	}
	go func() {
		for err := range group.Errors() {
			r.hindered(err)
		}
	}()
	r.ready()
	for ctx.Err() == nil {
		err := group.Consume(ctx, args.topics, saramaHandler{r})
		if err != nil && !errors.Is(err, context.Canceled) {
			// The broker is away, or has forgotten this member: the next call joins again.
			r.hindered(err)
			time.Sleep(100 * time.Millisecond)
		}
	}
	return group.Close()
}
