# SPDX-License-Identifier: MIT
"""Microsoft's Python administration client against the management API of bus-local.

Usage: administration.py CA_FILE CONNECTION_STRING
"""
import datetime
import sys

from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.servicebus.management import (
    CorrelationRuleFilter,
    FalseRuleFilter,
    ServiceBusAdministrationClient,
    SqlRuleFilter,
    TrueRuleFilter,
)

TOPIC, SUBSCRIPTION = "made/by-python", "its-subscription"
MINUTE = datetime.timedelta(minutes=1)


def fails_with(kind, call):
    try:
        call()
    except kind:
        return
    raise AssertionError(f"{kind.__name__} was not raised")


def topics(client):
    made = client.create_topic(
        TOPIC, default_message_time_to_live=60 * MINUTE, requires_duplicate_detection=True,
        duplicate_detection_history_time_window=5 * MINUTE)
    assert made.name == TOPIC, made.name
    assert made.requires_duplicate_detection
    found = client.get_topic(TOPIC)
    assert found.default_message_time_to_live == 60 * MINUTE, found
    assert found.duplicate_detection_history_time_window == 5 * MINUTE, found
    fails_with(ResourceExistsError, lambda: client.create_topic(TOPIC))
    fails_with(ResourceNotFoundError, lambda: client.get_topic("no-such-topic"))
    found.default_message_time_to_live = 30 * MINUTE
    client.update_topic(found)
    assert client.get_topic(TOPIC).default_message_time_to_live == 30 * MINUTE
    # More than a page.
    for i in range(120):
        client.create_topic(f"one-of-many-{i:03}")
    names = [topic.name for topic in client.list_topics()]
    assert [n for n in names if n.startswith("one-of-many-")] == [
        f"one-of-many-{i:03}" for i in range(120)], names
    assert TOPIC in names and "global-bus-p0" in names, names
    runtime = client.get_topic_runtime_properties("global-bus-p0")
    assert runtime.subscription_count == 3, runtime.subscription_count


def subscriptions(client):
    made = client.create_subscription(
        TOPIC, SUBSCRIPTION, lock_duration=2 * MINUTE, max_delivery_count=7,
        dead_lettering_on_message_expiration=True)
    assert made.name == SUBSCRIPTION
    found = client.get_subscription(TOPIC, SUBSCRIPTION)
    assert found.lock_duration == 2 * MINUTE and found.max_delivery_count == 7
    assert found.dead_lettering_on_message_expiration
    fails_with(ResourceExistsError, lambda: client.create_subscription(TOPIC, SUBSCRIPTION))
    fails_with(ResourceNotFoundError, lambda: client.create_subscription("no-such-topic", "s"))
    fails_with(ResourceNotFoundError, lambda: client.get_subscription(TOPIC, "no-such"))
    fails_with(HttpResponseError, lambda: client.create_subscription(
        TOPIC, "with-sessions", requires_session=True))
    fails_with(HttpResponseError, lambda: client.create_subscription(
        TOPIC, "too-long", lock_duration=6 * MINUTE))
    found.max_delivery_count = 8
    client.update_subscription(TOPIC, found)
    assert client.get_subscription(TOPIC, SUBSCRIPTION).max_delivery_count == 8
    assert [s.name for s in client.list_subscriptions(TOPIC)] == [SUBSCRIPTION]
    runtime = client.get_subscription_runtime_properties(TOPIC, SUBSCRIPTION)
    assert runtime.active_message_count == 0 and runtime.dead_letter_message_count == 0


def rules(client):
    names = [rule.name for rule in client.list_rules(TOPIC, SUBSCRIPTION)]
    assert names == ["$Default"], names
    assert isinstance(client.get_rule(TOPIC, SUBSCRIPTION, "$Default").filter, TrueRuleFilter)
    client.create_rule(TOPIC, SUBSCRIPTION, "sql", filter=SqlRuleFilter("size > 10 AND color = 'a<b'"))
    client.create_rule(TOPIC, SUBSCRIPTION, "nothing", filter=FalseRuleFilter())
    client.create_rule(TOPIC, SUBSCRIPTION, "same", filter=CorrelationRuleFilter(
        label="paint", correlation_id="c", properties={"color": "red", "size": 5, "wet": True}))
    client.delete_rule(TOPIC, SUBSCRIPTION, "$Default")
    fails_with(ResourceNotFoundError, lambda: client.get_rule(TOPIC, SUBSCRIPTION, "$Default"))
    fails_with(ResourceExistsError, lambda: client.create_rule(TOPIC, SUBSCRIPTION, "sql"))
    fails_with(HttpResponseError, lambda: client.create_rule(
        TOPIC, SUBSCRIPTION, "bad", filter=SqlRuleFilter("size >")))
    sql = client.get_rule(TOPIC, SUBSCRIPTION, "sql").filter
    assert sql.sql_expression == "size > 10 AND color = 'a<b'", sql.sql_expression
    same = client.get_rule(TOPIC, SUBSCRIPTION, "same").filter
    assert same.label == "paint" and same.correlation_id == "c"
    assert same.properties == {"color": "red", "size": 5, "wet": True}, same.properties
    names = sorted(rule.name for rule in client.list_rules(TOPIC, SUBSCRIPTION))
    assert names == ["nothing", "same", "sql"], names


def queues(client):
    client.create_queue("made-queue", lock_duration=MINUTE, max_delivery_count=4)
    found = client.get_queue("made-queue")
    assert found.max_delivery_count == 4
    assert "made-queue" in [queue.name for queue in client.list_queues()]
    client.delete_queue("made-queue")
    fails_with(ResourceNotFoundError, lambda: client.get_queue("made-queue"))


def deletion(client):
    client.delete_subscription(TOPIC, SUBSCRIPTION)
    fails_with(ResourceNotFoundError, lambda: client.get_subscription(TOPIC, SUBSCRIPTION))
    client.delete_topic(TOPIC)
    fails_with(ResourceNotFoundError, lambda: client.get_topic(TOPIC))
    fails_with(ResourceNotFoundError, lambda: client.delete_topic(TOPIC))


def main():
    ca_file, connection = sys.argv[1:]
    with ServiceBusAdministrationClient.from_connection_string(
            connection, connection_verify=ca_file) as client:
        for part in (topics, subscriptions, rules, queues, deletion):
            part(client)
            print(f"ok   {part.__name__}", flush=True)
        assert client.get_namespace_properties().messaging_sku == "Standard"
    with ServiceBusAdministrationClient.from_connection_string(
            connection.replace("SAS_KEY_VALUE", "ANOTHER"), connection_verify=ca_file) as other:
        fails_with(ClientAuthenticationError, lambda: other.get_topic("global-bus-p0"))


if __name__ == "__main__":
    main()
