// What a member of a group tells its test: one line an event (test/interop/programs/README-groups.md).
// Promises that each line is written at once and whole, so that a member that is killed has told all that it did.
package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const noGeneration = -1

type report struct {
	name    string
	writing sync.Mutex
}

func newReport(name string) *report {
	return &report{name: name}
}

func (r *report) line(kind string, fields ...string) {
	r.writing.Lock()
	defer r.writing.Unlock()
	at := fmt.Sprintf("%.3f", float64(time.Now().UnixMicro())/1000)
	text := strings.Join(append([]string{at, kind, r.name}, fields...), "\t") + "\n"
	if _, err := os.Stdout.WriteString(text); err != nil {
		fail(err)
	}
}

func (r *report) ready() { r.line("ready") }

func (r *report) left() { r.line("left") }

// partitions tells that partitions (by topic) are `assigned`, `revoked` or `lost`.
func (r *report) partitions(kind string, generation int32, partitions map[string][]int32) {
	told := "-"
	if generation != noGeneration {
		told = fmt.Sprint(generation)
	}
	var names []string
	for topic, indexes := range partitions {
		for _, index := range indexes {
			names = append(names, fmt.Sprintf("%s-%d", topic, index))
		}
	}
	slices.Sort(names)
	r.line(kind, told, strings.Join(names, ","))
}

func (r *report) record(topic string, partition int32, offset int64, value []byte) {
	r.line("record", fmt.Sprintf("%s-%d", topic, partition), fmt.Sprint(offset), string(value))
}

func (r *report) committed(topic string, partition int32, offset int64) {
	r.line("committed", fmt.Sprintf("%s-%d:%d", topic, partition, offset))
}

// hindered notes an error that the client gets over.
func (r *report) hindered(err error) {
	fmt.Fprintf(os.Stderr, "%s: %v\n", r.name, err)
}
