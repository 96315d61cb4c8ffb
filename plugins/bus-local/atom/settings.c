/* SPDX-License-Identifier: MIT */
/* What this broker does not do (sessions, forwarding, rule actions) is refused, never left out. */
#include "plugins/bus-local/atom/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plugins/bus-local/duration.h"
#include "plugins/bus-local/model/rule.h"
#include "plugins/bus-local/model/sql.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

CLEANUP_DEFINE(struct rule *, rule, rule_destroy)

struct reading {
	const struct element *description;
	char *error;
	size_t error_size;
};

static bool refuse(const struct reading *reading, const char *name, const char *what)
{
	snprintf(reading->error, reading->error_size, "The value for '%s' %s.", name, what);
	return false;
}

static bool read_duration(const struct reading *reading, const char *name, int64_t *ms)
{
	const char *text = tree_text(reading->description, name);
	return text == NULL || duration_parse(text, ms) ||
	        refuse(reading, name, "must be a duration such as PT1M");
}

static bool read_flag(const struct reading *reading, const char *name, bool *flag)
{
	const char *text = tree_text(reading->description, name);
	if (text == NULL) {
		return true;
	}
	*flag = strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0;
	return *flag || strcasecmp(text, "false") == 0 || strcmp(text, "0") == 0 ||
	        refuse(reading, name, "must be true or false");
}

static bool read_count(const struct reading *reading, const char *name, uint32_t *count)
{
	const char *text = tree_text(reading->description, name);
	char *end = NULL;
	if (text == NULL) {
		return true;
	}
	unsigned long number = strtoul(text, &end, 10);
	if (*end != '\0' || number < 1 || number > 2000) {
		return refuse(reading, name, "must be a number from 1 to 2000");
	}
	*count = (uint32_t)number;
	return true;
}

static bool check_left_out(const struct reading *reading)
{
	static const char *const names[] = { "ForwardTo", "ForwardDeadLetteredMessagesTo" };
	for (size_t i = 0; i < 2; i++) {
		if (tree_text(reading->description, names[i]) != NULL) {
			return refuse(
			        reading, names[i], "must be empty: this broker does not forward");
		}
	}
	bool needs_session = false;
	if (!read_flag(reading, "RequiresSession", &needs_session)) {
		return false;
	}
	return !needs_session ||
	        refuse(reading, "RequiresSession", "must be false: this broker has no sessions");
}

bool settings_read_topic(const struct element *description, struct topic_settings *settings,
        char *error, size_t error_size)
{
	const struct reading reading = { description, error, error_size };
	int64_t window_ms = settings->duplicate_window_ms != 0 ? settings->duplicate_window_ms
	                                                       : INT64_C(600000);
	bool detects = settings->duplicate_window_ms != 0;
	if (!check_left_out(&reading) ||
	        !read_duration(&reading, "DefaultMessageTimeToLive", &settings->ttl_ms) ||
	        !read_duration(&reading, "DuplicateDetectionHistoryTimeWindow", &window_ms) ||
	        !read_flag(&reading, "RequiresDuplicateDetection", &detects)) {
		return false;
	}
	settings->duplicate_window_ms = detects ? window_ms : 0;
	return true;
}

static bool check_lock(const struct reading *reading, int64_t lock_ms)
{
	return (lock_ms >= 1000 && lock_ms <= 300000) ||
	        refuse(reading, "LockDuration", "must be from PT1S to PT5M");
}

bool settings_read_subscription(const struct element *description,
        struct subscription_settings *settings, char *error, size_t error_size)
{
	const struct reading reading = { description, error, error_size };
	const struct element *rule = tree_child(description, "DefaultRuleDescription");
	if (!check_left_out(&reading) ||
	        !read_duration(&reading, "LockDuration", &settings->lock_ms) ||
	        !check_lock(&reading, settings->lock_ms) ||
	        !read_duration(&reading, "DefaultMessageTimeToLive", &settings->ttl_ms) ||
	        !read_duration(&reading, "AutoDeleteOnIdle", &settings->idle_ms) ||
	        !read_count(&reading, "MaxDeliveryCount", &settings->max_delivery_count) ||
	        !read_flag(
	                &reading, "DeadLetteringOnMessageExpiration", &settings->keeps_expired)) {
		return false;
	}
	if (rule != NULL) {
		settings->rules = settings_read_rule(rule, NULL, error, error_size);
	}
	return rule == NULL || settings->rules != NULL;
}

static struct operand text_operand(const char *text)
{
	return (struct operand){ .type = OPERAND_TEXT, .text = amqp_text(text) };
}

/* A value with its type of XML Schema; OPERAND_UNKNOWN: not one that can be compared. */
static struct operand typed_operand(const struct element *value)
{
	const char *type = value->type != NULL ? value->type : "string";
	char *end = NULL;
	errno = 0;
	if (strcmp(type, "string") == 0) {
		return text_operand(value->text);
	}
	if (strcmp(type, "boolean") == 0) {
		return operand_boolean(strcasecmp(value->text, "true") == 0);
	}
	if (strcmp(type, "double") == 0 || strcmp(type, "float") == 0 ||
	        strcmp(type, "decimal") == 0) {
		double real = strtod(value->text, &end);
		if (*end == '\0' && end != value->text) {
			return (struct operand){ .type = OPERAND_REAL, .real = real };
		}
	}
	if (strcmp(type, "int") == 0 || strcmp(type, "long") == 0 || strcmp(type, "short") == 0 ||
	        strcmp(type, "byte") == 0) {
		long long integer = strtoll(value->text, &end, 10);
		if (*end == '\0' && end != value->text && errno == 0) {
			return (struct operand){ .type = OPERAND_INTEGER, .integer = integer };
		}
	}
	return (struct operand){ .type = OPERAND_UNKNOWN };
}

static bool read_properties(
        const struct reading *reading, const struct element *filter, struct rule *rule)
{
	const struct element *properties = tree_child(filter, "Properties");
	const struct element *pair = properties != NULL ? properties->first : NULL;
	for (; pair != NULL; pair = pair->next) {
		const char *name = tree_text(pair, "Key");
		const struct element *value = tree_child(pair, "Value");
		struct operand operand = { .type = OPERAND_UNKNOWN };
		if (value != NULL) {
			operand = typed_operand(value);
		}
		if (name == NULL || operand.type == OPERAND_UNKNOWN) {
			return refuse(reading, "Properties",
			        "must be pairs of Key and Value, a string, number or boolean");
		}
		rule_add_part(rule, name, AMQP_MESSAGE_ID, operand);
	}
	return true;
}

static struct rule *read_correlation(const struct reading *reading, const struct element *filter)
{
	CLEANUP(cleanup_rule) struct rule *rule = rule_create(RULE_CORRELATION, NULL);
	for (size_t i = 0; i < RULE_N_PROPERTIES; i++) {
		const char *text = tree_text(filter, rule_properties[i].name);
		if (text != NULL) {
			rule_add_part(rule, NULL, rule_properties[i].property, text_operand(text));
		}
	}
	if (!read_properties(reading, filter, rule)) {
		return NULL;
	}
	if (rule->parts == NULL) {
		refuse(reading, "Filter", "compares nothing");
		return NULL;
	}
	return steal(rule);
}

static struct rule *read_sql(const struct reading *reading, const struct element *filter)
{
	char problem[200] = "";
	char sentence[260];
	const char *expression = tree_text(filter, "SqlExpression");
	const struct element *parameters = tree_child(filter, "Parameters");
	if (expression == NULL || (parameters != NULL && parameters->first != NULL)) {
		refuse(reading, "Filter", "must have an SqlExpression and no parameters");
		return NULL;
	}
	CLEANUP(cleanup_rule) struct rule *rule = rule_create(RULE_SQL, expression);
	rule->sql = sql_create(amqp_text(expression), problem, sizeof(problem));
	if (rule->sql == NULL) {
		snprintf(sentence, sizeof(sentence), "is an expression that %s", problem);
		refuse(reading, "SqlExpression", sentence);
		return NULL;
	}
	return steal(rule);
}

static struct rule *read_filter(const struct reading *reading, const struct element *filter)
{
	const char *type = filter != NULL && filter->type != NULL ? filter->type : "TrueFilter";
	if (strcmp(type, "TrueFilter") == 0) {
		return rule_create(RULE_ALL, NULL);
	}
	if (strcmp(type, "FalseFilter") == 0) {
		return rule_create(RULE_NONE, NULL);
	}
	if (strcmp(type, "CorrelationFilter") == 0) {
		return read_correlation(reading, filter);
	}
	if (strcmp(type, "SqlFilter") == 0) {
		return read_sql(reading, filter);
	}
	refuse(reading, "Filter",
	        "must be a TrueFilter, FalseFilter, CorrelationFilter or SqlFilter");
	return NULL;
}

struct rule *settings_read_rule(
        const struct element *description, const char *name, char *error, size_t error_size)
{
	const struct reading reading = { description, error, error_size };
	const struct element *action = tree_child(description, "Action");
	const char *own = tree_text(description, "Name");
	if (tree_text(action, "SqlExpression") != NULL) {
		refuse(&reading, "Action", "must be empty: this broker runs no rule actions");
		return NULL;
	}
	if (name == NULL) {
		name = own != NULL ? own : RULE_DEFAULT_NAME;
	}
	if (strlen(name) > 50) {
		refuse(&reading, "Name", "must have at most 50 characters");
		return NULL;
	}
	struct rule *rule = read_filter(&reading, tree_child(description, "Filter"));
	if (rule != NULL) {
		rule_set_name(rule, name);
	}
	return rule;
}
