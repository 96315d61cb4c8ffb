/* SPDX-License-Identifier: MIT */
/* Paths and entries as strangers send them to the management API: the first line, and the rest. */
#include <stdlib.h>
#include <string.h>

#include "plugins/bus-local/atom/path.h"
#include "plugins/bus-local/atom/settings.h"
#include "plugins/bus-local/model/rule.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/fuzz/fuzz.h"

static void read_entry(const struct element *entry)
{
	char error[300] = "";
	const struct element *content = tree_child(entry, "content");
	const struct element *description = content != NULL ? content->first : NULL;
	if (description == NULL) {
		return;
	}
	struct topic_settings topic = { 0 };
	struct subscription_settings subscription = { .lock_ms = 60000 };
	(void)settings_read_topic(description, &topic, error, sizeof(error));
	if (settings_read_subscription(description, &subscription, error, sizeof(error)) &&
	        (subscription.lock_ms < 1000 || subscription.lock_ms > 300000)) {
		abort();
	}
	rules_destroy(subscription.rules);
	rules_destroy(settings_read_rule(description, NULL, error, sizeof(error)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char error[300] = "";
	struct atom_path path;
	CLEANUP_FREE char *text = must_copy(bytes, size);
	char *line_end = memchr(text, '\n', size);
	char *xml = line_end != NULL ? line_end + 1 : text + size;
	if (line_end != NULL) {
		*line_end = '\0';
	}
	(void)atom_path_parse(text, &path);
	struct element *entry = tree_read(xml, (size_t)(text + size - xml), error, sizeof(error));
	if (entry == NULL && error[0] == '\0') {
		abort();
	}
	if (entry != NULL) {
		read_entry(entry);
	}
	tree_destroy(entry);
	return 0;
}
