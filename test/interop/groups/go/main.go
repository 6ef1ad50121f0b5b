// Members of groups by Go clients: the first argument names the client, the others are those of README-groups.md.
// Promises to leave the group when standard input ends. Leaves each client to its own file.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

const (
	rebalanceTimeout  = 10 * time.Second
	heartbeatInterval = time.Second
	fetchWait         = 100 * time.Millisecond
	pollWait          = 200 * time.Millisecond
	recordsPerCommit  = 50
)

type arguments struct {
	bootstrap, group, name, regex, instance, strategy, protocol string
	topics                                                      []string
	session                                                     time.Duration
	partitions                                                  int32
	count                                                       int64
}

// member runs until the context is over, then leaves the group.
type member func(ctx context.Context, args arguments, report *report) error

var members = map[string]member{
	"franz-go": franzGo,
	"sarama":   saramaMember,
	"kafka-go": kafkaGo,
}

func main() {
	if len(os.Args) < 2 || members[os.Args[1]] == nil && plainReaders[os.Args[1]] == nil {
		fail(fmt.Errorf("usage: groups franz-go|sarama|kafka-go|plain-franz-go|plain-sarama --bootstrap ..."))
	}
	var args arguments
	var topics string
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	flags.StringVar(&args.bootstrap, "bootstrap", "", "")
	flags.StringVar(&args.group, "group", "", "")
	flags.StringVar(&args.name, "name", "", "")
	flags.StringVar(&topics, "topics", "", "")
	flags.StringVar(&args.regex, "regex", "", "")
	flags.StringVar(&args.instance, "instance", "", "")
	flags.StringVar(&args.strategy, "strategy", "", "")
	flags.StringVar(&args.protocol, "protocol", "classic", "")
	sessionMs := flags.Int("session", 6000, "milliseconds; classic groups only")
	partitions := flags.Int("partitions", 1, "of plain readers")
	flags.Int64Var(&args.count, "count", 0, "of plain readers: records of each partition")
	if err := flags.Parse(os.Args[2:]); err != nil {
		fail(err)
	}
	args.partitions = int32(*partitions)
	args.session = time.Duration(*sessionMs) * time.Millisecond
	if topics != "" {
		args.topics = strings.Split(topics, ",")
	}
	if plainReaders[os.Args[1]] != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := plain(ctx, os.Args[1], args); err != nil {
			fail(err)
		}
		return
	}
	ctx, leave := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		leave()
	}()
	report := newReport(args.name)
	if err := members[os.Args[1]](ctx, args, report); err != nil {
		fail(err)
	}
	report.left()
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
