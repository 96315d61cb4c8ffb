# SPDX-License-Identifier: MIT
"""A platform consumer with Microsoft's Python SDK, as a team of its own would write it: takes one
directive of a lane, answers ACK and RESULT on the lane's reply topic, completes it.

Usage: platform_consumer.py CONNECTION_STRING SUBSCRIPTION LANE OUTPUT_REF
"""
import datetime
import json
import sys

from azure.servicebus import ServiceBusClient, ServiceBusMessage

WAIT = 60


def reply(directive, **members):
    return json.dumps({
        "jobId": directive["jobId"], "stepId": directive["stepId"],
        "tenant_id": directive["tenant_id"], "attempt_no": directive["attempt_no"],
        "lease_id": directive["lease_id"],
        "timestamp": datetime.datetime.now(datetime.timezone.utc).isoformat(), **members})


def main(connection, subscription, lane, output_ref):
    with ServiceBusClient.from_connection_string(connection) as client:
        with client.get_subscription_receiver(f"global-bus-p{lane}", subscription) as receiver, \
                client.get_topic_sender(f"global-bus-replies-p{lane}") as sender:
            messages = receiver.receive_messages(max_message_count=1, max_wait_time=WAIT)
            assert len(messages) == 1, "no directive came"
            message = messages[0]
            directive = json.loads(b"".join(message.body))
            properties = {key.decode(): value.decode() if isinstance(value, bytes) else value
                          for key, value in message.application_properties.items()}
            assert message.message_id == (f"{directive['jobId']}:{directive['stepId']}:"
                                          f"{directive['attempt_no']}"), message.message_id
            assert message.content_type == "application/json"
            assert message.subject == directive["step_type"]
            assert properties["job_id"] == directive["jobId"], properties
            assert properties["attempt_no"] == 1 and properties["lane"] == int(lane), properties
            assert properties["Diagnostic-Id"] == directive["traceparent"]
            sender.send_messages(ServiceBusMessage(reply(directive, type="ACK")))
            sender.send_messages(ServiceBusMessage(reply(
                directive, type="RESULT", status="SUCCEEDED", error=None,
                output_ref=output_ref)))
            receiver.complete_message(message)


if __name__ == "__main__":
    main(*sys.argv[1:])
