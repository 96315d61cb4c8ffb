/* SPDX-License-Identifier: MIT */
/* Makes, changes and deletes what the management API is asked to. */
#ifndef BUS_LOCAL_ATOM_ENTITIES_H
#define BUS_LOCAL_ATOM_ENTITIES_H

#include "plugins/bus-local/atom/answer.h"

struct rule;
struct subscription;
struct topic;

/* As atom_answer, for one topic, queue, subscription or rule. */
int entity_put(const struct atom_request *request, struct evbuffer *body);
int entity_delete(const struct atom_request *request, struct evbuffer *body);

/* 404 in the service's words. */
int atom_refuse_unknown(const struct atom_request *request, struct evbuffer *body);

/* What the path names; NULL: it is not there. */
struct topic *atom_find_topic(const struct atom_request *request);
struct subscription *atom_find_subscription(const struct atom_request *request);

/* A subscription that gets everything without a rule gets one that says so. */
void subscription_name_rules(struct subscription *subscription);

/* Where the list of rules points to that one; at its end if there is none of that name. */
struct rule **rule_place(struct subscription *subscription, const char *name);

#endif
