// Producing: records given one by one, or the numbered records by the hundred thousand.
// Promises an offset or an error for every record. The client is franz-go's own default one (idempotent, acks=all)
// unless the arguments say otherwise.
package main

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type producerOptions struct {
	Topic    string `json:"topic"`
	Codec    string `json:"codec"`
	Acks     string `json:"acks"`
	MaxBytes int32  `json:"maxBytes"`
}

func (o producerOptions) client(s *session) (*kgo.Client, error) {
	options := []kgo.Opt{
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(codec(o.Codec)),
	}
	switch o.Acks {
	case "0":
		options = append(options, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
	case "1":
		options = append(options, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	case "all, not idempotent":
		options = append(options, kgo.RequiredAcks(kgo.AllISRAcks()), kgo.DisableIdempotentWrite())
	}
	if o.MaxBytes > 0 {
		options = append(options, kgo.ProducerBatchMaxBytes(o.MaxBytes), kgo.BrokerMaxWriteBytes(100<<20))
	}
	return s.client(options...)
}

type produced struct {
	Offset int64    `json:"offset"`
	Error  *failure `json:"error,omitempty"`
}

func produce(s *session, arguments json.RawMessage) (any, error) {
	var asked struct {
		producerOptions
		Partition int32    `json:"partition"`
		Records   []record `json:"records"`
	}
	if err := json.Unmarshal(arguments, &asked); err != nil {
		return nil, err
	}
	client, err := asked.client(s)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	results := make([]produced, len(asked.Records))
	var waiting sync.WaitGroup
	for i, r := range asked.Records {
		waiting.Add(1)
		client.Produce(s.ctx, toClient(asked.Topic, asked.Partition, r), func(r *kgo.Record, err error) {
			defer waiting.Done()
			results[i].Offset = r.Offset
			if err != nil {
				results[i].Error = describe(err)
			}
		})
	}
	waiting.Wait()
	return results, nil
}

// produceMany sends the numbered records 0..count-1, number n to partition n modulo partitions, and tells after every
// thousand acknowledgements how many there were. recordsPerSecond 0 is as fast as the client goes.
func produceMany(s *session, arguments json.RawMessage) (any, error) {
	var asked struct {
		producerOptions
		Partitions       int `json:"partitions"`
		Count            int `json:"count"`
		RecordsPerSecond int `json:"recordsPerSecond"`
	}
	if err := json.Unmarshal(arguments, &asked); err != nil {
		return nil, err
	}
	client, err := asked.client(s)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var waiting sync.WaitGroup
	var counting sync.Mutex
	acknowledged := 0
	var failures []*failure
	done := func(_ *kgo.Record, err error) {
		defer waiting.Done()
		counting.Lock()
		defer counting.Unlock()
		if err != nil {
			failures = append(failures, describe(err))
			return
		}
		acknowledged++
		if acknowledged%1000 == 0 {
			s.progress(map[string]int{"acknowledged": acknowledged})
		}
	}
	started := time.Now()
	for number := range asked.Count {
		if asked.RecordsPerSecond > 0 && number%100 == 0 {
			due := time.Duration(float64(number) / float64(asked.RecordsPerSecond) * float64(time.Second))
			time.Sleep(due - time.Since(started))
		}
		made := numbered(number)
		made.Topic, made.Partition = asked.Topic, int32(number%asked.Partitions)
		waiting.Add(1)
		client.Produce(s.ctx, made, done)
	}
	waiting.Wait()
	return map[string]any{"acknowledged": acknowledged, "failures": failures[:min(len(failures), 5)]}, nil
}
