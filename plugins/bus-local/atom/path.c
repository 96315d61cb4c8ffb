/* SPDX-License-Identifier: MIT */
/* Names of topics may have slashes, those of subscriptions and rules not. */
#include "plugins/bus-local/atom/path.h"

#include <event2/http.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "support/base/cleanup.h"

static bool keep(char *to, size_t room, const char *from, size_t size)
{
	if (size == 0 || size >= room) {
		return false;
	}
	memcpy(to, from, size);
	to[size] = '\0';
	return true;
}

/* The last place where the path has that segment, at its slash; NULL: none. */
static const char *find_last(const char *path, const char *segment)
{
	size_t size = strlen(segment);
	const char *found = NULL;
	for (const char *at = strchr(path, '/'); at != NULL; at = strchr(at + 1, '/')) {
		if (strncasecmp(at + 1, segment, size) == 0 &&
		        (at[1 + size] == '/' || at[1 + size] == '\0')) {
			found = at;
		}
	}
	return found;
}

/* Behind ".../rules", or nothing of it. */
static bool read_rule(const char *rest, struct atom_path *path)
{
	if (strncasecmp(rest, "rules", 5) != 0 || (rest[5] != '/' && rest[5] != '\0')) {
		return false;
	}
	path->what = rest[5] == '\0' ? ATOM_RULES : ATOM_RULE;
	return rest[5] == '\0' ||
	        (strchr(rest + 6, '/') == NULL &&
	                keep(path->rule, sizeof(path->rule), rest + 6, strlen(rest + 6)));
}

/* Behind ".../subscriptions". */
static bool read_subscription(const char *rest, struct atom_path *path)
{
	if (rest[0] == '\0') {
		path->what = ATOM_SUBSCRIPTIONS;
		return true;
	}
	size_t size = strcspn(rest + 1, "/");
	if (!keep(path->subscription, sizeof(path->subscription), rest + 1, size)) {
		return false;
	}
	path->what = ATOM_SUBSCRIPTION;
	return rest[1 + size] == '\0' || read_rule(rest + size + 2, path);
}

/* Those that are the namespace's own. */
static bool read_listing(const char *text, struct atom_path *path)
{
	static const struct {
		const char *name;
		enum atom_what what;
	} listings[] = {
		{ "$namespaceinfo", ATOM_NAMESPACE },
		{ "$Resources/Topics", ATOM_TOPICS },
		{ "$Resources/Queues", ATOM_QUEUES },
	};
	for (size_t i = 0; i < sizeof(listings) / sizeof(listings[0]); i++) {
		if (strcasecmp(text, listings[i].name) == 0) {
			path->what = listings[i].what;
			return true;
		}
	}
	return false;
}

static bool read_path(const char *text, struct atom_path *path)
{
	if (text[0] == '$') {
		return read_listing(text, path);
	}
	const char *separator = find_last(text, "subscriptions");
	size_t size = separator != NULL ? (size_t)(separator - text) : strlen(text);
	if (!keep(path->entity, sizeof(path->entity), text, size)) {
		return false;
	}
	path->what = ATOM_ENTITY;
	return separator == NULL ||
	        read_subscription(separator + sizeof("/subscriptions") - 1, path);
}

bool atom_path_parse(const char *path, struct atom_path *ret_path)
{
	size_t size = 0;
	CLEANUP_FREE char *decoded = evhttp_uridecode(path, 0, &size);
	*ret_path = (struct atom_path){ 0 };
	if (decoded == NULL || strlen(decoded) != size) {
		return false;
	}
	char *start = decoded + strspn(decoded, "/");
	for (size_t end = strlen(start); end != 0 && start[end - 1] == '/'; end--) {
		start[end - 1] = '\0';
	}
	return read_path(start, ret_path);
}
