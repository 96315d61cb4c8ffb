# SPDX-License-Identifier: MIT
"""What platform consumers do with Microsoft's Python SDK, against the connection string given.

Usage: scenarios.py [only=NAME] [restart] CONNECTION_STRING
Each scenario has a topic and a client of its own, so that all run side by side. With `restart` the
last one follows: it writes "restart the broker" and goes on after a line on standard input.
"""
import concurrent.futures
import datetime
import json
import sys
import time
import traceback
import uuid

from azure.servicebus import (
    AutoLockRenewer,
    ServiceBusClient,
    ServiceBusMessage,
    ServiceBusReceiveMode,
    ServiceBusSubQueue,
)
from azure.servicebus.exceptions import (
    MessageLockLostError,
    MessageSizeExceededError,
    MessagingEntityNotFoundError,
    ServiceBusAuthenticationError,
    ServiceBusAuthorizationError,
)

WAIT = 5
N_AT_ONCE = 12
# Times on the wire are milliseconds.
CLOCK = datetime.timedelta(milliseconds=10)


class World:
    def __init__(self, connection, number, **retries):
        self.connection = connection
        self.topic = f"events-{number}"
        retries = retries or {"retry_total": 0}
        self.client = ServiceBusClient.from_connection_string(connection, **retries)

    def send(self, *messages, topic=None):
        with self.client.get_topic_sender(topic or self.topic) as sender:
            for message in messages:
                sender.send_messages(message)

    def sender(self):
        return self.client.get_topic_sender(self.topic)

    def receiver(self, name="all", topic=None, **options):
        return self.client.get_subscription_receiver(topic or self.topic, name, **options)


def text_of(message):
    return b"".join(message.body).decode()


def one(receiver, wait=WAIT):
    messages = receiver.receive_messages(max_message_count=1, max_wait_time=wait)
    assert len(messages) == 1, f"{len(messages)} messages instead of 1"
    return messages[0]


def nothing(receiver):
    messages = receiver.receive_messages(max_message_count=1, max_wait_time=0.5)
    assert not messages, f"a message that nobody expected: {messages[0]}"


def send_receive_complete(world):
    sent = ServiceBusMessage(
        json.dumps({"type": "DIRECTIVE"}), message_id="id-1", subject="OCR", correlation_id="c-1",
        content_type="application/json", to="there", reply_to="here",
        application_properties={"step_type": "OCR", "attempt_no": 1, "ok": True, "ratio": 0.5})
    world.send(sent)
    with world.receiver() as receiver:
        message = one(receiver)
        assert text_of(message) == '{"type": "DIRECTIVE"}'
        assert message.message_id == "id-1" and message.subject == "OCR"
        assert message.correlation_id == "c-1" and message.content_type == "application/json"
        assert message.to == "there" and message.reply_to == "here"
        properties = {k.decode(): v for k, v in message.application_properties.items()}
        assert properties == {"step_type": b"OCR", "attempt_no": 1, "ok": True, "ratio": 0.5}, properties
        assert message.delivery_count == 0
        assert message.sequence_number > 0
        assert message.enqueued_time_utc is not None
        left = message.locked_until_utc - datetime.datetime.now(datetime.timezone.utc)
        assert 50 < left.total_seconds() <= 61, left
        receiver.complete_message(message)
        nothing(receiver)


def message_without_id_gets_one(world):
    world.send(ServiceBusMessage("x", message_id=None))
    with world.receiver() as receiver:
        message = one(receiver)
        assert message.message_id
        receiver.complete_message(message)


def batch(world):
    with world.sender() as sender:
        messages = sender.create_message_batch()
        for i in range(100):
            messages.add_message(ServiceBusMessage(f"m{i}", message_id=f"b{i}"))
        sender.send_messages(messages)
        sender.send_messages([ServiceBusMessage(f"m{i}") for i in range(100, 150)])
    got = []
    with world.receiver() as receiver:
        while len(got) < 150:
            messages = receiver.receive_messages(max_message_count=50, max_wait_time=WAIT)
            assert messages
            for message in messages:
                got.append(text_of(message))
                receiver.complete_message(message)
        nothing(receiver)
    assert got == [f"m{i}" for i in range(150)], got


def abandon_counts_and_ends_as_dead_letter(world):
    world.send(ServiceBusMessage("x", message_id="abandoned"))
    with world.receiver() as receiver:
        for count in range(3):
            message = one(receiver)
            assert message.delivery_count == count, message.delivery_count
            receiver.abandon_message(message)
        nothing(receiver)
    with world.receiver(sub_queue=ServiceBusSubQueue.DEAD_LETTER) as receiver:
        message = one(receiver)
        assert message.message_id == "abandoned"
        assert message.dead_letter_reason == "MaxDeliveryCountExceeded"
        receiver.complete_message(message)


def dead_letter(world):
    world.send(ServiceBusMessage("x", application_properties={"kept": "yes"}))
    with world.receiver() as receiver:
        receiver.dead_letter_message(
            one(receiver), reason="NotAReply", error_description="it has no jobId")
        nothing(receiver)
    with world.receiver(sub_queue=ServiceBusSubQueue.DEAD_LETTER) as receiver:
        message = one(receiver)
        assert message.dead_letter_reason == "NotAReply"
        assert message.dead_letter_error_description == "it has no jobId"
        assert message.application_properties[b"kept"] == b"yes"
        receiver.renew_message_lock(message)
        receiver.complete_message(message)
        nothing(receiver)


def defer(world):
    world.send(ServiceBusMessage("later"))
    with world.receiver() as receiver:
        message = one(receiver)
        receiver.defer_message(message)
        nothing(receiver)
        number = message.sequence_number
        deferred = receiver.receive_deferred_messages(number)
        assert text_of(deferred[0]) == "later"
        receiver.complete_message(deferred[0])
        try:
            receiver.receive_deferred_messages(number)
        except Exception as error:  # the SDK has no class of its own for this
            assert "not exist" in str(error) or "not-found" in str(error).lower(), error
        else:
            raise AssertionError("a completed message was received")


def renew(world):
    world.send(ServiceBusMessage("x"))
    with world.receiver("brief-lock") as receiver:
        message = one(receiver)
        first = message.locked_until_utc
        second = receiver.renew_message_lock(message)
        assert second > first
        receiver.complete_message(message)


def automatic_renewal(world):
    world.send(ServiceBusMessage("x"))
    renewer = AutoLockRenewer()
    with world.receiver("brief-lock") as receiver:
        message = one(receiver)
        renewer.register(receiver, message, max_lock_renewal_duration=30)
        until = message.locked_until_utc + datetime.timedelta(seconds=2)
        with world.receiver("brief-lock") as other:
            while datetime.datetime.now(datetime.timezone.utc) < until:
                nothing(other)
        receiver.complete_message(message)
    renewer.close()


def lock_that_is_lost(world):
    world.send(ServiceBusMessage("x"))
    with world.receiver("brief-lock") as receiver:
        message = one(receiver)
        again = one(receiver, 10)
        assert again.delivery_count == 1
        try:
            receiver.renew_message_lock(message)
        except MessageLockLostError:
            pass
        else:
            raise AssertionError("a lost lock was renewed")
        receiver.complete_message(again)
        nothing(receiver)


def large_messages(world):
    bodies = [bytes([65 + i]) * size for i, size in enumerate((60000, 65536, 200 * 1024, 900000))]
    for body in bodies:
        world.send(ServiceBusMessage(body))
    with world.receiver() as receiver:
        for body in bodies:
            message = one(receiver, 20)
            assert b"".join(message.body) == body
            receiver.complete_message(message)


def messages_around_the_frame_limit(world):
    """One of these fills a frame of 65536 bytes exactly on the way in."""
    sizes = range(65536 - 384, 65536)
    with world.sender() as sender:
        for size in sizes:
            sender.send_messages(ServiceBusMessage(b"f" * size))
    got = []
    with world.receiver(receive_mode=ServiceBusReceiveMode.RECEIVE_AND_DELETE) as receiver:
        while len(got) < len(sizes):
            messages = receiver.receive_messages(max_message_count=50, max_wait_time=WAIT)
            assert messages, f"only {len(got)} came"
            got += [len(b"".join(message.body)) for message in messages]
    assert got == list(sizes), got


def message_too_large(world):
    try:
        world.send(ServiceBusMessage(b"x" * (2 * 1024 * 1024)))
    except MessageSizeExceededError:
        pass
    else:
        raise AssertionError("two mebibytes were taken")


def empty_receive(world):
    with world.receiver() as receiver:
        start = time.monotonic()
        nothing(receiver)
        assert time.monotonic() - start < 5
        # What comes later must not be lost to the credit that is still out.
        world.send(ServiceBusMessage("after"))
        message = one(receiver)
        assert text_of(message) == "after" and message.delivery_count == 0
        receiver.complete_message(message)


def receive_and_delete(world):
    world.send(ServiceBusMessage("a"), ServiceBusMessage("b"))
    with world.receiver(receive_mode=ServiceBusReceiveMode.RECEIVE_AND_DELETE) as receiver:
        got = []
        while len(got) < 2:
            got += [text_of(m) for m in receiver.receive_messages(10, max_wait_time=WAIT)]
        assert got == ["a", "b"]
    with world.receiver() as receiver:
        nothing(receiver)


def peek(world):
    world.send(*[ServiceBusMessage(f"p{i}") for i in range(3)])
    with world.receiver() as receiver:
        peeked = receiver.peek_messages(max_message_count=2)
        assert [text_of(m) for m in peeked] == ["p0", "p1"]
        rest = receiver.peek_messages(10, sequence_number=peeked[-1].sequence_number + 1)
        assert [text_of(m) for m in rest] == ["p2"]
    with world.receiver("red") as receiver:
        assert receiver.peek_messages() == []


def schedule(world):
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
    late = soon + datetime.timedelta(hours=1)
    with world.sender() as sender:
        numbers = sender.schedule_messages(
            [ServiceBusMessage("soon"), ServiceBusMessage("soon too")], soon)
        assert len(numbers) == 2
        number = sender.schedule_messages(ServiceBusMessage("never"), late)
        sender.cancel_scheduled_messages(number)
        sender.send_messages(ServiceBusMessage("annotated", scheduled_enqueue_time_utc=soon))
    with world.receiver() as receiver:
        got = set()
        while len(got) < 3:
            message = one(receiver, 10)
            assert datetime.datetime.now(datetime.timezone.utc) >= soon - CLOCK
            got.add(text_of(message))
            receiver.complete_message(message)
        assert got == {"soon", "soon too", "annotated"}, got


def unknown_entities(world):
    for attempt in (
        lambda: world.send(ServiceBusMessage("x"), topic="no-such-topic"),
        lambda: one(world.receiver("sub", "no-such-topic")),
    ):
        start = time.monotonic()
        try:
            attempt()
        except MessagingEntityNotFoundError as error:
            assert "could not be found" in str(error)
        else:
            raise AssertionError("an unknown topic was there")
        assert time.monotonic() - start < 10


def wrong_key(world):
    bad = ServiceBusClient.from_connection_string(
        world.connection.replace("SAS_KEY_VALUE", "ANOTHER_KEY"), retry_total=0)
    try:
        with bad, bad.get_topic_sender(world.topic) as sender:
            sender.send_messages(ServiceBusMessage("x"))
    except (ServiceBusAuthenticationError, ServiceBusAuthorizationError):
        pass
    else:
        raise AssertionError("another key was taken")


def filters(world):
    def paint(color, size):
        return ServiceBusMessage(
            color, subject="paint", application_properties={"color": color, "size": size})

    world.send(paint("red", 5), paint("blue", 20), paint("red", 20), ServiceBusMessage("red"))
    for name, expected in (("red", ["red", "red"]), ("large", ["blue", "red"])):
        with world.receiver(name) as receiver:
            got = []
            while len(got) < 2:
                message = one(receiver)
                got.append(text_of(message))
                receiver.complete_message(message)
            nothing(receiver)
            assert got == expected, got


def shipped_subscriptions(world):
    topic = "global-bus-p3"
    by_property = ServiceBusMessage("{}", application_properties={"step_type": "OCR"})
    by_body = ServiceBusMessage(json.dumps({"type": "DIRECTIVE", "step_type": "EMBEDDING"}))
    world.send(by_property, by_body, topic=topic)
    for name, n in (("distributed-ocr", 1), ("vector-ingestion", 1), ("semantic-intelligence", 0)):
        with world.receiver(name, topic) as receiver:
            for _ in range(n):
                receiver.complete_message(one(receiver))
            nothing(receiver)
    world.send(ServiceBusMessage("{}"), topic="global-bus-replies-p3")
    with world.receiver("lucius-invoker", "global-bus-replies-p3") as receiver:
        receiver.complete_message(one(receiver))


def subscription_made_by_its_receiver(world):
    name = "made-" + uuid.uuid4().hex[:8]
    with world.receiver(name) as receiver:
        nothing(receiver)
        world.send(ServiceBusMessage("for all"))
        receiver.complete_message(one(receiver))


def duplicates(world):
    world.send(*[ServiceBusMessage("x", message_id="same") for _ in range(3)], topic="unique")
    with world.receiver("all", "unique") as receiver:
        receiver.complete_message(one(receiver))
        nothing(receiver)


def queue(world):
    with world.client.get_queue_sender("queue.1") as sender:
        sender.send_messages(ServiceBusMessage("q"))
    with world.client.get_queue_receiver("queue.1") as receiver:
        message = one(receiver)
        receiver.renew_message_lock(message)
        receiver.dead_letter_message(message, reason="r")
    with world.client.get_queue_receiver(
            "queue.1", sub_queue=ServiceBusSubQueue.DEAD_LETTER) as receiver:
        receiver.complete_message(one(receiver))


def many_messages(world):
    n = 2000
    with world.sender() as sender:
        for start in range(0, n, 500):
            sender.send_messages([ServiceBusMessage(str(i)) for i in range(start, start + 500)])
    got = 0
    with world.receiver(prefetch_count=200) as receiver:
        while got < n:
            messages = receiver.receive_messages(max_message_count=200, max_wait_time=WAIT)
            assert messages, f"only {got}"
            for message in messages:
                receiver.complete_message(message)
            got += len(messages)
    assert got == n


def goes_on_after_the_broker_restarted(world):
    """With what it had before: client, sender and receiver."""
    with world.sender() as sender, world.receiver() as receiver:
        sender.send_messages(ServiceBusMessage("before"))
        receiver.complete_message(one(receiver))
        print("restart the broker", flush=True)
        assert sys.stdin.readline(), "nobody said that it has been restarted"
        sender.send_messages(ServiceBusMessage("after"))
        message = one(receiver, 30)
        assert text_of(message) == "after"
        receiver.renew_message_lock(message)
        receiver.complete_message(message)
        nothing(receiver)


SCENARIOS = [
    send_receive_complete, message_without_id_gets_one, batch,
    abandon_counts_and_ends_as_dead_letter, dead_letter, defer, renew, automatic_renewal,
    lock_that_is_lost, large_messages, messages_around_the_frame_limit, message_too_large, empty_receive, receive_and_delete, peek,
    schedule, unknown_entities, wrong_key, filters, shipped_subscriptions,
    subscription_made_by_its_receiver, duplicates, queue, many_messages,
]


def run(connection, number, scenario=None, **retries):
    scenario = scenario or SCENARIOS[number]
    start = time.monotonic()
    try:
        world = World(connection, number, **retries)
        with world.client:
            scenario(world)
    except Exception:  # each scenario is reported, the rest still run
        print(f"{traceback.format_exc()}FAIL {scenario.__name__}", flush=True)
        return False
    print(f"ok   {scenario.__name__} ({time.monotonic() - start:.1f} s)", flush=True)
    return True


def main():
    only = [a[5:] for a in sys.argv[1:-1] if a.startswith("only=")]
    numbers = [i for i, s in enumerate(SCENARIOS) if not only or s.__name__ in only]
    with concurrent.futures.ThreadPoolExecutor(N_AT_ONCE) as pool:
        results = list(pool.map(lambda number: run(sys.argv[-1], number), numbers))
    if "restart" in sys.argv[1:-1]:
        results.append(run(sys.argv[-1], len(SCENARIOS), goes_on_after_the_broker_restarted,
                           retry_total=10, retry_backoff_factor=0.2))
    print(f"{len(results)} scenarios, {results.count(False)} failed")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
