// Reading assigned partitions without a group: whole records, or digests of very many.
// Promises to report fetch errors as the client gives them, and to stop after a silence instead of waiting for ever.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type consumerOptions struct {
	Topic             string `json:"topic"`
	Offset            *int64 `json:"offset"`
	Timestamp         *int64 `json:"timestamp"`
	FetchMaxBytes     int32  `json:"fetchMaxBytes"`
	PartitionMaxBytes int32  `json:"partitionMaxBytes"`
	NoSessions        bool   `json:"noSessions"`
	ReadCommitted     bool   `json:"readCommitted"`
	// The read ends after so many records, or when nothing has come for SilenceMs.
	Count     int `json:"count"`
	SilenceMs int `json:"silenceMs"`
}

func (o consumerOptions) client(s *session, partitions ...int32) (*kgo.Client, error) {
	start := kgo.NewOffset().AtStart()
	if o.Offset != nil {
		start = kgo.NewOffset().At(*o.Offset)
	}
	if o.Timestamp != nil {
		start = kgo.NewOffset().AfterMilli(*o.Timestamp)
	}
	assigned := map[int32]kgo.Offset{}
	for _, partition := range partitions {
		assigned[partition] = start
	}
	options := []kgo.Opt{
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{o.Topic: assigned}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxWait(500 * time.Millisecond),
	}
	if o.FetchMaxBytes > 0 {
		options = append(options, kgo.FetchMaxBytes(o.FetchMaxBytes))
	}
	if o.PartitionMaxBytes > 0 {
		options = append(options, kgo.FetchMaxPartitionBytes(o.PartitionMaxBytes))
	}
	if o.NoSessions {
		options = append(options, kgo.DisableFetchSessions())
	}
	if o.ReadCommitted {
		options = append(options, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	return s.client(options...)
}

// poll hands each record to use until count records came, nothing came for the silence, or the client told an error.
func (o consumerOptions) poll(s *session, client *kgo.Client, use func(*kgo.Record)) error {
	silence := 20 * time.Second
	if o.SilenceMs > 0 {
		silence = time.Duration(o.SilenceMs) * time.Millisecond
	}
	for seen := 0; seen < o.Count; {
		ctx, cancel := context.WithTimeout(s.ctx, silence)
		fetches := client.PollFetches(ctx)
		late := ctx.Err() != nil
		cancel()
		for _, failed := range fetches.Errors() {
			if !late {
				return fmt.Errorf("fetching %s-%d: %w", failed.Topic, failed.Partition, failed.Err)
			}
		}
		if late && fetches.Empty() {
			return nil
		}
		fetches.EachRecord(func(r *kgo.Record) {
			seen++
			use(r)
		})
	}
	return nil
}

func consume(s *session, arguments json.RawMessage) (any, error) {
	var asked struct {
		consumerOptions
		Partition int32 `json:"partition"`
	}
	if err := json.Unmarshal(arguments, &asked); err != nil {
		return nil, err
	}
	client, err := asked.client(s, asked.Partition)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	records := []record{}
	err = asked.poll(s, client, func(r *kgo.Record) { records = append(records, fromClient(r)) })
	return records, err
}

type partitionDigest struct {
	Partition int32  `json:"partition"`
	Count     int    `json:"count"`
	Digest    string `json:"digest"`
	// The first offset that did not follow the one before it, -1 if none: there are no gaps in these topics.
	FirstGap int64 `json:"firstGap"`
}

// digestMany reads partitions 0..partitions-1 from the start and answers one digest per partition.
func digestMany(s *session, arguments json.RawMessage) (any, error) {
	var asked struct {
		consumerOptions
		Partitions int32 `json:"partitions"`
	}
	if err := json.Unmarshal(arguments, &asked); err != nil {
		return nil, err
	}
	var partitions []int32
	results := make([]partitionDigest, asked.Partitions)
	digesters := make([]digester, asked.Partitions)
	for p := range asked.Partitions {
		partitions = append(partitions, p)
		results[p] = partitionDigest{Partition: p, FirstGap: -1}
		digesters[p] = newDigester()
	}
	client, err := asked.client(s, partitions...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	err = asked.poll(s, client, func(r *kgo.Record) {
		of := &results[r.Partition]
		if r.Offset != int64(of.Count) && of.FirstGap == -1 {
			of.FirstGap = r.Offset
		}
		of.Count++
		digesters[r.Partition].add(r)
	})
	for p := range results {
		results[p].Digest = digesters[p].sum()
	}
	return results, err
}
