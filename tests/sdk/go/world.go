// SPDX-License-Identifier: MIT

// What scenarios share: a topic each, messages that come or do not, checks that end a scenario.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

const bound = 30 * time.Second

// Lock tokens are read from dead letters with this.
var deadLetters = &azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter}

type world struct {
	client     *azservicebus.Client
	connection string
	topic      string
	context    context.Context
	sending    *azservicebus.Sender
}

// A check that does not hold; run() reports it and the other scenarios go on.
type failure struct{ sentence string }

func fail(format string, arguments ...any) {
	panic(failure{fmt.Sprintf(format, arguments...)})
}

func must(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func want(found, expected any) {
	if found != expected {
		fail("found %v (%T) instead of %v (%T)", found, found, expected, expected)
	}
}

func wantCode(err error, code azservicebus.Code) {
	var typed *azservicebus.Error
	if !errors.As(err, &typed) || typed.Code != code {
		fail("found %v instead of an error with code %s", err, code)
	}
}

func (w *world) sender() *azservicebus.Sender {
	if w.sending == nil {
		sender, err := w.client.NewSender(w.topic, nil)
		must(err)
		w.sending = sender
	}
	return w.sending
}

func (w *world) send(messages ...*azservicebus.Message) {
	for _, message := range messages {
		must(w.sender().SendMessage(w.context, message, nil))
	}
}

func text(body string) *azservicebus.Message {
	return &azservicebus.Message{Body: []byte(body)}
}

func (w *world) receiver(name string, options *azservicebus.ReceiverOptions) *azservicebus.Receiver {
	receiver, err := w.client.NewReceiverForSubscription(w.topic, name, options)
	must(err)
	return receiver
}

// Up to n messages that come within the time; none at all is no error here.
func (w *world) some(receiver *azservicebus.Receiver, n int, wait time.Duration) []*azservicebus.ReceivedMessage {
	timed, cancel := context.WithTimeout(w.context, wait)
	defer cancel()
	messages, err := receiver.ReceiveMessages(timed, n, nil)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		fail("%v", err)
	}
	return messages
}

// After a lost link the SDK returns nothing at once, without an error: it must be called again.
func (w *world) one(receiver *azservicebus.Receiver) *azservicebus.ReceivedMessage {
	for until := time.Now().Add(bound); time.Now().Before(until); {
		if messages := w.some(receiver, 1, time.Until(until)); len(messages) != 0 {
			return messages[0]
		}
	}
	fail("a message did not come")
	return nil
}

func (w *world) nothing(receiver *azservicebus.Receiver) {
	if messages := w.some(receiver, 1, 500*time.Millisecond); len(messages) != 0 {
		fail("a message that nobody expected: %s", messages[0].Body)
	}
}

func (w *world) complete(receiver *azservicebus.Receiver, message *azservicebus.ReceivedMessage) {
	must(receiver.CompleteMessage(w.context, message, nil))
}
