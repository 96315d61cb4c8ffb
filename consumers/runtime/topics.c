/* SPDX-License-Identifier: MIT */
/* Reads lists and ranges of topics; see topics.h. */
#include "consumers/runtime/topics.h"

#include "consumers/common/text.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { TOPIC_MAX_LENGTH = 260, NUMBER_MAX_DIGITS = 4 };

static int add(
        struct topic_list *topics, const char *name, const char *variable, struct fault *fault)
{
	for (size_t i = 0; i < topics->n_topics; i++) {
		if (strcmp(topics->names[i], name) == 0) {
			return 0;
		}
	}
	if (topics->n_topics == TOPICS_MAX) {
		return fault_setting(fault, "%s names more than %d topics.", variable, TOPICS_MAX);
	}
	topics->names = must_resize(topics->names, topics->n_topics + 1, sizeof(topics->names[0]));
	topics->names[topics->n_topics++] = text_copy(name);
	return 0;
}

static size_t digits_at_end(const char *text, size_t size)
{
	size_t n_digits = 0;
	while (n_digits < size && text[size - n_digits - 1] >= '0' &&
	        text[size - n_digits - 1] <= '9') {
		n_digits++;
	}
	return n_digits;
}

/* Item holds `..` at dots. */
static int add_range(struct topic_list *topics, const char *item, const char *dots,
        const char *variable, struct fault *fault)
{
	size_t n_first = digits_at_end(item, (size_t)(dots - item));
	size_t n_last = strlen(dots + 2);
	bool is_range = n_first > 0 && n_first <= NUMBER_MAX_DIGITS && n_last > 0 &&
	        n_last <= NUMBER_MAX_DIGITS && digits_at_end(dots + 2, n_last) == n_last;
	unsigned long first = is_range ? strtoul(dots - n_first, NULL, 10) : 1;
	unsigned long last = is_range ? strtoul(dots + 2, NULL, 10) : 0;
	if (last < first) {
		return fault_setting(fault,
		        "%s has '%s'; a range is written like 'global-bus-p0..15'.", variable,
		        item);
	}
	int status = 0;
	for (unsigned long number = first; number <= last && status == 0; number++) {
		CLEANUP_FREE char *name = text_format(
		        "%.*s%lu", (int)((size_t)(dots - item) - n_first), item, number);
		status = add(topics, name, variable, fault);
	}
	return status;
}

static int add_item(
        struct topic_list *topics, char *item, const char *variable, struct fault *fault)
{
	item += strspn(item, " \t");
	size_t size = strlen(item);
	while (size > 0 && (item[size - 1] == ' ' || item[size - 1] == '\t')) {
		item[--size] = '\0';
	}
	if (size == 0 || size > TOPIC_MAX_LENGTH || strpbrk(item, " \t\r\n") != NULL) {
		return fault_setting(fault,
		        "%s has '%s', which is no topic name; give one, a comma list, or a range "
		        "like "
		        "'global-bus-p0..15'.",
		        variable, item);
	}
	const char *dots = strstr(item, "..");
	return dots != NULL ? add_range(topics, item, dots, variable, fault)
	                    : add(topics, item, variable, fault);
}

int topics_read(
        const char *text, const char *variable, struct fault *fault, struct topic_list *ret_topics)
{
	CLEANUP_FREE char *copy = text_copy(text);
	char *rest = copy;
	*ret_topics = (struct topic_list){ 0 };
	for (char *item = strsep(&rest, ","); item != NULL; item = strsep(&rest, ",")) {
		int status = add_item(ret_topics, item, variable, fault);
		if (status != 0) {
			return status;
		}
	}
	return 0;
}

void topics_finish(struct topic_list *topics)
{
	for (size_t i = 0; i < topics->n_topics; i++) {
		free(topics->names[i]);
	}
	free(topics->names);
	*topics = (struct topic_list){ 0 };
}

int topics_lane(const char *topic)
{
	size_t size = strlen(topic);
	size_t n_digits = digits_at_end(topic, size);
	if (n_digits == 0 || n_digits > NUMBER_MAX_DIGITS) {
		return LANE_NONE;
	}
	long lane = strtol(topic + size - n_digits, NULL, 10);
	return lane <= LANE_MAX ? (int)lane : LANE_NONE;
}
