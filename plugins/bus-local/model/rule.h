/* SPDX-License-Identifier: MIT */
/* The rules of a subscription: it gets a message that any of them matches. */
#ifndef BUS_LOCAL_MODEL_RULE_H
#define BUS_LOCAL_MODEL_RULE_H

#include "plugins/bus-local/model/operand.h"
#include "plugins/bus-local/model/view.h"

struct sql_filter;

enum rule_kind {
	RULE_ALL,
	RULE_NONE,
	RULE_STEP_TYPE, /* property step_type, or that member of the body, is `text` */
	RULE_SQL,
	RULE_CORRELATION, /* all parts match */
};

/* One equality of a correlation rule. */
struct rule_part {
	struct rule_part *next;
	char *name; /* owned; NULL: a property of AMQP's own */
	enum amqp_property property;
	struct operand value;
	char *text; /* owned: what value.text points to; may be NULL */
};

struct rule {
	struct rule *next;
	enum rule_kind kind;
	char *name; /* owned; NULL: it has none and is shown to nobody */
	char *text; /* owned; RULE_STEP_TYPE, and RULE_SQL: the expression as it came */
	struct sql_filter *sql; /* owned; RULE_SQL */
	struct rule_part *parts; /* owned; RULE_CORRELATION */
};

/* What a correlation rule may compare besides application properties, as Service Bus names it. */
struct rule_property {
	const char *name;
	enum amqp_property property;
};
#define RULE_N_PROPERTIES 9
extern const struct rule_property rule_properties[RULE_N_PROPERTIES];

/* The name of a subscription's rule that nobody has named. */
#define RULE_DEFAULT_NAME "$Default"

/* Owned by the caller. Text: RULE_STEP_TYPE and RULE_SQL, else NULL. */
struct rule *rule_create(enum rule_kind kind, const char *text);
void rule_destroy(struct rule *rule);
void rule_set_name(struct rule *rule, const char *name);

/* Frees a whole list. */
void rules_destroy(struct rule *rules);

/* Adds an equality; exactly one of name and property counts: name if it is not NULL. A text in the
 * value is copied. */
void rule_add_part(
        struct rule *rule, const char *name, enum amqp_property property, struct operand value);

bool rule_matches(const struct rule *rule, struct view *view);

#endif
