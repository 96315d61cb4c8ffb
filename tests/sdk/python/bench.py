# SPDX-License-Identifier: MIT
"""How many messages a second Microsoft's Python SDK sends, and receives and completes.

Usage: bench.py N BYTES TOPIC SUBSCRIPTION CONNECTION_STRING. Prints JSON.
"""
import json
import sys
import time

from azure.servicebus import ServiceBusClient, ServiceBusMessage

NAMES = ("tenant_id", "job_id", "step_id", "step_type", "service", "lane", "mode", "attempt_no",
         "lease_id")


def rate(n, work):
    start = time.monotonic()
    work()
    return n / (time.monotonic() - start)


def send_all(sender, n, size):
    for _ in range(n):
        sender.send_messages(ServiceBusMessage(
            b"x" * size, subject="OCR", content_type="application/json",
            application_properties={name: "0123456789abcdef" for name in NAMES}))


def receive_all(receiver, n):
    left = n
    while left > 0:
        for message in receiver.receive_messages(max_message_count=500, max_wait_time=10):
            receiver.complete_message(message)
            left -= 1


def main():
    n, size = int(sys.argv[1]), int(sys.argv[2])
    topic, subscription, connection = sys.argv[3:]
    with ServiceBusClient.from_connection_string(connection) as client:
        with client.get_topic_sender(topic) as sender:
            send_all(sender, 20, size)
            send = rate(n, lambda: send_all(sender, n, size))
        with client.get_subscription_receiver(
                topic, subscription, prefetch_count=500) as receiver:
            receive = rate(n, lambda: receive_all(receiver, n))
    print(json.dumps({"send": send, "receive": receive}))


if __name__ == "__main__":
    main()
