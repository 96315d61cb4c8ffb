// SPDX-License-Identifier: MIT

// What is asked of the broker, a function a scenario; the names say what must come out.
package main

import (
	"bytes"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

func sendReceiveComplete(w *world) {
	w.send(&azservicebus.Message{
		Body: []byte(`{"type": "DIRECTIVE"}`), MessageID: to.Ptr("id-1"), Subject: to.Ptr("OCR"),
		CorrelationID: to.Ptr("c-1"), ContentType: to.Ptr("application/json"), To: to.Ptr("there"),
		ReplyTo: to.Ptr("here"),
		ApplicationProperties: map[string]any{
			"step_type": "OCR", "attempt_no": int64(1), "ok": true, "ratio": 0.5},
	})
	receiver := w.receiver("all", nil)
	message := w.one(receiver)
	want(string(message.Body), `{"type": "DIRECTIVE"}`)
	want(message.MessageID, "id-1")
	want(*message.Subject, "OCR")
	want(*message.CorrelationID, "c-1")
	want(*message.ContentType, "application/json")
	want(*message.To, "there")
	want(*message.ReplyTo, "here")
	want(len(message.ApplicationProperties), 4)
	want(message.ApplicationProperties["step_type"], "OCR")
	want(message.ApplicationProperties["attempt_no"], int64(1))
	want(message.ApplicationProperties["ok"], true)
	want(message.ApplicationProperties["ratio"], 0.5)
	want(message.DeliveryCount, uint32(1))
	if left := time.Until(*message.LockedUntil); left < 50*time.Second || left > 61*time.Second {
		fail("the lock lasts %s", left)
	}
	w.complete(receiver, message)
	w.nothing(receiver)
}

func batch(w *world) {
	messages, err := w.sender().NewMessageBatch(w.context, nil)
	must(err)
	for i := 0; i < 100; i++ {
		must(messages.AddMessage(text(strings.Repeat("b", i)), nil))
	}
	must(w.sender().SendMessageBatch(w.context, messages, nil))
	receiver := w.receiver("all", nil)
	for n := 0; n < 100; {
		for _, message := range w.some(receiver, 50, bound) {
			want(len(message.Body), n)
			w.complete(receiver, message)
			n++
		}
	}
	w.nothing(receiver)
}

// As many bytes as the link allows, to the last message that fits.
func fullBatch(w *world) {
	messages, err := w.sender().NewMessageBatch(w.context, nil)
	must(err)
	n := 0
	for messages.AddMessage(text(strings.Repeat("x", 4000)), nil) == nil {
		n++
	}
	must(w.sender().SendMessageBatch(w.context, messages, nil))
	receiver := w.receiver("all", nil)
	for n > 0 {
		for _, message := range w.some(receiver, 50, bound) {
			w.complete(receiver, message)
			n--
		}
	}
	w.nothing(receiver)
}

func abandonCountsAndEndsAsDeadLetter(w *world) {
	w.send(&azservicebus.Message{Body: []byte("x"), MessageID: to.Ptr("abandoned")})
	receiver := w.receiver("all", nil)
	for count := uint32(1); count <= 3; count++ {
		message := w.one(receiver)
		want(message.DeliveryCount, count)
		must(receiver.AbandonMessage(w.context, message, &azservicebus.AbandonMessageOptions{
			PropertiesToModify: map[string]any{"tried": int64(count)}}))
	}
	w.nothing(receiver)
	dead := w.receiver("all", deadLetters)
	message := w.one(dead)
	want(message.MessageID, "abandoned")
	want(*message.DeadLetterReason, "MaxDeliveryCountExceeded")
	want(message.ApplicationProperties["tried"], int64(3))
	w.complete(dead, message)
}

func deadLetter(w *world) {
	w.send(&azservicebus.Message{
		Body: []byte("x"), ApplicationProperties: map[string]any{"kept": "yes"}})
	receiver := w.receiver("all", nil)
	must(receiver.DeadLetterMessage(w.context, w.one(receiver), &azservicebus.DeadLetterOptions{
		Reason: to.Ptr("NotAReply"), ErrorDescription: to.Ptr("it has no jobId")}))
	w.nothing(receiver)
	dead := w.receiver("all", deadLetters)
	message := w.one(dead)
	want(*message.DeadLetterReason, "NotAReply")
	want(*message.DeadLetterErrorDescription, "it has no jobId")
	want(message.ApplicationProperties["kept"], "yes")
	must(dead.RenewMessageLock(w.context, message, nil))
	w.complete(dead, message)
	w.nothing(dead)
}

func deferAndReceiveBySequenceNumber(w *world) {
	w.send(text("later"))
	receiver := w.receiver("all", nil)
	message := w.one(receiver)
	must(receiver.DeferMessage(w.context, message, nil))
	w.nothing(receiver)
	deferred, err := receiver.ReceiveDeferredMessages(w.context, []int64{*message.SequenceNumber}, nil)
	must(err)
	want(string(deferred[0].Body), "later")
	w.complete(receiver, deferred[0])
}

// A lock of two seconds held for five.
func renewBeyondTheFirstLock(w *world) {
	w.send(text("x"))
	receiver := w.receiver("brief-lock", nil)
	message := w.one(receiver)
	first := *message.LockedUntil
	for until := time.Now().Add(5 * time.Second); time.Now().Before(until); {
		must(receiver.RenewMessageLock(w.context, message, nil))
		other := w.receiver("brief-lock", nil)
		w.nothing(other)
		must(other.Close(w.context))
	}
	if !message.LockedUntil.After(first.Add(2 * time.Second)) {
		fail("the lock ends at %s, the first at %s", message.LockedUntil, first)
	}
	w.complete(receiver, message)
}

func lockThatIsLost(w *world) {
	w.send(text("x"))
	receiver := w.receiver("brief-lock", nil)
	message := w.one(receiver)
	other := w.receiver("brief-lock", nil)
	again := w.one(other)
	want(again.DeliveryCount, uint32(2))
	wantCode(receiver.RenewMessageLock(w.context, message, nil), azservicebus.CodeLockLost)
	wantCode(receiver.CompleteMessage(w.context, message, nil), azservicebus.CodeLockLost)
	w.complete(other, again)
	w.nothing(other)
}

func largeMessages(w *world) {
	receiver := w.receiver("all", nil)
	for i, size := range []int{60000, 65536, 200 * 1024, 900000} {
		body := bytes.Repeat([]byte{byte('A' + i)}, size)
		w.send(&azservicebus.Message{Body: body})
		message := w.one(receiver)
		if !bytes.Equal(message.Body, body) {
			fail("%d bytes came back as others", size)
		}
		w.complete(receiver, message)
	}
}

// One of these fills a frame of 65536 bytes exactly, on the way in and on the way out.
func messagesAroundTheFrameLimit(w *world) {
	receiver := w.receiver("all", &azservicebus.ReceiverOptions{
		ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete})
	for size := 65536 - 384; size < 65536; size++ {
		w.send(&azservicebus.Message{Body: bytes.Repeat([]byte{'f'}, size)})
		want(len(w.one(receiver).Body), size)
	}
}

func messageTooLarge(w *world) {
	err := w.sender().SendMessage(w.context, text(strings.Repeat("x", 2<<20)), nil)
	if err == nil || !strings.Contains(err.Error(), "too large") {
		fail("two mebibytes gave %v", err)
	}
	w.send(text("the next one"))
}

func emptyReceive(w *world) {
	receiver := w.receiver("all", nil)
	w.nothing(receiver)
	// The SDK releases what comes to credit that it has left lying; none of that may count.
	w.send(text("after"))
	message := w.one(receiver)
	want(string(message.Body), "after")
	want(message.DeliveryCount, uint32(1))
	w.complete(receiver, message)
}

// More credit than messages: each release brings it back at once, until the credit is used up.
func releasesDoNotCount(w *world) {
	receiver := w.receiver("all", nil)
	if got := w.some(receiver, 10, time.Second); len(got) != 0 {
		fail("%d messages from nowhere", len(got))
	}
	w.send(text("a"), text("b"))
	bodies := map[string]bool{}
	for range 2 {
		message := w.one(receiver)
		bodies[string(message.Body)] = true
		want(message.DeliveryCount, uint32(1))
		w.complete(receiver, message)
	}
	want(len(bodies), 2)
	w.nothing(receiver)
}

func receiveAndDelete(w *world) {
	w.send(text("a"), text("b"))
	receiver := w.receiver("all", &azservicebus.ReceiverOptions{
		ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete})
	want(string(w.one(receiver).Body), "a")
	want(string(w.one(receiver).Body), "b")
	w.nothing(w.receiver("all", nil))
}

func peek(w *world) {
	w.send(text("p0"), text("p1"), text("p2"))
	receiver := w.receiver("all", nil)
	var bodies []string
	for range 3 {
		messages, err := receiver.PeekMessages(w.context, 2, nil)
		must(err)
		for _, message := range messages {
			bodies = append(bodies, string(message.Body))
		}
	}
	want(strings.Join(bodies, " "), "p0 p1 p2")
}

func schedule(w *world) {
	soon := time.Now().Add(1500 * time.Millisecond)
	numbers, err := w.sender().ScheduleMessages(
		w.context, []*azservicebus.Message{text("soon")}, soon, nil)
	must(err)
	want(len(numbers), 1)
	numbers, err = w.sender().ScheduleMessages(
		w.context, []*azservicebus.Message{text("never")}, soon.Add(time.Hour), nil)
	must(err)
	must(w.sender().CancelScheduledMessages(w.context, numbers, nil))
	receiver := w.receiver("all", nil)
	message := w.one(receiver)
	want(string(message.Body), "soon")
	if time.Now().Before(soon.Add(-10 * time.Millisecond)) {
		fail("it came %s too early", time.Until(soon))
	}
	w.complete(receiver, message)
}

func unknownEntity(w *world) {
	sender, err := w.client.NewSender("no-such-topic", nil)
	must(err)
	start := time.Now()
	err = sender.SendMessage(w.context, text("x"), nil)
	if err == nil || !strings.Contains(err.Error(), "could not be found") {
		fail("an unknown topic gave %v", err)
	}
	if waited := time.Since(start); waited > 5*time.Second {
		fail("it was tried again, for %s", waited)
	}
}

func wrongKey(w *world) {
	other, err := azservicebus.NewClientFromConnectionString(
		strings.ReplaceAll(w.connection, "SAS_KEY_VALUE", "ANOTHER_KEY"), nil)
	must(err)
	sender, err := other.NewSender(w.topic, nil)
	must(err)
	wantCode(sender.SendMessage(w.context, text("x"), nil), azservicebus.CodeUnauthorizedAccess)
	must(other.Close(w.context))
}

// Forty receivers on one connection: a session each, one more for each management node.
func manyReceivers(w *world) {
	for i := range 40 {
		w.send(text("m"))
		receiver := w.receiver("all", nil)
		message := w.one(receiver)
		want(message.DeliveryCount, uint32(1))
		w.complete(receiver, message)
		if i%2 == 0 {
			must(receiver.Close(w.context))
		}
	}
}
