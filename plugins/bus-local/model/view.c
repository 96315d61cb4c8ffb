/* SPDX-License-Identifier: MIT */
/* The body is parsed as JSON only for messages that lack the application property. */
#include "plugins/bus-local/model/view.h"

#include <jansson.h>
#include <strings.h>

#include "support/base/cleanup.h"

CLEANUP_DEFINE(json_t *, json, json_decref)

void view_init(struct view *view, const struct message *message)
{
	view->message = message;
	view->has_properties = false;
	view->has_application_properties = false;
	view->has_step_type = false;
}

const struct amqp_value *view_property(struct view *view, enum amqp_property property)
{
	if (!view->has_properties) {
		/* It was read once before the message was taken. */
		(void)amqp_properties_parse(view->message->properties, &view->properties);
		view->has_properties = true;
	}
	return &view->properties.at[property];
}

static bool is_same_name(const struct amqp_value *key, struct amqp_bytes name)
{
	return (key->type == AMQP_STRING || key->type == AMQP_SYMBOL) &&
	        key->bytes.size == name.size &&
	        strncasecmp((const char *)key->bytes.start, (const char *)name.start, name.size) ==
	        0;
}

bool view_application_property(
        struct view *view, struct amqp_bytes name, struct amqp_value *ret_value)
{
	struct amqp_value *map = &view->application_properties;
	if (!view->has_application_properties) {
		/* It was read once before the message was taken. */
		if (!amqp_section_map_again(view->message->application_properties, map)) {
			map->bytes = amqp_bytes(NULL, 0);
		}
		view->has_application_properties = true;
	}
	struct amqp_reader reader = amqp_reader(map->bytes);
	struct amqp_value key;
	while (amqp_map_next(&reader, &key, ret_value)) {
		if (is_same_name(&key, name)) {
			return true;
		}
	}
	return false;
}

/* Size 0: the body is not JSON, or names none. */
static struct amqp_bytes read_body_step(struct view *view)
{
	CLEANUP(amqp_buffer_finish) struct amqp_buffer joined = { 0 };
	struct amqp_message parts = { .body = view->message->body };
	struct amqp_bytes body;
	if (!amqp_message_read_body(&parts, &joined, &body)) {
		return amqp_bytes(NULL, 0);
	}
	CLEANUP(cleanup_json)
	json_t *document = json_loadb((const char *)body.start, body.size, 0, NULL);
	struct amqp_bytes step_type =
	        amqp_text(json_string_value(json_object_get(document, "step_type")));
	if (step_type.size == 0 || step_type.size > sizeof(view->body_step)) {
		return amqp_bytes(NULL, 0);
	}
	memcpy(view->body_step, step_type.start, step_type.size);
	return amqp_bytes(view->body_step, step_type.size);
}

struct amqp_bytes view_step_type(struct view *view)
{
	struct amqp_value property;
	if (view->has_step_type) {
		return view->step_type;
	}
	if (view_application_property(view, amqp_text("step_type"), &property) &&
	        property.type == AMQP_STRING) {
		view->step_type = property.bytes;
	} else {
		view->step_type = read_body_step(view);
	}
	view->has_step_type = true;
	return view->step_type;
}
