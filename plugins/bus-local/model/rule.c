/* SPDX-License-Identifier: MIT */
/* What one rule of a subscription says of a message. */
#include "plugins/bus-local/model/rule.h"

#include <stdlib.h>

#include "plugins/bus-local/model/sql.h"
#include "support/base/memory.h"

/* Of two names for one property the first is the one that is shown. */
const struct rule_property rule_properties[RULE_N_PROPERTIES] = {
	{ "ContentType", AMQP_CONTENT_TYPE },
	{ "CorrelationId", AMQP_CORRELATION_ID },
	{ "Label", AMQP_SUBJECT },
	{ "Subject", AMQP_SUBJECT },
	{ "MessageId", AMQP_MESSAGE_ID },
	{ "ReplyTo", AMQP_REPLY_TO },
	{ "ReplyToSessionId", AMQP_REPLY_TO_GROUP_ID },
	{ "SessionId", AMQP_GROUP_ID },
	{ "To", AMQP_TO },
};

struct rule *rule_create(enum rule_kind kind, const char *text)
{
	struct rule *rule = must_calloc(1, sizeof(*rule));
	rule->kind = kind;
	rule->text = text != NULL ? must_copy(text, strlen(text)) : NULL;
	return rule;
}

void rule_destroy(struct rule *rule)
{
	if (rule == NULL) {
		return;
	}
	while (rule->parts != NULL) {
		struct rule_part *part = rule->parts;
		rule->parts = part->next;
		free(part->name);
		free(part->text);
		free(part);
	}
	sql_destroy(rule->sql);
	free(rule->name);
	free(rule->text);
	free(rule);
}

void rule_set_name(struct rule *rule, const char *name)
{
	free(rule->name);
	rule->name = must_copy(name, strlen(name));
}

void rules_destroy(struct rule *rules)
{
	while (rules != NULL) {
		struct rule *next = rules->next;
		rule_destroy(rules);
		rules = next;
	}
}

void rule_add_part(
        struct rule *rule, const char *name, enum amqp_property property, struct operand value)
{
	struct rule_part *part = must_calloc(1, sizeof(*part));
	part->name = name != NULL ? must_copy(name, strlen(name)) : NULL;
	part->property = property;
	part->value = value;
	if (value.type == OPERAND_TEXT) {
		part->text = must_copy(value.text.start, value.text.size);
		part->value.text = amqp_bytes(part->text, value.text.size);
	}
	part->next = rule->parts;
	rule->parts = part;
}

static bool part_matches(const struct rule_part *part, struct view *view)
{
	struct amqp_value value;
	if (part->name == NULL) {
		value = *view_property(view, part->property);
	} else if (!view_application_property(view, amqp_text(part->name), &value)) {
		return false;
	}
	struct operand operand = operand_of(&value);
	int order = 0;
	return operand_compare(&operand, &part->value, &order) && order == 0;
}

static bool all_parts_match(const struct rule *rule, struct view *view)
{
	for (const struct rule_part *part = rule->parts; part != NULL; part = part->next) {
		if (!part_matches(part, view)) {
			return false;
		}
	}
	return true;
}

bool rule_matches(const struct rule *rule, struct view *view)
{
	switch (rule->kind) {
	case RULE_ALL:
		return true;
	case RULE_NONE:
		return false;
	case RULE_STEP_TYPE:
		return amqp_bytes_is(view_step_type(view), rule->text);
	case RULE_SQL:
		return sql_matches(rule->sql, view);
	case RULE_CORRELATION:
		return all_parts_match(rule, view);
	}
	return false;
}
