/* SPDX-License-Identifier: MIT */
/* The operation `provision`: an HTTP client, made when it is wanted first, and one run. */
#include <stdlib.h>

#include "plugins/bus-servicebus/bus.h"
#include "plugins/bus-servicebus/provision.h"
#include "support/base/memory.h"
#include "support/http/fetch.h"

struct provisioning {
	struct bus *bus;
	struct lucius_op op;
};

static void on_done(void *user, uint32_t status, const char *sentence)
{
	struct provisioning *provisioning = user;
	const struct lucius_host *host = provisioning->bus->host;
	host->finish(host, provisioning->op, status, sentence);
	free(provisioning);
}

static bool make_client(struct bus *bus)
{
	const struct bus_options *options = bus->host->options;
	const char *url = options->management_url;
	if (bus->fetch != NULL) {
		return true;
	}
	struct fetch_settings settings = {
		.base = bus->host->event_base,
		.user_agent = "lucius/" LUCIUS_VERSION,
		.ca_file = options->ca_file,
	};
	bus->management_url =
	        url != NULL ? must_copy(url, strlen(url)) : provision_url(&bus->connection);
	for (size_t n = strlen(bus->management_url); n > 0 && bus->management_url[n - 1] == '/';
	        n--) {
		bus->management_url[n - 1] = '\0';
	}
	bus->fetch = fetch_client_create(&settings);
	return bus->fetch != NULL;
}

void bus_provision_op(struct bus *bus, const struct lucius_topology *topology, struct lucius_op op)
{
	if (!make_client(bus)) {
		lucius_fail(bus->host, op, LUCIUS_INTERNAL, "no HTTP client could be set up");
		return;
	}
	struct provision_target target = {
		.client = bus->fetch,
		.connection = &bus->connection,
		.url = bus->management_url,
	};
	struct provisioning *provisioning = must_calloc(1, sizeof(*provisioning));
	provisioning->bus = bus;
	provisioning->op = op;
	provision_run(&target, topology, on_done, provisioning);
}
