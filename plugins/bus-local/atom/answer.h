/* SPDX-License-Identifier: MIT */
/* One request of the management API and what is answered. */
#ifndef BUS_LOCAL_ATOM_ANSWER_H
#define BUS_LOCAL_ATOM_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "plugins/bus-local/atom/path.h"

struct bus;
struct evbuffer;

enum atom_verb { ATOM_GET, ATOM_PUT, ATOM_DELETE };

/* All borrowed. */
struct atom_request {
	struct bus *bus;
	enum atom_verb verb;
	struct atom_path path;
	const char *base; /* scheme and host that the client has used: "http://localhost:5300" */
	const char *url; /* the path as it came */
	const char *body; /* PUT */
	size_t body_size;
	size_t skip; /* of a listing */
	size_t top;
	bool is_update; /* If-Match */
};

/* Writes the answer's body and returns its status. Changes the broker: between bus_enter and
 * bus_leave. */
int atom_answer(const struct atom_request *request, struct evbuffer *body);

/* The body of a refusal; returns the status. */
int atom_refuse(struct evbuffer *body, int status, const char *detail);

#endif
