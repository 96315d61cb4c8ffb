/* SPDX-License-Identifier: MIT */
/*
 * Reads the file that Microsoft's emulator reads. What the emulator does and the local bus does not
 * (sessions, rule actions) is noted and left out; what would send messages elsewhere (forwarding)
 * is refused.
 */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>

#include "plugins/bus-local/duration.h"
#include "plugins/bus-local/model/sql.h"
#include "plugins/bus-local/model/topic.h"
#include "plugins/bus-local/options.h"
#include "plugins/bus-local/topology-rules.h"
#include "plugins/bus-local/topology.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define MAX_FILE_SIZE (4 * 1024 * 1024)

CLEANUP_DEFINE(json_t *, json, json_decref)
CLEANUP_DEFINE(FILE *, file, (void)fclose)

struct reading {
	struct broker *broker;
	const struct topology_source *source;
	char *error;
	size_t error_size;
};

__attribute__((format(printf, 2, 3))) static bool refuse(
        struct reading *reading, const char *format, ...)
{
	va_list arguments;
	int n = snprintf(reading->error, reading->error_size,
	        "bus-config '%s': ", reading->source->options->config);
	size_t used = n > 0 && (size_t)n < reading->error_size ? (size_t)n : 0;
	va_start(arguments, format);
	vsnprintf(reading->error + used, reading->error_size - used, format, arguments);
	va_end(arguments);
	return false;
}

__attribute__((format(printf, 2, 3))) static void note(
        const struct reading *reading, const char *format, ...)
{
	char sentence[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	if (reading->source->note != NULL) {
		reading->source->note(reading->source->user, sentence);
	}
}

/* Comments become blanks, line ends stay, so that the parser's line numbers are right. */
static void blank_comments(char *text)
{
	bool in_string = false;
	for (char *at = text; *at != '\0'; at++) {
		if (in_string) {
			if (*at == '\\' && at[1] != '\0') {
				at++;
			} else if (*at == '"') {
				in_string = false;
			}
		} else if (*at == '"') {
			in_string = true;
		} else if (at[0] == '/' && at[1] == '/') {
			for (; *at != '\0' && *at != '\n'; at++) {
				*at = ' ';
			}
			at--;
		} else if (at[0] == '/' && at[1] == '*') {
			const char *end = strstr(at + 2, "*/");
			const char *stop = end != NULL ? end + 2 : at + strlen(at);
			for (; at < stop; at++) {
				*at = *at == '\n' ? '\n' : ' ';
			}
			at--;
		}
	}
}

/* NULL: a sentence in error. */
static char *read_file(struct reading *reading)
{
	struct stat status;
	CLEANUP(cleanup_file) FILE *file = fopen(reading->source->options->config, "re");
	if (file == NULL || fstat(fileno(file), &status) != 0) {
		refuse(reading, "it cannot be read: %s", strerror(errno));
		return NULL;
	}
	if (!S_ISREG(status.st_mode) || status.st_size > MAX_FILE_SIZE) {
		refuse(reading, "it must be a file of at most %d bytes", MAX_FILE_SIZE);
		return NULL;
	}
	CLEANUP_FREE char *text = must_calloc((size_t)status.st_size + 1, 1);
	size_t n = fread(text, 1, (size_t)status.st_size, file);
	if (ferror(file) != 0) {
		refuse(reading, "it cannot be read: %s", strerror(errno));
		return NULL;
	}
	text[n] = '\0';
	return steal(text);
}

/* A member that is a duration; left as it is if missing or empty. */
static bool read_duration(
        struct reading *reading, const json_t *properties, const char *name, int64_t *ms)
{
	const json_t *member = json_object_get(properties, name);
	const char *text = json_string_value(member);
	if (member == NULL || (text != NULL && text[0] == '\0')) {
		return true;
	}
	if (text == NULL || !duration_parse(text, ms)) {
		return refuse(reading, "%s is '%s'; it must be a duration such as PT1M", name,
		        text != NULL ? text : "no text");
	}
	return true;
}

static bool read_flag(
        struct reading *reading, const json_t *properties, const char *name, bool *flag)
{
	const json_t *member = json_object_get(properties, name);
	if (member == NULL) {
		return true;
	}
	if (!json_is_boolean(member)) {
		return refuse(reading, "%s must be true or false", name);
	}
	*flag = json_is_true(member);
	return true;
}

static bool check_forwarding(struct reading *reading, const json_t *properties, const char *address)
{
	static const char *const names[] = { "ForwardTo", "ForwardDeadLetteredMessagesTo" };
	for (size_t i = 0; i < 2; i++) {
		const char *target = json_string_value(json_object_get(properties, names[i]));
		if (target != NULL && target[0] != '\0') {
			return refuse(reading,
			        "'%s' has %s '%s'; the local bus does not forward, leave it empty",
			        address, names[i], target);
		}
	}
	return true;
}

/* What queues and subscriptions have in common. */
static bool read_receiving(
        struct reading *reading, const json_t *properties, struct subscription_settings *settings)
{
	const json_t *most = json_object_get(properties, "MaxDeliveryCount");
	if (most != NULL) {
		json_int_t n = json_integer_value(most);
		if (!json_is_integer(most) || n < 1 || n > 2000) {
			return refuse(reading, "MaxDeliveryCount must be a number from 1 to 2000");
		}
		settings->max_delivery_count = (uint32_t)n;
	}
	return read_duration(reading, properties, "LockDuration", &settings->lock_ms) &&
	        read_duration(reading, properties, "DefaultMessageTimeToLive", &settings->ttl_ms) &&
	        read_flag(reading, properties, "DeadLetteringOnMessageExpiration",
	                &settings->keeps_expired) &&
	        read_flag(reading, properties, "RequiresSession", &settings->needs_session);
}

static bool check_receiving(
        struct reading *reading, const struct subscription_settings *settings, const char *address)
{
	if (settings->lock_ms < 1000 || settings->lock_ms > 300000) {
		return refuse(reading, "LockDuration of '%s' must be from PT1S to PT5M", address);
	}
	if (settings->needs_session) {
		note(reading,
		        "'%s' requires sessions, which the local bus does not have: nobody can "
		        "receive from it",
		        address);
	}
	return true;
}

static bool read_subscription(struct reading *reading, struct topic *topic, const json_t *declared)
{
	const char *name = json_string_value(json_object_get(declared, "Name"));
	const json_t *properties = json_object_get(declared, "Properties");
	struct subscription_settings settings = topology_defaults(reading->source->options);
	char error[300] = "";
	if (name == NULL || name[0] == '\0' || strlen(name) > 50 || strchr(name, '/') != NULL) {
		return refuse(reading,
		        "a subscription of '%s' has the name '%s'; it must have 1 to 50 characters "
		        "and "
		        "no slash",
		        topic->name, name != NULL ? name : "");
	}
	settings.name = name;
	if (!check_forwarding(reading, properties, name) ||
	        !read_receiving(reading, properties, &settings) ||
	        !check_receiving(reading, &settings, name)) {
		return false;
	}
	unsigned n_actions = 0;
	if (!topology_read_rules(json_object_get(declared, "Rules"), &settings.rules, &n_actions,
	            error, sizeof(error))) {
		return refuse(reading, "subscription '%s' of '%s': %s", name, topic->name, error);
	}
	if (n_actions != 0) {
		note(reading,
		        "'%s/Subscriptions/%s' has rule actions, which the local bus does not run",
		        topic->name, name);
	}
	if (subscription_create(topic, &settings) == NULL) {
		return refuse(reading,
		        "subscription '%s' of '%s' is one too many, or declared twice", name,
		        topic->name);
	}
	return true;
}

/* Queues too. NULL: a sentence in error. */
static struct topic *read_topic(struct reading *reading, const json_t *declared, bool is_queue)
{
	const char *name = json_string_value(json_object_get(declared, "Name"));
	const json_t *properties = json_object_get(declared, "Properties");
	struct topic_settings settings = { .name = name, .is_queue = is_queue };
	int64_t window_ms = 600000;
	bool detects = false;
	if (name == NULL || name[0] == '\0' || strlen(name) > TOPIC_NAME_MAX || name[0] == '/') {
		refuse(reading,
		        "a topic or queue has the name '%s'; it must have 1 to 260 characters",
		        name != NULL ? name : "");
		return NULL;
	}
	if (!read_duration(reading, properties, "DefaultMessageTimeToLive", &settings.ttl_ms) ||
	        !read_duration(
	                reading, properties, "DuplicateDetectionHistoryTimeWindow", &window_ms) ||
	        !read_flag(reading, properties, "RequiresDuplicateDetection", &detects)) {
		return NULL;
	}
	settings.duplicate_window_ms = detects ? window_ms : 0;
	struct topic *topic = topic_create(reading->broker, &settings);
	if (topic == NULL) {
		refuse(reading, "'%s' is declared twice", name);
	}
	return topic;
}

static bool read_queue(struct reading *reading, const json_t *declared)
{
	const json_t *properties = json_object_get(declared, "Properties");
	struct subscription_settings settings = topology_defaults(reading->source->options);
	struct topic *topic = read_topic(reading, declared, true);
	settings.name = "";
	return topic != NULL && check_forwarding(reading, properties, topic->name) &&
	        read_receiving(reading, properties, &settings) &&
	        check_receiving(reading, &settings, topic->name) &&
	        subscription_create(topic, &settings) != NULL;
}

static bool read_whole_topic(struct reading *reading, const json_t *declared)
{
	size_t i = 0;
	const json_t *subscription = NULL;
	struct topic *topic = read_topic(reading, declared, false);
	if (topic == NULL) {
		return false;
	}
	json_array_foreach(json_object_get(declared, "Subscriptions"), i, subscription)
	{
		if (!read_subscription(reading, topic, subscription)) {
			return false;
		}
	}
	return true;
}

static bool read_namespace(struct reading *reading, const json_t *declared)
{
	size_t i = 0;
	const json_t *entity = NULL;
	json_array_foreach(json_object_get(declared, "Queues"), i, entity)
	{
		if (!read_queue(reading, entity)) {
			return false;
		}
	}
	json_array_foreach(json_object_get(declared, "Topics"), i, entity)
	{
		if (!read_whole_topic(reading, entity)) {
			return false;
		}
	}
	return true;
}

/* The text is written into: its comments go. */
static bool read_text(struct reading *reading, char *text)
{
	json_error_t problem;
	blank_comments(text);
	CLEANUP(cleanup_json) json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, &problem);
	if (document == NULL) {
		return refuse(reading, "line %d: %s", problem.line, problem.text);
	}
	const json_t *namespaces =
	        json_object_get(json_object_get(document, "UserConfig"), "Namespaces");
	if (!json_is_array(namespaces)) {
		return refuse(reading, "it has no array UserConfig.Namespaces");
	}
	size_t i = 0;
	const json_t *declared = NULL;
	json_array_foreach(namespaces, i, declared)
	{
		if (!read_namespace(reading, declared)) {
			return false;
		}
	}
	return true;
}

bool topology_read(
        struct broker *broker, const struct topology_source *source, char *error, size_t error_size)
{
	struct reading reading = {
		.broker = broker, .source = source, .error = error, .error_size = error_size
	};
	CLEANUP_FREE char *text = must_copy(source->text, strlen(source->text));
	return read_text(&reading, text);
}

bool topology_load(
        struct broker *broker, const struct topology_source *source, char *error, size_t error_size)
{
	struct reading reading = {
		.broker = broker, .source = source, .error = error, .error_size = error_size
	};
	CLEANUP_FREE char *text = read_file(&reading);
	return text != NULL && read_text(&reading, text);
}
