/* SPDX-License-Identifier: MIT */
/* Correlation and SQL filters out of JSON; empty texts of a correlation filter are not set. */
#include "plugins/bus-local/topology-rules.h"

#include <stdio.h>
#include <strings.h>

#include "plugins/bus-local/model/rule.h"
#include "plugins/bus-local/model/sql.h"
#include "support/base/cleanup.h"

CLEANUP_DEFINE(struct rule *, rule, rule_destroy)

static struct operand operand_from(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return (struct operand){ .type = OPERAND_TEXT,
			.text = amqp_bytes(json_string_value(value), json_string_length(value)) };
	case JSON_INTEGER:
		return (struct operand){ .type = OPERAND_INTEGER,
			.integer = json_integer_value(value) };
	case JSON_REAL:
		return (struct operand){ .type = OPERAND_REAL, .real = json_real_value(value) };
	case JSON_TRUE:
	case JSON_FALSE:
		return operand_boolean(json_is_true(value));
	case JSON_NULL:
	case JSON_OBJECT:
	case JSON_ARRAY:
		break;
	}
	return (struct operand){ .type = OPERAND_UNKNOWN };
}

static struct rule *read_correlation(const json_t *filter, char *error, size_t error_size)
{
	CLEANUP(cleanup_rule) struct rule *rule = rule_create(RULE_CORRELATION, NULL);
	for (size_t i = 0; i < RULE_N_PROPERTIES; i++) {
		const json_t *value = json_object_get(filter, rule_properties[i].name);
		if (json_string_length(value) != 0) {
			rule_add_part(rule, NULL, rule_properties[i].property, operand_from(value));
		}
	}
	const char *name = NULL;
	json_t *value = NULL;
	json_object_foreach(json_object_get(filter, "Properties"), name, value)
	{
		struct operand operand = operand_from(value);
		if (operand.type == OPERAND_UNKNOWN) {
			snprintf(error, error_size,
			        "property '%s' of a correlation filter must be a text, a number or "
			        "a "
			        "boolean",
			        name);
			return NULL;
		}
		rule_add_part(rule, name, AMQP_MESSAGE_ID, operand);
	}
	if (rule->parts == NULL) {
		snprintf(error, error_size, "a correlation filter compares nothing");
		return NULL;
	}
	return steal(rule);
}

static struct rule *read_sql(const json_t *filter, char *error, size_t error_size)
{
	char problem[200] = "";
	const char *expression = json_string_value(json_object_get(filter, "SqlExpression"));
	if (expression == NULL) {
		snprintf(error, error_size, "an SQL filter has no text SqlExpression");
		return NULL;
	}
	CLEANUP(cleanup_rule) struct rule *rule = rule_create(RULE_SQL, expression);
	rule->sql = sql_create(amqp_text(expression), problem, sizeof(problem));
	if (rule->sql == NULL) {
		snprintf(error, error_size, "the SQL filter \"%s\" %s", expression, problem);
		return NULL;
	}
	return steal(rule);
}

static struct rule *read_rule(
        const json_t *declared, unsigned *n_actions, char *error, size_t error_size)
{
	const json_t *properties = json_object_get(declared, "Properties");
	const char *type = json_string_value(json_object_get(properties, "FilterType"));
	const json_t *correlation = json_object_get(properties, "CorrelationFilter");
	const json_t *sql = json_object_get(properties, "SqlFilter");
	if (json_object_get(json_object_get(properties, "Action"), "SqlExpression") != NULL) {
		(*n_actions)++;
	}
	if (type == NULL) {
		type = correlation != NULL ? "Correlation" : sql != NULL ? "Sql" : "";
	}
	if (strcasecmp(type, "Correlation") == 0) {
		return read_correlation(correlation, error, error_size);
	}
	if (strcasecmp(type, "Sql") == 0) {
		return read_sql(sql, error, error_size);
	}
	if (strcasecmp(type, "True") == 0 || strcasecmp(type, "False") == 0) {
		return rule_create(strcasecmp(type, "True") == 0 ? RULE_ALL : RULE_NONE, NULL);
	}
	snprintf(error, error_size,
	        "FilterType is '%s'; it must be Correlation, Sql, True or False", type);
	return NULL;
}

bool topology_read_rules(const json_t *rules, struct rule **ret_rules, unsigned *ret_n_actions,
        char *error, size_t error_size)
{
	struct rule *list = NULL;
	size_t i = 0;
	const json_t *declared = NULL;
	json_array_foreach(rules, i, declared)
	{
		struct rule *rule = read_rule(declared, ret_n_actions, error, error_size);
		if (rule == NULL) {
			rules_destroy(list);
			return false;
		}
		const char *name = json_string_value(json_object_get(declared, "Name"));
		rule_set_name(rule, name != NULL ? name : RULE_DEFAULT_NAME);
		rule->next = list;
		list = rule;
	}
	*ret_rules = list;
	return true;
}
