// A member by kafka-go (segmentio): its ConsumerGroup, which gives one generation after the other, with a reader for
// each partition. A generation ends when its only function has returned, and not before does the client join again.
package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

var kafkaGoStrategies = map[string]kafka.GroupBalancer{
	"range":      kafka.RangeGroupBalancer{},
	"roundrobin": kafka.RoundRobinGroupBalancer{},
}

func kafkaGo(ctx context.Context, args arguments, r *report) error {
	strategy := args.strategy
	if strategy == "" {
		strategy = "range"
	}
	balancer, ok := kafkaGoStrategies[strategy]
	if !ok {
		return fmt.Errorf("kafka-go has no strategy %s", strategy)
	}
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID:                args.group,
		Brokers:           []string{args.bootstrap},
		Dialer:            &kafka.Dialer{ClientID: args.name, Timeout: 5 * time.Second},
		Topics:            args.topics,
		GroupBalancers:    []kafka.GroupBalancer{balancer},
		HeartbeatInterval: heartbeatInterval,
		SessionTimeout:    args.session,
		RebalanceTimeout:  rebalanceTimeout,
		JoinGroupBackoff:  100 * time.Millisecond,
		StartOffset:       kafka.FirstOffset,
		ErrorLogger:       kafka.LoggerFunc(func(text string, values ...any) { r.hindered(fmt.Errorf(text, values...)) }),
	})
	if err != nil {
		return err
	}
	r.ready()
	for {
		generation, err := group.Next(ctx)
		if errors.Is(err, context.Canceled) {
			return group.Close()
		}
		if err != nil {
			// The client leaves and joins again by itself.
			r.hindered(err)
			continue
		}
		generation.Start(func(over context.Context) { kafkaGoGeneration(over, args, generation, r) })
	}
}

// kafkaGoGeneration owns the partitions of a generation until it is over.
func kafkaGoGeneration(over context.Context, args arguments, generation *kafka.Generation, r *report) {
	partitions := map[string][]int32{}
	for topic, assignments := range generation.Assignments {
		for _, assignment := range assignments {
			partitions[topic] = append(partitions[topic], int32(assignment.ID))
		}
	}
	r.partitions("assigned", generation.ID, partitions)
	var readers sync.WaitGroup
	for topic, assignments := range generation.Assignments {
		for _, assignment := range assignments {
			readers.Go(func() {
				if err := kafkaGoRead(over, args, generation, topic, assignment, r); over.Err() == nil {
					r.hindered(err)
				}
			})
		}
	}
	// A generation may be without partitions: it lasts all the same.
	<-over.Done()
	readers.Wait()
	r.partitions("revoked", generation.ID, partitions)
}

func kafkaGoRead(
	over context.Context, args arguments, generation *kafka.Generation,
	topic string, assignment kafka.PartitionAssignment, r *report,
) error {
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers:   []string{args.bootstrap},
		Dialer:    &kafka.Dialer{ClientID: args.name, Timeout: 5 * time.Second},
		Topic:     topic,
		Partition: assignment.ID,
		MaxWait:   fetchWait,
	})
	defer reader.Close()
	if err := reader.SetOffset(assignment.Offset); err != nil {
		return err
	}
	committed, next := assignment.Offset, assignment.Offset
	for {
		poll, cancel := context.WithTimeout(over, pollWait)
		message, err := reader.ReadMessage(poll)
		cancel()
		isIdle := errors.Is(err, context.DeadlineExceeded) && over.Err() == nil
		if err != nil && !isIdle {
			return err
		}
		if !isIdle {
			r.record(topic, int32(assignment.ID), message.Offset, message.Value)
			next = message.Offset + 1
			if next < committed+recordsPerCommit && next < message.HighWaterMark {
				continue
			}
		}
		if next == committed {
			continue
		}
		if err := generation.CommitOffsets(map[string]map[int]int64{topic: {assignment.ID: next}}); err != nil {
			r.hindered(err)
			continue
		}
		committed = next
		r.committed(topic, int32(assignment.ID), next)
	}
}
