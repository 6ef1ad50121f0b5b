// Consumers that are assigned their partitions and commit all the same, without being members of the group. Each goes on
// where the group stands, reads a number of records of each partition, commits, and prints {partition: [from, to]} as JSON;
// or {"error": code} when the commit is refused.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

type stretch map[int32][2]int64

var plainReaders = map[string]func(ctx context.Context, args arguments) (stretch, error){
	"plain-franz-go": plainFranzGo,
	"plain-sarama":   plainSarama,
}

func plain(ctx context.Context, client string, args arguments) error {
	read, err := plainReaders[client](ctx, args)
	if code := codeOf(err); code != 0 {
		return json.NewEncoder(os.Stdout).Encode(map[string]int16{"error": code})
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(read)
}

func codeOf(err error) int16 {
	if code, ok := errors.AsType[*kerr.Error](err); ok {
		return code.Code
	}
	if code, ok := errors.AsType[sarama.KError](err); ok {
		return int16(code)
	}
	return 0
}

func plainFranzGo(ctx context.Context, args arguments) (stretch, error) {
	topic := args.topics[0]
	client, err := kgo.NewClient(kgo.SeedBrokers(args.bootstrap))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	committed, err := admin.FetchOffsetsForTopics(ctx, args.group, topic)
	if err != nil {
		return nil, err
	}
	starts := map[int32]kgo.Offset{}
	read := stretch{}
	for partition := range args.partitions {
		at, _ := committed.Lookup(topic, partition)
		starts[partition] = kgo.NewOffset().At(max(at.At, 0))
		read[partition] = [2]int64{max(at.At, 0), max(at.At, 0)}
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: starts})
	for isUnfinished(read, args) {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if at := read[r.Partition]; at[1] == r.Offset && at[1]-at[0] < args.count {
				read[r.Partition] = [2]int64{at[0], r.Offset + 1}
			}
		})
	}
	offsets := kadm.Offsets{}
	for partition, at := range read {
		offsets.AddOffset(topic, partition, at[1], -1)
	}
	answer, err := admin.CommitOffsets(ctx, args.group, offsets)
	if err != nil {
		return nil, err
	}
	return read, answer.Error()
}

func isUnfinished(read stretch, args arguments) bool {
	for _, at := range read {
		if at[1]-at[0] < args.count {
			return true
		}
	}
	return false
}

func plainSarama(_ context.Context, args arguments) (stretch, error) {
	topic := args.topics[0]
	config := sarama.NewConfig()
	config.Version = sarama.V4_0_0_0
	config.Consumer.Return.Errors = true
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	client, err := sarama.NewClient([]string{args.bootstrap}, config)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	manager, err := sarama.NewOffsetManagerFromClient(args.group, client)
	if err != nil {
		return nil, err
	}
	// Closes the positions, too: by themselves they would wait for automatic commits.
	defer manager.Close()
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	read := stretch{}
	for partition := range args.partitions {
		position, err := manager.ManagePartition(topic, partition)
		if err != nil {
			return nil, err
		}
		next, _ := position.NextOffset()
		records, err := consumer.ConsumePartition(topic, partition, next)
		if err != nil {
			return nil, err
		}
		defer records.Close()
		for range args.count {
			record := <-records.Messages()
			if _, ok := read[partition]; !ok {
				read[partition] = [2]int64{record.Offset, record.Offset}
			}
			read[partition] = [2]int64{read[partition][0], record.Offset + 1}
		}
		position.MarkOffset(read[partition][1], "")
		manager.Commit()
		select {
		case err := <-position.Errors():
			return nil, fmt.Errorf("commit: %w", err.Err)
		default:
		}
	}
	return read, nil
}
