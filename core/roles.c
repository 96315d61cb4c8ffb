/* SPDX-License-Identifier: MIT */
/* A bus alone hosts the broker for others; the other three can be combined freely. */
#include "core/roles.h"

#include <stdio.h>
#include <string.h>

#include "core/service.h"

static const struct {
	const char *name;
	uint32_t role;
} names[] = {
	{ "orchestrator", ROLE_ORCHESTRATOR },
	{ "worker", ROLE_WORKER },
	{ "invoker", ROLE_INVOKER },
	{ "bus", ROLE_BUS },
};

static uint32_t role_of(const char *name, size_t size)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i].name) == size && memcmp(names[i].name, name, size) == 0) {
			return names[i].role;
		}
	}
	return 0;
}

uint32_t roles_parse(const char *text, char *error, size_t error_size)
{
	uint32_t roles = 0;
	for (const char *from = text; *from != '\0';) {
		from += strspn(from, ", ");
		size_t size = strcspn(from, ", ");
		uint32_t role = role_of(from, size);
		if (size != 0 && role == 0) {
			(void)snprintf(error, error_size,
			        "LUCIUS_ROLE: '%.*s' is no role; there are orchestrator, worker, "
			        "invoker, and bus",
			        (int)size, from);
			return 0;
		}
		roles |= role;
		from += size;
	}
	if ((roles & ROLE_BUS) != 0 && roles != ROLE_BUS) {
		(void)snprintf(error, error_size,
		        "LUCIUS_ROLE: '%s': bus is on its own only; run the other roles in a "
		        "process of their own",
		        text);
		return 0;
	}
	if (roles == 0) {
		(void)snprintf(error, error_size, "LUCIUS_ROLE: '%s' names no role", text);
	}
	return roles;
}

bool roles_need_storage(uint32_t roles, bool is_in_process)
{
	return (roles & (ROLE_ORCHESTRATOR | ROLE_INVOKER)) != 0 ||
	        ((roles & ROLE_WORKER) != 0 && is_in_process);
}

bool roles_need_bus(uint32_t roles)
{
	return (roles & (ROLE_INVOKER | ROLE_BUS)) != 0;
}

bool roles_need_workflow(uint32_t roles)
{
	return (roles & (ROLE_ORCHESTRATOR | ROLE_WORKER | ROLE_INVOKER)) != 0;
}
