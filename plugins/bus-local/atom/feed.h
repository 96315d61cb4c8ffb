/* SPDX-License-Identifier: MIT */
/* Entries and listings as the management API answers them. */
#ifndef BUS_LOCAL_ATOM_FEED_H
#define BUS_LOCAL_ATOM_FEED_H

#include "plugins/bus-local/atom/answer.h"

struct rule;
struct subscription;
struct topic;

/* Before and behind the entries of a listing; n: how many there are with those on other pages. */
void feed_begin(struct evbuffer *body, const struct atom_request *request, const char *title);
void feed_end(struct evbuffer *body, const struct atom_request *request, size_t n);

/* One entry, alone or in a listing. */
void feed_topic(
        struct evbuffer *body, const struct atom_request *request, const struct topic *topic);
void feed_subscription(struct evbuffer *body, const struct atom_request *request,
        const struct subscription *subscription);
void feed_rule(struct evbuffer *body, const struct atom_request *request,
        const struct subscription *subscription, const struct rule *rule);
void feed_namespace(struct evbuffer *body, const struct atom_request *request);

#endif
