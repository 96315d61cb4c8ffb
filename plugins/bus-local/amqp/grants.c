/* SPDX-License-Identifier: MIT */
/* A list, as a connection has a handful. */
#include "plugins/bus-local/amqp/grants.h"

#include <stdlib.h>
#include <string.h>

#include "support/azure/sas.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

void grants_finish(struct grants *grants)
{
	for (size_t i = 0; i < grants->n; i++) {
		free(grants->list[i].path);
	}
	free(grants->list);
	*grants = (struct grants){ 0 };
}

/* Which host a peer calls us by says nothing. */
static char *path_of(const char *audience)
{
	CLEANUP_FREE char *normal = azure_audience_normal(audience, strlen(audience));
	const char *slash = strchr(normal, '/');
	return slash != NULL ? must_copy(slash + 1, strlen(slash + 1)) : must_copy("", 0);
}

static struct grant *find(struct grants *grants, const char *path)
{
	for (size_t i = 0; i < grants->n; i++) {
		if (strcmp(grants->list[i].path, path) == 0) {
			return &grants->list[i];
		}
	}
	return NULL;
}

bool grants_add(struct grants *grants, const char *audience, int64_t expires_s)
{
	CLEANUP_FREE char *path = path_of(audience);
	struct grant *grant = find(grants, path);
	if (grant != NULL) {
		grant->expires_s = expires_s;
		return true;
	}
	if (grants->n == GRANTS_MAX) {
		return false;
	}
	if (grants->n == grants->n_allocated) {
		grants->n_allocated = grants->n_allocated != 0 ? grants->n_allocated * 2 : 4;
		grants->list =
		        must_resize(grants->list, grants->n_allocated, sizeof(*grants->list));
	}
	grants->list[grants->n++] = (struct grant){ .path = steal(path), .expires_s = expires_s };
	return true;
}

bool grants_cover(const struct grants *grants, const char *path, int64_t now_s)
{
	if (grants->is_all) {
		return true;
	}
	for (size_t i = 0; i < grants->n; i++) {
		const struct grant *grant = &grants->list[i];
		bool covers = grant->path[0] == '\0' || azure_audience_covers(grant->path, path);
		if (covers && grant->expires_s > now_s) {
			return true;
		}
	}
	return false;
}

int64_t grants_first_end(const struct grants *grants, int64_t now_s)
{
	int64_t first = INT64_MAX;
	for (size_t i = 0; i < grants->n; i++) {
		int64_t end = grants->list[i].expires_s;
		if (end > now_s && end < first) {
			first = end;
		}
	}
	return first;
}
