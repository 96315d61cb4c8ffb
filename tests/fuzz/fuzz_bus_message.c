/* SPDX-License-Identifier: MIT */
/* Messages that peers send to the local bus: what is kept of them can be filtered, changed and read
 * again as a message, with an id whatever the sender has done. */
#include <stdlib.h>

#include "plugins/bus-local/model/message.h"
#include "plugins/bus-local/model/overrides.h"
#include "plugins/bus-local/model/view.h"
#include "tests/fuzz/fuzz.h"

static void must(int condition)
{
	if (!condition) {
		abort();
	}
}

static void must_be_within(struct amqp_bytes part, struct amqp_bytes whole)
{
	must(part.size == 0 ||
	        (part.start >= whole.start && part.start + part.size <= whole.start + whole.size));
}

static void filter(const struct message *message)
{
	struct view view;
	struct amqp_value ignored;
	view_init(&view, message);
	(void)view_step_type(&view);
	(void)view_application_property(&view, amqp_text("no such"), &ignored);
	for (int i = 0; i < AMQP_N_PROPERTIES; i++) {
		(void)view_property(&view, (enum amqp_property)i);
	}
}

static void change(const struct message *message)
{
	struct amqp_buffer section = { 0 };
	struct amqp_value value;
	struct overrides *overrides = overrides_create();
	must(overrides_set_text(overrides, amqp_text("k"), amqp_text("v")));
	overrides_put_section(overrides, message->application_properties, &section);
	must(amqp_section_find(amqp_buffer_bytes(&section), "k", &value));
	must(amqp_value_is_text(&value, "v"));
	overrides_destroy(overrides);
	amqp_buffer_finish(&section);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *error = NULL;
	struct message *message =
	        message_decode(amqp_bytes(bytes, size), amqp_text("spare"), &error);
	if (message == NULL) {
		must(error != NULL);
		return 0;
	}
	struct amqp_bytes bare = message_bare(message);
	must_be_within(message->properties, bare);
	must_be_within(message->application_properties, bare);
	must_be_within(message->body, bare);
	must_be_within(message->id, bare);
	filter(message);
	change(message);
	struct message *again = message_decode(bare, amqp_text("other"), &error);
	must(again != NULL && amqp_bytes_equal(again->id, message->id));
	message_drop(again);
	message_drop(message);
	return 0;
}
