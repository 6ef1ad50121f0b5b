// Records as the test writes them in JSON, and the record that belongs to a number, the same in every client program.
// Promises that null and empty stay two things, and that two equal sequences of records have equal digests.
package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type header struct {
	Key   string  `json:"key"`
	Value *[]byte `json:"value"`
}

// record carries bytes as base64 and null as null.
type record struct {
	Key       *[]byte  `json:"key"`
	Value     *[]byte  `json:"value"`
	Headers   []header `json:"headers"`
	Timestamp *int64   `json:"timestamp,omitempty"`
	// Only in answers.
	Offset        int64  `json:"offset"`
	LeaderEpoch   int32  `json:"leaderEpoch"`
	Codec         string `json:"codec"`
	TimestampType int8   `json:"timestampType"`
}

var codecNames = []string{"none", "gzip", "snappy", "lz4", "zstd"}

func codec(name string) kgo.CompressionCodec {
	switch name {
	case "gzip":
		return kgo.GzipCompression()
	case "snappy":
		return kgo.SnappyCompression()
	case "lz4":
		return kgo.Lz4Compression()
	case "zstd":
		return kgo.ZstdCompression()
	}
	return kgo.NoCompression()
}

func bytesOf(value *[]byte) []byte {
	if value == nil {
		return nil
	}
	if *value == nil {
		return []byte{}
	}
	return *value
}

func optional(value []byte) *[]byte {
	if value == nil {
		return nil
	}
	return &value
}

func toClient(topic string, partition int32, from record) *kgo.Record {
	to := &kgo.Record{Topic: topic, Partition: partition, Key: bytesOf(from.Key), Value: bytesOf(from.Value)}
	for _, h := range from.Headers {
		to.Headers = append(to.Headers, kgo.RecordHeader{Key: h.Key, Value: bytesOf(h.Value)})
	}
	if from.Timestamp != nil {
		to.Timestamp = time.UnixMilli(*from.Timestamp)
	}
	return to
}

func fromClient(from *kgo.Record) record {
	timestamp := from.Timestamp.UnixMilli()
	to := record{
		Key: optional(from.Key), Value: optional(from.Value), Headers: []header{}, Timestamp: &timestamp,
		Offset: from.Offset, LeaderEpoch: from.LeaderEpoch,
		Codec: codecNames[from.Attrs.CompressionType()], TimestampType: from.Attrs.TimestampType(),
	}
	for _, h := range from.Headers {
		to.Headers = append(to.Headers, header{h.Key, optional(h.Value)})
	}
	return to
}

// numbered makes the record of a number: its SHA-256 decides length and content; some have no key, value or headers.
func numbered(number int) *kgo.Record {
	digest := sha256.Sum256([]byte("record-" + strconv.Itoa(number)))
	made := &kgo.Record{}
	if number%7 != 0 {
		made.Key = []byte(hex.EncodeToString(digest[:8]))
	}
	if number%13 != 0 {
		length := int(binary.BigEndian.Uint16(digest[:2])) % 300
		made.Value = make([]byte, length)
		for at := 0; at < length; at += len(digest) {
			copy(made.Value[at:], digest[:])
		}
	}
	if number%5 == 0 {
		made.Headers = []kgo.RecordHeader{
			{Key: "number", Value: []byte(strconv.Itoa(number))},
			{Key: "number", Value: []byte{}},
			{Key: "ünïcode", Value: digest[:4]},
		}
	}
	return made
}

// digester hashes records in order: each part with its length before it, -1 for null.
type digester struct{ hash hash.Hash }

func newDigester() digester { return digester{sha256.New()} }

func (d digester) part(bytes []byte) {
	length := int32(-1)
	if bytes != nil {
		length = int32(len(bytes))
	}
	_ = binary.Write(d.hash, binary.BigEndian, length)
	d.hash.Write(bytes)
}

func (d digester) add(r *kgo.Record) {
	d.part(r.Key)
	d.part(r.Value)
	_ = binary.Write(d.hash, binary.BigEndian, int32(len(r.Headers)))
	for _, h := range r.Headers {
		d.part([]byte(h.Key))
		d.part(h.Value)
	}
}

func (d digester) sum() string { return hex.EncodeToString(d.hash.Sum(nil)) }
