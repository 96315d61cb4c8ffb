// SPDX-License-Identifier: MIT

// What platform consumers do with Microsoft's Go SDK, against the connection string given.
//
// Usage: scenarios [only=NAME] [restart] CONNECTION_STRING
// Each scenario has a topic of its own; all run side by side on one connection. With `restart` the
// last one follows: it writes "restart the broker" and goes on after a line on standard input.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

var scenarios = []func(w *world){
	sendReceiveComplete, batch, fullBatch, abandonCountsAndEndsAsDeadLetter, deadLetter,
	deferAndReceiveBySequenceNumber, renewBeyondTheFirstLock, lockThatIsLost, largeMessages,
	messagesAroundTheFrameLimit, messageTooLarge, emptyReceive, releasesDoNotCount,
	receiveAndDelete, peek, schedule, unknownEntity, wrongKey, manyReceivers,
}

func nameOf(scenario func(w *world)) string {
	name := runtime.FuncForPC(reflect.ValueOf(scenario).Pointer()).Name()
	return name[strings.LastIndex(name, ".")+1:]
}

func connect(connection string) *azservicebus.Client {
	client, err := azservicebus.NewClientFromConnectionString(connection, &azservicebus.ClientOptions{
		RetryOptions: azservicebus.RetryOptions{
			MaxRetries: 10, RetryDelay: 200 * time.Millisecond, MaxRetryDelay: time.Second}})
	must(err)
	return client
}

// Goes on with what it had before the broker went away: client, sender and receiver.
func goesOnAfterTheBrokerRestarted(w *world) {
	receiver := w.receiver("all", nil)
	w.send(text("before"))
	w.complete(receiver, w.one(receiver))
	fmt.Println("restart the broker")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		fail("nobody said that it has been restarted: %v", err)
	}
	w.send(text("after"))
	message := w.one(receiver)
	want(string(message.Body), "after")
	must(receiver.RenewMessageLock(w.context, message, nil))
	w.complete(receiver, message)
	w.nothing(receiver)
}

// Reports a failed check; anything else that panics ends the program.
func run(scenario func(w *world), w *world) (isGood bool) {
	start := time.Now()
	defer func() {
		if reason := recover(); reason != nil {
			sentence, isCheck := reason.(failure)
			if !isCheck {
				panic(reason)
			}
			fmt.Printf("FAIL %s: %s\n", nameOf(scenario), sentence.sentence)
			isGood = false
		}
	}()
	timed, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	w.context = timed
	scenario(w)
	fmt.Printf("ok   %s (%.1f s)\n", nameOf(scenario), time.Since(start).Seconds())
	return true
}

func main() {
	connection := os.Args[len(os.Args)-1]
	only, isRestarting := "", false
	for _, argument := range os.Args[1 : len(os.Args)-1] {
		only, _ = strings.CutPrefix(argument, "only=")
		isRestarting = isRestarting || argument == "restart"
	}
	client := connect(connection)
	var waiting sync.WaitGroup
	results := make([]bool, len(scenarios)+1)
	n := 0
	for i, scenario := range scenarios {
		if only != "" && only != nameOf(scenario) && !isRestarting {
			results[i] = true
			continue
		}
		n++
		w := &world{client: client, connection: connection, topic: fmt.Sprintf("events-%d", i)}
		waiting.Go(func() { results[i] = run(scenario, w) })
	}
	waiting.Wait()
	last := len(scenarios)
	results[last] = true
	if isRestarting {
		n++
		results[last] = run(goesOnAfterTheBrokerRestarted, &world{
			client: client, connection: connection, topic: fmt.Sprintf("events-%d", last)})
	}
	_ = client.Close(context.Background())
	failed := 0
	for _, isGood := range results {
		if !isGood {
			failed++
		}
	}
	fmt.Printf("%d scenarios, %d failed\n", n, failed)
	if failed != 0 || n == 0 {
		os.Exit(1)
	}
}
