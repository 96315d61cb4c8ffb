/* SPDX-License-Identifier: MIT */
/* The elements and their order are those of "Service Bus REST API": SDKs read some by their place.
 */
#include "plugins/bus-local/atom/feed.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "plugins/bus-local/bus.h"
#include "plugins/bus-local/model/rule.h"
#include "plugins/bus-local/model/topic.h"

#define ATOM_NS "http://www.w3.org/2005/Atom"
#define BUS_NS "http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"
#define COUNT_NS "http://schemas.microsoft.com/netservices/2011/06/servicebus"
#define INSTANCE_NS "http://www.w3.org/2001/XMLSchema-instance"
/* "For ever", as the service writes it, and how many milliseconds of it count as that. */
#define FOR_EVER "P10675199DT2H48M5.4775807S"
#define ADDRESS_ROOM 400 /* topic, subscription and rule, and what stands between */
#define FOR_EVER_MS (INT64_C(10675199) * 86400000)

static void put_raw(struct evbuffer *body, const char *text)
{
	(void)evbuffer_add(body, text, strlen(text));
}

static void put_text(struct evbuffer *body, struct amqp_bytes text)
{
	for (size_t i = 0; i < text.size; i++) {
		switch (text.start[i]) {
		case '&':
			put_raw(body, "&amp;");
			break;
		case '<':
			put_raw(body, "&lt;");
			break;
		case '>':
			put_raw(body, "&gt;");
			break;
		case '"':
			put_raw(body, "&quot;");
			break;
		default:
			(void)evbuffer_add(body, text.start + i, 1);
		}
	}
}

static void put_element(struct evbuffer *body, const char *name, const char *text)
{
	(void)evbuffer_add_printf(body, "<%s>", name);
	put_text(body, amqp_text(text));
	(void)evbuffer_add_printf(body, "</%s>", name);
}

static void put_flag(struct evbuffer *body, const char *name, bool flag)
{
	put_element(body, name, flag ? "true" : "false");
}

static void put_number(struct evbuffer *body, const char *name, uint64_t number)
{
	(void)evbuffer_add_printf(body, "<%s>%" PRIu64 "</%s>", name, number, name);
}

static void put_duration(struct evbuffer *body, const char *name, int64_t ms)
{
	char text[64] = FOR_EVER;
	if (ms != 0 && ms < FOR_EVER_MS) {
		int64_t s = ms / 1000;
		snprintf(text, sizeof(text),
		        "P%" PRId64 "DT%" PRId64 "H%" PRId64 "M%" PRId64 ".%03" PRId64 "S",
		        s / 86400, s / 3600 % 24, s / 60 % 60, s % 60, ms % 1000);
	}
	put_element(body, name, text);
}

static void put_time(struct evbuffer *body, const char *name, int64_t ms)
{
	char text[40];
	struct tm parts = { 0 };
	time_t s = (time_t)(ms / 1000);
	(void)gmtime_r(&s, &parts);
	size_t size = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text + size, sizeof(text) - size, ".%03dZ", (int)(ms % 1000));
	put_element(body, name, text);
}

static void put_times(struct evbuffer *body, int64_t created_ms)
{
	put_time(body, "CreatedAt", created_ms);
	put_time(body, "UpdatedAt", created_ms);
	put_time(body, "AccessedAt", created_ms);
}

/* Id: the path of the entry; title: its bare name. */
static void begin_entry(struct evbuffer *body, const struct atom_request *request, const char *id,
        const char *title)
{
	put_raw(body, "<entry xmlns=\"" ATOM_NS "\"><id>");
	put_text(body, amqp_text(request->base));
	put_raw(body, "/");
	put_text(body, amqp_text(id));
	put_raw(body, "?api-version=2021-05</id><title type=\"text\">");
	put_text(body, amqp_text(title));
	put_raw(body, "</title><content type=\"application/xml\">");
}

static void begin_description(struct evbuffer *body, const char *kind)
{
	(void)evbuffer_add_printf(
	        body, "<%s xmlns=\"" BUS_NS "\" xmlns:i=\"" INSTANCE_NS "\">", kind);
}

static void end_entry(struct evbuffer *body, const char *kind)
{
	(void)evbuffer_add_printf(body, "</%s></content></entry>", kind);
}

static void put_counts(struct evbuffer *body, uint64_t active, uint64_t dead, uint64_t scheduled)
{
	put_raw(body, "<CountDetails xmlns:c=\"" COUNT_NS "\">");
	put_number(body, "c:ActiveMessageCount", active);
	put_number(body, "c:DeadLetterMessageCount", dead);
	put_number(body, "c:ScheduledMessageCount", scheduled);
	put_number(body, "c:TransferMessageCount", 0);
	put_number(body, "c:TransferDeadLetterMessageCount", 0);
	put_raw(body, "</CountDetails>");
}

static uint64_t bytes_of(const struct topic *topic)
{
	uint64_t n = 0;
	const struct subscription *one = topic->subscriptions;
	for (; one != NULL; one = one->next) {
		n += one->active.n_bytes + one->dead_letters.n_bytes;
	}
	return n;
}

static void put_queue(struct evbuffer *body, const struct topic *topic)
{
	const struct subscription *inner = topic->subscriptions;
	begin_description(body, "QueueDescription");
	put_duration(body, "LockDuration", inner->settings.lock_ms);
	put_number(body, "MaxSizeInMegabytes", inner->settings.max_bytes >> 20);
	put_flag(body, "RequiresDuplicateDetection", topic->duplicate_window_ms != 0);
	put_flag(body, "RequiresSession", inner->needs_session);
	put_duration(body, "DefaultMessageTimeToLive", inner->settings.ttl_ms);
	put_flag(body, "DeadLetteringOnMessageExpiration", inner->settings.keeps_expired);
	put_duration(body, "DuplicateDetectionHistoryTimeWindow",
	        topic->duplicate_window_ms != 0 ? topic->duplicate_window_ms : 600000);
	put_number(body, "MaxDeliveryCount", inner->settings.max_delivery_count);
	put_flag(body, "EnableBatchedOperations", true);
	put_number(body, "SizeInBytes", bytes_of(topic));
	put_number(body, "MessageCount", inner->active.n_messages + inner->dead_letters.n_messages);
	put_element(body, "Status", "Active");
	put_times(body, topic->created_ms);
	put_flag(body, "SupportOrdering", true);
	put_counts(body, inner->active.n_messages, inner->dead_letters.n_messages,
	        topic->scheduled.n_links);
	put_duration(body, "AutoDeleteOnIdle", 0);
	put_flag(body, "EnablePartitioning", false);
	put_element(body, "EntityAvailabilityStatus", "Available");
	put_flag(body, "EnableExpress", false);
}

static void put_topic(struct evbuffer *body, const struct topic *topic)
{
	begin_description(body, "TopicDescription");
	put_duration(body, "DefaultMessageTimeToLive", topic->ttl_ms);
	put_number(body, "MaxSizeInMegabytes", topic->broker->limits.max_bytes >> 20);
	put_flag(body, "RequiresDuplicateDetection", topic->duplicate_window_ms != 0);
	put_duration(body, "DuplicateDetectionHistoryTimeWindow",
	        topic->duplicate_window_ms != 0 ? topic->duplicate_window_ms : 600000);
	put_flag(body, "EnableBatchedOperations", true);
	put_number(body, "SizeInBytes", bytes_of(topic));
	put_flag(body, "FilteringMessagesBeforePublishing", false);
	put_flag(body, "IsAnonymousAccessible", false);
	put_element(body, "Status", "Active");
	put_times(body, topic->created_ms);
	put_flag(body, "SupportOrdering", true);
	put_counts(body, 0, 0, topic->scheduled.n_links);
	put_number(body, "SubscriptionCount", topic->n_subscriptions);
	put_duration(body, "AutoDeleteOnIdle", 0);
	put_flag(body, "EnablePartitioning", false);
	put_element(body, "EntityAvailabilityStatus", "Available");
	put_flag(body, "EnableSubscriptionPartitioning", false);
	put_flag(body, "EnableExpress", false);
}

void feed_topic(
        struct evbuffer *body, const struct atom_request *request, const struct topic *topic)
{
	begin_entry(body, request, topic->name, topic->name);
	if (topic->is_queue) {
		put_queue(body, topic);
	} else {
		put_topic(body, topic);
	}
	end_entry(body, topic->is_queue ? "QueueDescription" : "TopicDescription");
}

void feed_subscription(struct evbuffer *body, const struct atom_request *request,
        const struct subscription *subscription)
{
	const struct store *active = &subscription->active;
	const struct store *dead = &subscription->dead_letters;
	begin_entry(body, request, subscription->address, subscription->name);
	begin_description(body, "SubscriptionDescription");
	put_duration(body, "LockDuration", subscription->settings.lock_ms);
	put_flag(body, "RequiresSession", subscription->needs_session);
	put_duration(body, "DefaultMessageTimeToLive", subscription->settings.ttl_ms);
	put_flag(body, "DeadLetteringOnMessageExpiration", subscription->settings.keeps_expired);
	put_flag(body, "DeadLetteringOnFilterEvaluationExceptions", false);
	put_number(body, "MessageCount", active->n_messages + dead->n_messages);
	put_number(body, "MaxDeliveryCount", subscription->settings.max_delivery_count);
	put_flag(body, "EnableBatchedOperations", true);
	put_element(body, "Status", "Active");
	put_times(body, subscription->created_ms);
	put_counts(body, active->n_messages, dead->n_messages, 0);
	put_duration(body, "AutoDeleteOnIdle", subscription->idle_ms);
	put_element(body, "EntityAvailabilityStatus", "Available");
	end_entry(body, "SubscriptionDescription");
}

static void put_property(struct evbuffer *body, const struct rule_part *part)
{
	char number[40];
	const char *type = "string";
	struct amqp_bytes text = { 0 };
	switch (part->value.type) {
	case OPERAND_TEXT:
	case OPERAND_UNKNOWN:
		text = part->value.text;
		break;
	case OPERAND_INTEGER:
		/* The JavaScript SDK knows no other name for a whole number. */
		type = part->value.integer == (int32_t)part->value.integer ? "int" : "long";
		snprintf(number, sizeof(number), "%" PRId64, part->value.integer);
		text = amqp_text(number);
		break;
	case OPERAND_REAL:
		type = "double";
		snprintf(number, sizeof(number), "%.17g", part->value.real);
		text = amqp_text(number);
		break;
	case OPERAND_BOOLEAN:
		type = "boolean";
		text = amqp_text(part->value.boolean ? "true" : "false");
		break;
	}
	put_raw(body, "<KeyValueOfstringanyType>");
	put_element(body, "Key", part->name);
	(void)evbuffer_add_printf(body,
	        "<Value i:type=\"d6p1:%s\" "
	        "xmlns:d6p1=\"http://www.w3.org/2001/XMLSchema\">",
	        type);
	put_text(body, text);
	put_raw(body, "</Value></KeyValueOfstringanyType>");
}

static const char *name_of(enum amqp_property property)
{
	size_t i = 0;
	while (i + 1 < RULE_N_PROPERTIES && rule_properties[i].property != property) {
		i++;
	}
	return rule_properties[i].name;
}

static void put_correlation(struct evbuffer *body, const struct rule *rule)
{
	bool has_properties = false;
	put_raw(body, "<Filter i:type=\"CorrelationFilter\">");
	for (const struct rule_part *part = rule->parts; part != NULL; part = part->next) {
		if (part->name == NULL) {
			put_element(body, name_of(part->property), part->text);
		}
		has_properties = has_properties || part->name != NULL;
	}
	if (has_properties) {
		put_raw(body, "<Properties>");
		for (const struct rule_part *part = rule->parts; part != NULL; part = part->next) {
			if (part->name != NULL) {
				put_property(body, part);
			}
		}
		put_raw(body, "</Properties>");
	}
	put_raw(body, "</Filter>");
}

static void put_sql(
        struct evbuffer *body, const char *type, const char *before, const char *expression)
{
	(void)evbuffer_add_printf(body, "<Filter i:type=\"%s\"><SqlExpression>%s", type, before);
	put_text(body, amqp_text(expression));
	put_raw(body, before[0] != '\0' ? "'" : "");
	put_raw(body, "</SqlExpression><CompatibilityLevel>20</CompatibilityLevel></Filter>");
}

static void put_filter(struct evbuffer *body, const struct rule *rule)
{
	switch (rule->kind) {
	case RULE_ALL:
		put_sql(body, "TrueFilter", "", "1=1");
		break;
	case RULE_NONE:
		put_sql(body, "FalseFilter", "", "1=0");
		break;
	case RULE_STEP_TYPE:
		put_sql(body, "SqlFilter", "step_type = '", rule->text);
		break;
	case RULE_SQL:
		put_sql(body, "SqlFilter", "", rule->text);
		break;
	case RULE_CORRELATION:
		put_correlation(body, rule);
		break;
	}
}

void feed_rule(struct evbuffer *body, const struct atom_request *request,
        const struct subscription *subscription, const struct rule *rule)
{
	char id[ADDRESS_ROOM];
	snprintf(id, sizeof(id), "%s/Rules/%s", subscription->address, rule->name);
	begin_entry(body, request, id, rule->name);
	begin_description(body, "RuleDescription");
	put_filter(body, rule);
	put_raw(body, "<Action i:type=\"EmptyRuleAction\"/>");
	put_time(body, "CreatedAt", subscription->created_ms);
	put_element(body, "Name", rule->name);
	end_entry(body, "RuleDescription");
}

void feed_namespace(struct evbuffer *body, const struct atom_request *request)
{
	begin_entry(body, request, "$namespaceinfo", "lucius");
	begin_description(body, "NamespaceInfo");
	put_time(body, "CreatedTime", 0);
	put_element(body, "MessagingSKU", "Standard");
	put_time(body, "ModifiedTime", 0);
	put_element(body, "Name", "lucius");
	put_element(body, "NamespaceType", "Messaging");
	end_entry(body, "NamespaceInfo");
}

void feed_begin(struct evbuffer *body, const struct atom_request *request, const char *title)
{
	put_raw(body, "<feed xmlns=\"" ATOM_NS "\"><title type=\"text\">");
	put_text(body, amqp_text(title));
	put_raw(body, "</title><id>");
	put_text(body, amqp_text(request->base));
	put_text(body, amqp_text(request->url));
	put_raw(body, "</id>");
}

void feed_end(struct evbuffer *body, const struct atom_request *request, size_t n)
{
	put_raw(body, "<link rel=\"self\" href=\"");
	put_text(body, amqp_text(request->base));
	put_text(body, amqp_text(request->url));
	put_raw(body, "\"/>");
	if (n > request->skip && n - request->skip > request->top) {
		put_raw(body, "<link rel=\"next\" href=\"");
		put_text(body, amqp_text(request->base));
		put_text(body, amqp_text(request->url));
		(void)evbuffer_add_printf(body, "?$skip=%zu&amp;$top=%zu\"/>",
		        request->skip + request->top, request->top);
	}
	put_raw(body, "</feed>");
}
