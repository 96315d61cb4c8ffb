/* SPDX-License-Identifier: MIT */
/*
 * Protobuf's JSON form by the descriptors of our messages: camel case, 64-bit numbers as texts,
 * bytes in base64, maps as objects, times and enums by name. What our messages lack is left out.
 */
#include "plugins/workflow-temporal/tests/history-json.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "plugins/workflow-temporal/event-kinds.h"
#include "support/base/cleanup.h"
#include "support/grpc/wire.h"

#define NAME_SIZE 128u

CLEANUP_DEFINE(json_t *, json, json_decref)

/* Members of an event that are called otherwise here. */
static const struct {
	const char *own;
	const char *exported;
} names[] = {
	{ "started", "workflowExecutionStartedEventAttributes" },
	{ "activity_scheduled", "activityTaskScheduledEventAttributes" },
	{ "activity_completed", "activityTaskCompletedEventAttributes" },
	{ "activity_failed", "activityTaskFailedEventAttributes" },
	{ "activity_timed_out", "activityTaskTimedOutEventAttributes" },
	{ "activity_canceled", "activityTaskCanceledEventAttributes" },
	{ "timer_started", "timerStartedEventAttributes" },
	{ "timer_fired", "timerFiredEventAttributes" },
	{ "timer_canceled", "timerCanceledEventAttributes" },
	{ "marker", "markerRecordedEventAttributes" },
	{ "signaled", "workflowExecutionSignaledEventAttributes" },
};

static void *convert(
        struct pool *pool, const ProtobufCMessageDescriptor *descriptor, const json_t *object);

static const json_t *member(const json_t *object, const ProtobufCFieldDescriptor *field)
{
	char name[NAME_SIZE];
	size_t size = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].own, field->name) == 0) {
			return json_object_get(object, names[i].exported);
		}
	}
	for (const char *at = field->name; *at != '\0' && size < sizeof(name) - 1; at++) {
		bool is_joint = *at == '_' && at[1] != '\0';
		at += is_joint;
		name[size++] = (char)(is_joint ? *at - 'a' + 'A' : *at);
	}
	name[size] = '\0';
	return json_object_get(object, name);
}

/* WORKFLOW_EXECUTION_STARTED of EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, as event_name prints it. */
static int32_t event_type(const char *text)
{
	char name[NAME_SIZE];
	size_t size = 0;
	text += strlen("EVENT_TYPE_");
	for (bool is_start = true; *text != '\0' && size < sizeof(name) - 1; text++) {
		if (*text != '_') {
			name[size++] = (char)(is_start ? *text : *text - 'A' + 'a');
		}
		is_start = *text == '_';
	}
	name[size] = '\0';
	for (int32_t type = 1; type < EVENT_TIME_SKIPPING + 1; type++) {
		Wire__HistoryEvent event = WIRE__HISTORY_EVENT__INIT;
		event.event_type = type;
		if (strcmp(event_name(&event), name) == 0) {
			return type;
		}
	}
	return INT32_MAX;
}

static int64_t number_of(const json_t *value)
{
	const char *text = json_string_value(value);
	if (text == NULL) {
		return json_is_true(value) ? 1 : json_integer_value(value);
	}
	return strncmp(text, "EVENT_TYPE_", 11) == 0 ? event_type(text) : strtoll(text, NULL, 10);
}

static Wire__Timestamp *timestamp(struct pool *pool, const char *text)
{
	Wire__Timestamp *time = pool_take(pool, sizeof(*time));
	struct tm parts = { 0 };
	wire__timestamp__init(time);
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
	time->seconds = rest != NULL ? timegm(&parts) : 0;
	if (rest != NULL && *rest == '.') {
		time->nanos = (int32_t)(strtod(rest, NULL) * 1e9);
	}
	return time;
}

static Wire__Duration *duration(struct pool *pool, const char *text)
{
	Wire__Duration *duration = pool_take(pool, sizeof(*duration));
	wire__duration__init(duration);
	duration->seconds = strtoll(text, NULL, 10);
	return duration;
}

static void *message(
        struct pool *pool, const ProtobufCMessageDescriptor *descriptor, const json_t *value)
{
	if (descriptor == &wire__timestamp__descriptor) {
		return timestamp(pool, json_string_value(value));
	}
	if (descriptor == &wire__duration__descriptor) {
		return duration(pool, json_string_value(value));
	}
	return convert(pool, descriptor, value);
}

static void set_one(
        struct pool *pool, const ProtobufCFieldDescriptor *field, const json_t *value, void *place)
{
	const char *text = json_string_value(value);
	size_t size = text != NULL ? strlen(text) : 0;
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT64:
		*(int64_t *)place = number_of(value);
		break;
	case PROTOBUF_C_TYPE_INT32:
		*(int32_t *)place = (int32_t)number_of(value);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)place = json_is_true(value);
		break;
	case PROTOBUF_C_TYPE_STRING:
		*(char **)place = pool_copy(pool, text, size);
		break;
	case PROTOBUF_C_TYPE_BYTES: {
		ProtobufCBinaryData *bytes = place;
		bytes->data = pool_take(pool, size + 1);
		(void)grpc_base64_decode(text != NULL ? text : "", size, bytes->data, &bytes->len);
		break;
	}
	case PROTOBUF_C_TYPE_MESSAGE:
		*(void **)place = message(pool, field->descriptor, value);
		break;
	default:
		break;
	}
}

/* One entry of a map. */
static void *entry(struct pool *pool, const ProtobufCMessageDescriptor *descriptor, const char *key,
        const json_t *value)
{
	char *made = pool_take(pool, descriptor->sizeof_message);
	descriptor->message_init((ProtobufCMessage *)made);
	*(char **)(made + descriptor->fields[0].offset) = pool_copy(pool, key, strlen(key));
	set_one(pool, &descriptor->fields[1], value, made + descriptor->fields[1].offset);
	return made;
}

static void set_many(
        struct pool *pool, const ProtobufCFieldDescriptor *field, const json_t *value, char *made)
{
	size_t n = json_is_object(value) ? json_object_size(value) : json_array_size(value);
	void **items = pool_take(pool, (n + 1) * sizeof(*items));
	size_t *n_items = (size_t *)(void *)(made + field->quantifier_offset);
	const char *key;
	json_t *item;
	size_t i;
	json_object_foreach((json_t *)(uintptr_t)value, key, item)
	{
		items[(*n_items)++] = entry(pool, field->descriptor, key, item);
	}
	json_array_foreach(value, i, item)
	{
		items[(*n_items)++] = message(pool, field->descriptor, item);
	}
	*(void ***)(void *)(made + field->offset) = items;
}

static void *convert(
        struct pool *pool, const ProtobufCMessageDescriptor *descriptor, const json_t *object)
{
	char *made = pool_take(pool, descriptor->sizeof_message);
	descriptor->message_init((ProtobufCMessage *)made);
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
		const json_t *value = member(object, field);
		if (value != NULL && field->label == PROTOBUF_C_LABEL_REPEATED) {
			set_many(pool, field, value, made);
		} else if (value != NULL) {
			set_one(pool, field, value, made + field->offset);
		}
	}
	return made;
}

Wire__History *history_json_load(struct pool *pool, const char *path)
{
	json_error_t error;
	CLEANUP(cleanup_json) json_t *root = json_load_file(path, 0, &error);
	if (root == NULL || !json_is_array(json_object_get(root, "events"))) {
		fprintf(stderr, "%s: %s\n", path, root == NULL ? error.text : "no events");
		return NULL;
	}
	return convert(pool, &wire__history__descriptor, root);
}
