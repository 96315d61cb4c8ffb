# SPDX-License-Identifier: MIT
"""An operator's hand in the reply topic of a lane, with Microsoft's Python SDK.

Usage: dead_letter_reply.py CONNECTION_STRING LANE bury   answers a directive, then dead-letters its
                                                          RESULT, and another message as no reply
       dead_letter_reply.py CONNECTION_STRING LANE count  prints the reasons of the dead letters
"""
import json
import sys

from azure.servicebus import ServiceBusClient, ServiceBusMessage, ServiceBusSubQueue

WAIT = 30


def bury(client, lane):
    topic = f"global-bus-replies-p{lane}"
    with client.get_subscription_receiver(f"global-bus-p{lane}", "distributed-ocr") as receiver, \
            client.get_topic_sender(topic) as sender:
        message = receiver.receive_messages(max_message_count=1, max_wait_time=WAIT)[0]
        directive = json.loads(b"".join(message.body))
        result = {k: directive[k] for k in ("jobId", "stepId", "attempt_no", "lease_id")}
        result.update(type="RESULT", status="SUCCEEDED", output_ref="buried")
        sender.send_messages(ServiceBusMessage(json.dumps(result)))
        sender.send_messages(ServiceBusMessage("this is no reply"))
        receiver.complete_message(message)
    with client.get_subscription_receiver(topic, "lucius-invoker") as receiver:
        for _ in range(2):
            message = receiver.receive_messages(max_message_count=1, max_wait_time=WAIT)[0]
            is_reply = b"".join(message.body).startswith(b"{")
            receiver.dead_letter_message(
                message, reason="MaxDeliveryCountExceeded" if is_reply else "NotAReply")


def count(client, lane):
    with client.get_subscription_receiver(f"global-bus-replies-p{lane}", "lucius-invoker",
                                          sub_queue=ServiceBusSubQueue.DEAD_LETTER) as receiver:
        print(json.dumps([m.dead_letter_reason for m in receiver.peek_messages(10)]))


if __name__ == "__main__":
    with ServiceBusClient.from_connection_string(sys.argv[1]) as bus:
        {"bury": bury, "count": count}[sys.argv[3]](bus, sys.argv[2])
