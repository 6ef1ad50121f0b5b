// Administration through kadm, franz-go's own admin client, and any single request of the protocol through kmsg.
// Answers are kadm's and kmsg's structures as they are, so that the test sees every field the client decoded.
package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// request sends one request of the protocol, its body in kmsg's own field names, at the newest version both ends know or
// at the version asked for.
func request(s *session, arguments json.RawMessage) (any, error) {
	var asked struct {
		Key     int16           `json:"key"`
		Version *int16          `json:"version"`
		Body    json.RawMessage `json:"body"`
	}
	if err := json.Unmarshal(arguments, &asked); err != nil {
		return nil, err
	}
	message := kmsg.RequestForKey(asked.Key)
	if message == nil {
		return nil, fmt.Errorf("kmsg knows no request with key %d", asked.Key)
	}
	if err := json.Unmarshal(asked.Body, message); err != nil {
		return nil, err
	}
	options := []kgo.Opt{}
	if asked.Version != nil {
		versions := kversion.Tip()
		versions.SetMaxKeyVersion(asked.Key, *asked.Version)
		options = append(options, kgo.MaxVersions(versions))
	}
	client, err := s.client(options...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	response, err := client.Request(s.ctx, message)
	if err != nil {
		return nil, err
	}
	return map[string]any{"version": response.GetVersion(), "body": response}, nil
}

type adminArguments struct {
	Call        string                        `json:"call"`
	Topics      []string                      `json:"topics"`
	Partitions  int32                         `json:"partitions"`
	Replicas    int16                         `json:"replicas"`
	Configs     map[string]*string            `json:"configs"`
	Alterations []kadm.AlterConfig            `json:"alterations"`
	Brokers     []int32                       `json:"brokers"`
	Offsets     map[string]map[int32]int64    `json:"offsets"`
	Epochs      map[string]map[int32]int32    `json:"epochs"`
	Timestamp   int64                         `json:"timestamp"`
	Sets        map[string]map[int32]struct{} `json:"sets"`
}

type adminCall func(*session, *kadm.Client, adminArguments) (any, error)

var adminCalls = map[string]adminCall{
	"createTopics": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.CreateTopics(s.ctx, a.Partitions, a.Replicas, a.Configs, a.Topics...)
	},
	"validateCreateTopics": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.ValidateCreateTopics(s.ctx, a.Partitions, a.Replicas, a.Configs, a.Topics...)
	},
	"deleteTopics": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.DeleteTopics(s.ctx, a.Topics...)
	},
	"createPartitions": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.CreatePartitions(s.ctx, int(a.Partitions), a.Topics...)
	},
	"updatePartitions": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.UpdatePartitions(s.ctx, int(a.Partitions), a.Topics...)
	},
	"validateUpdatePartitions": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.ValidateUpdatePartitions(s.ctx, int(a.Partitions), a.Topics...)
	},
	"listTopics": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.ListTopics(s.ctx, a.Topics...)
	},
	"brokerMetadata": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.BrokerMetadata(s.ctx)
	},
	"metadata": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.Metadata(s.ctx, a.Topics...)
	},
	"describeTopicConfigs": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.DescribeTopicConfigs(s.ctx, a.Topics...)
	},
	"describeBrokerConfigs": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.DescribeBrokerConfigs(s.ctx, a.Brokers...)
	},
	"alterTopicConfigs": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.AlterTopicConfigs(s.ctx, a.Alterations, a.Topics...)
	},
	"validateAlterTopicConfigs": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.ValidateAlterTopicConfigs(s.ctx, a.Alterations, a.Topics...)
	},
	"alterTopicConfigsState": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.AlterTopicConfigsState(s.ctx, a.Alterations, a.Topics...)
	},
	"alterBrokerConfigs": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.AlterBrokerConfigs(s.ctx, a.Alterations, a.Brokers...)
	},
	"listStartOffsets": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.ListStartOffsets(s.ctx, a.Topics...)
	},
	"listEndOffsets": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.ListEndOffsets(s.ctx, a.Topics...)
	},
	"listCommittedOffsets": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.ListCommittedOffsets(s.ctx, a.Topics...)
	},
	"listMaxTimestampOffsets": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.ListMaxTimestampOffsets(s.ctx, a.Topics...)
	},
	"listLocalLogStartOffsets": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.ListLocalLogStartOffsets(s.ctx, a.Topics...)
	},
	"listLatestRemoteOffsets": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.ListLatestRemoteOffsets(s.ctx, a.Topics...)
	},
	"listOffsetsAfterMilli": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.ListOffsetsAfterMilli(s.ctx, a.Timestamp, a.Topics...)
	},
	"offsetForLeaderEpoch": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.OffsetForLeaderEpoch(s.ctx, a.Epochs)
	},
	"describeProducers": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.DescribeProducers(s.ctx, a.Sets)
	},
	"deleteRecords": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		offsets := kadm.Offsets{}
		for topic, partitions := range a.Offsets {
			for partition, offset := range partitions {
				offsets.AddOffset(topic, partition, offset, -1)
			}
		}
		return c.DeleteRecords(s.ctx, offsets)
	},
	"describeLogDirs": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.DescribeAllLogDirs(s.ctx, a.Sets)
	},
	"listPartitionReassignments": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		return c.ListPartitionReassignments(s.ctx, a.Sets)
	},
	"apiVersions": func(s *session, c *kadm.Client, a adminArguments) (any, error) {
		versions, err := c.ApiVersions(s.ctx)
		if err != nil {
			return nil, err
		}
		ranges := map[int16][2]int16{}
		for _, of := range versions {
			if of.Err != nil {
				return nil, of.Err
			}
			of.EachKeySorted(func(key, from, to int16) { ranges[key] = [2]int16{from, to} })
		}
		return ranges, nil
	},
}

// createTopic makes one topic with one replica, as every client program can, and fails if the broker refuses it.
func createTopic(s *session, arguments json.RawMessage) (any, error) {
	var asked struct {
		Topic      string             `json:"topic"`
		Partitions int32              `json:"partitions"`
		Configs    map[string]*string `json:"configs"`
	}
	if err := json.Unmarshal(arguments, &asked); err != nil {
		return nil, err
	}
	return s.withAdmin(func(c *kadm.Client) (any, error) {
		created, err := c.CreateTopic(s.ctx, asked.Partitions, 1, asked.Configs, asked.Topic)
		if err != nil {
			return nil, err
		}
		// The broker may hear of the topic later than the controller answers.
		for s.ctx.Err() == nil {
			listed, err := c.ListTopics(s.ctx, asked.Topic)
			if err != nil {
				return nil, err
			}
			if len(listed[asked.Topic].Partitions) == int(created.NumPartitions) {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		return created, s.ctx.Err()
	})
}

func admin(s *session, arguments json.RawMessage) (any, error) {
	var asked adminArguments
	if err := json.Unmarshal(arguments, &asked); err != nil {
		return nil, err
	}
	call, ok := adminCalls[asked.Call]
	if !ok {
		return nil, fmt.Errorf("no admin call named %s", asked.Call)
	}
	return s.withAdmin(func(c *kadm.Client) (any, error) { return call(s, c, asked) })
}
