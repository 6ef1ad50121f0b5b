// A franz-go client that a Node test drives: one JSON command a line on standard input, JSON answers on standard output.
// Promises one answer per command, in order: {"id", "result"} or {"id", "error"}, and {"id", "progress"} lines before it.
// Leaves every expectation to the test: this program reports what the client saw, and judges nothing.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
)

// A command gives up after this time, so that a broker that never answers fails the test by name.
const commandTimeout = 90 * time.Second

type call struct {
	ID               int    `json:"id"`
	Command          string `json:"command"`
	BootstrapServers string `json:"bootstrapServers"`
	// A release of Kafka ("v2.1"): the client then uses no version of a request that came after it.
	Release   string          `json:"release"`
	Arguments json.RawMessage `json:"arguments"`
}

type failure struct {
	Message string `json:"message"`
	Name    string `json:"name,omitempty"`
	Code    int16  `json:"code,omitempty"`
}

type answer struct {
	ID       int      `json:"id"`
	Result   any      `json:"result,omitempty"`
	Progress any      `json:"progress,omitempty"`
	Error    *failure `json:"error,omitempty"`
}

// session is what a command may use: the broker to talk to and the way to tell how far it has come.
type session struct {
	ctx              context.Context
	bootstrapServers string
	release          string
	progress         func(any)
}

type command func(s *session, arguments json.RawMessage) (any, error)

var commands = map[string]command{
	"createTopic": createTopic,
	"produce":     produce,
	"produceMany": produceMany,
	"consume":     consume,
	"digestMany":  digestMany,
	"request":     request,
	"admin":       admin,
}

func (s *session) client(options ...kgo.Opt) (*kgo.Client, error) {
	always := []kgo.Opt{
		kgo.SeedBrokers(s.bootstrapServers),
		kgo.ClientID("franz-go-interop"),
		kgo.MetadataMinAge(100 * time.Millisecond),
	}
	if s.release != "" {
		versions := kversion.FromString(s.release)
		if versions == nil {
			return nil, fmt.Errorf("franz-go knows no release %s", s.release)
		}
		always = append(always, kgo.MaxVersions(versions))
	}
	return kgo.NewClient(append(always, options...)...)
}

func (s *session) withAdmin(use func(*kadm.Client) (any, error)) (any, error) {
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return use(kadm.NewClient(client))
}

// describe finds the broker's error code inside whatever the client wrapped around it.
func describe(err error) *failure {
	described := &failure{Message: err.Error()}
	if code, ok := errors.AsType[*kerr.Error](err); ok {
		described.Name, described.Code = code.Message, code.Code
	}
	var sharded *kadm.ShardErrors
	if described.Code == 0 && errors.As(err, &sharded) && len(sharded.Errs) > 0 {
		inner := describe(sharded.Errs[0].Err)
		described.Name, described.Code = inner.Name, inner.Code
	}
	return described
}

func main() {
	var writing sync.Mutex
	output := json.NewEncoder(os.Stdout)
	write := func(a answer) {
		writing.Lock()
		defer writing.Unlock()
		if err := output.Encode(a); err != nil {
			fmt.Fprintln(os.Stderr, "cannot answer:", err)
			os.Exit(1)
		}
	}
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := input.ReadBytes('\n')
		if err != nil {
			return
		}
		var c call
		if err := json.Unmarshal(line, &c); err != nil {
			fmt.Fprintln(os.Stderr, "not a command:", err)
			os.Exit(1)
		}
		run(c, write)
	}
}

func run(c call, write func(answer)) {
	execute, ok := commands[c.Command]
	if !ok {
		write(answer{ID: c.ID, Error: &failure{Message: "no command named " + c.Command}})
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	s := &session{ctx, c.BootstrapServers, c.Release, func(p any) { write(answer{ID: c.ID, Progress: p}) }}
	result, err := execute(s, c.Arguments)
	if err != nil {
		write(answer{ID: c.ID, Error: describe(err)})
		return
	}
	write(answer{ID: c.ID, Result: result})
}
