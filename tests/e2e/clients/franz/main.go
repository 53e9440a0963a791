// franz-go as a stock client: sends records, reads them back in a group and commits; copies them within transactions.
//
//	franz round ADDRESS TOPIC COUNT           the group is named as the topic
//	franz copy  ADDRESS TOPIC COUNT OUTPUT    first a copy that is aborted (numbers from COUNT on), then one that is committed
//	franz idle  ADDRESS TOPIC COUNT           fetches an empty topic COUNT times; prints the bytes of each
//
// With STOCK_SASL=mechanism:user:password and STOCK_CA=file it comes in over TLS.
// What it read is printed as name:text,name:text <tab> key <tab> value. The records are those of stock.py's record(i).
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

func need(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// client with what every one of them needs.
func client(address string, opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(reach(address), opts...)...)
}

func reach(address string) []kgo.Opt {
	opts := []kgo.Opt{kgo.SeedBrokers(address)}
	parts := strings.Split(os.Getenv("STOCK_SASL"), ":")
	if len(parts) != 3 {
		return opts
	}
	authority, err := os.ReadFile(os.Getenv("STOCK_CA"))
	need(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	opts = append(opts, kgo.DialTLSConfig(&tls.Config{RootCAs: pool}))
	switch mechanism, user, password := parts[0], parts[1], parts[2]; mechanism {
	case "PLAIN":
		opts = append(opts, kgo.SASL(plain.Auth{User: user, Pass: password}.AsMechanism()))
	case "SCRAM-SHA-256":
		opts = append(opts, kgo.SASL(scram.Auth{User: user, Pass: password}.AsSha256Mechanism()))
	default:
		opts = append(opts, kgo.SASL(scram.Auth{User: user, Pass: password}.AsSha512Mechanism()))
	}
	return opts
}

func record(topic string, i int) *kgo.Record {
	return &kgo.Record{
		Topic: topic,
		Key:   []byte(fmt.Sprintf("key-%d", i)),
		Value: []byte(fmt.Sprintf("value %d é", i)),
		Headers: []kgo.RecordHeader{
			{Key: "number", Value: []byte(strconv.Itoa(i))}, {Key: "kind", Value: []byte("x")}},
	}
}

func records(topic string, first, count int) []*kgo.Record {
	some := make([]*kgo.Record, 0, count)
	for i := first; i < first+count; i++ {
		some = append(some, record(topic, i))
	}
	return some
}

func printAll(some []*kgo.Record) {
	out := bufio.NewWriter(os.Stdout)
	for _, r := range some {
		headers := make([]string, 0, len(r.Headers))
		for _, h := range r.Headers {
			headers = append(headers, h.Key+":"+string(h.Value))
		}
		fmt.Fprintf(out, "%s\t%s\t%s\n", strings.Join(headers, ","), r.Key, r.Value)
	}
	need(out.Flush())
}

func poll(ctx context.Context, fetch func(context.Context) kgo.Fetches, count int) []*kgo.Record {
	got := []*kgo.Record{}
	for len(got) < count {
		fetches := fetch(ctx)
		need(fetches.Err())
		got = append(got, fetches.Records()...)
	}
	return got
}

func round(ctx context.Context, address, topic string, count int) {
	producer, err := client(address) // Idempotent by default.
	need(err)
	need(producer.ProduceSync(ctx, records(topic, 0, count)...).FirstErr())
	producer.Close()
	consumer, err := client(address, kgo.ConsumerGroup(topic), kgo.ConsumeTopics(topic),
		kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	need(err)
	got := poll(ctx, consumer.PollFetches, count)
	need(consumer.CommitUncommittedOffsets(ctx))
	consumer.Close()
	printAll(got)
}

func copyTwice(ctx context.Context, address, topic string, count int, output string) {
	var got []*kgo.Record
	for _, end := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit} {
		session, err := kgo.NewGroupTransactSession(append(reach(address), kgo.TransactionalID(topic),
			kgo.ConsumerGroup(topic), kgo.ConsumeTopics(topic), kgo.RequireStableFetchOffsets(),
			kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
		need(err)
		got = poll(ctx, session.PollFetches, count) // All of them again after the abort: its offsets do not count.
		need(session.Begin())
		some := records(output, count, count)
		if end == kgo.TryCommit {
			some = nil
			for _, r := range got {
				some = append(some, &kgo.Record{Topic: output, Key: r.Key, Value: r.Value, Headers: r.Headers})
			}
		}
		need(session.ProduceSync(ctx, some...).FirstErr())
		committed, err := session.End(ctx, end)
		need(err)
		if committed != bool(end) {
			need(fmt.Errorf("the transaction's end: committed %t, wanted %t", committed, end))
		}
		session.Close()
	}
	printAll(got)
}

// traffic has the bytes of each fetch that was answered, both ways.
type traffic struct {
	mutex  sync.Mutex
	bytes  []int
	enough int
	done   chan struct{}
}

func (t *traffic) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if key == 1 && e2e.Err() == nil && len(t.bytes) < t.enough {
		if t.bytes = append(t.bytes, e2e.BytesWritten+e2e.BytesRead); len(t.bytes) == t.enough {
			close(t.done)
		}
	}
}

func idle(ctx context.Context, address, topic string, count int) {
	counted := &traffic{enough: count, done: make(chan struct{})}
	consumer, err := client(address, kgo.ConsumeTopics(topic), kgo.FetchMaxWait(100*time.Millisecond), kgo.WithHooks(counted))
	need(err)
	polled, stop := context.WithCancel(ctx)
	go func() {
		for polled.Err() == nil {
			consumer.PollFetches(polled)
		}
	}()
	select {
	case <-counted.done:
	case <-ctx.Done():
		need(ctx.Err())
	}
	stop()
	consumer.Close()
	for _, bytes := range counted.bytes {
		fmt.Println(bytes)
	}
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	count, err := strconv.Atoi(os.Args[4])
	need(err)
	switch os.Args[1] {
	case "round":
		round(ctx, os.Args[2], os.Args[3], count)
	case "idle":
		idle(ctx, os.Args[2], os.Args[3], count)
	default:
		copyTwice(ctx, os.Args[2], os.Args[3], count, os.Args[5])
	}
}
