/* SPDX-License-Identifier: MIT */
/* Makes topics and subscriptions through the management API of the namespace (Atom over HTTP). */
#ifndef PLUGINS_BUS_SERVICEBUS_PROVISION_H
#define PLUGINS_BUS_SERVICEBUS_PROVISION_H

#include <lucius/bus.h>

#include "support/azure/connection_string.h"
#include "support/http/fetch.h"

/* What a run needs to know; borrowed until it has ended. */
struct provision_target {
	struct fetch_client *client;
	const struct azure_servicebus *connection;
	const char *url; /* without a slash at the end */
};

typedef void (*provision_done_fn)(void *user, uint32_t status, const char *sentence);

/* What exists already is left as it is. Topology: borrowed until done is called, once. OK; DENIED:
 * the key may not manage, or the request is refused; UNAVAILABLE. */
void provision_run(const struct provision_target *target, const struct lucius_topology *topology,
        provision_done_fn done, void *user);

/* The address of the management API that goes with the connection; owned. */
char *provision_url(const struct azure_servicebus *connection);

#endif
