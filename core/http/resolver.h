/* SPDX-License-Identifier: MIT */
/*
 * Resolves host names without blocking the loop: the system's resolver, which blocks, runs on a
 * thread of its own for each lookup.
 */
#ifndef CORE_HTTP_RESOLVER_H
#define CORE_HTTP_RESOLVER_H

#include "core/http/address.h"

struct addrinfo;
struct event_base;
struct http_lookup;

/* addresses (owned by the callee, freeaddrinfo()), or NULL and a sentence (borrowed). */
typedef void (*http_lookup_fn)(void *user, struct addrinfo *addresses, const char *error);

/* on_found is called once, from the loop, never inside this call; the handle is gone then. Never
 * NULL. */
struct http_lookup *http_lookup_start(struct event_base *base, const struct http_address *address,
        http_lookup_fn on_found, void *user);

/* on_found will not be called. Takes NULL. */
void http_lookup_cancel(struct http_lookup *lookup);

#endif
