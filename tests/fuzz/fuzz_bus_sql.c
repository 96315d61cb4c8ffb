/* SPDX-License-Identifier: MIT */
/* SQL filters of subscriptions: any text is taken or refused with a sentence, and what is taken
 * decides about a message, the same way each time. */
#include <stdlib.h>

#include "plugins/bus-local/model/message.h"
#include "plugins/bus-local/model/sql.h"
#include "tests/fuzz/fuzz.h"

static void must(int condition)
{
	if (!condition) {
		abort();
	}
}

static struct message *sample(void)
{
	struct amqp_buffer buffer = { 0 };
	const char *error = NULL;
	const struct amqp_application_property properties[] = {
		{ .name = amqp_text("color"), .text = amqp_text("red") },
		{ .name = amqp_text("size"), .number = 7, .is_number = true },
	};
	struct amqp_draft draft = {
		.message_id = amqp_text("id"),
		.subject = amqp_text("label"),
		.properties = properties,
		.n_properties = 2,
		.body = amqp_text("{}"),
	};
	amqp_message_write(&buffer, &draft);
	struct message *message =
	        message_decode(amqp_buffer_bytes(&buffer), amqp_text("spare"), &error);
	amqp_buffer_finish(&buffer);
	return message;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char error[200] = "";
	struct view first;
	struct view second;
	struct sql_filter *filter = sql_create(amqp_bytes(bytes, size), error, sizeof(error));
	must((filter == NULL) == (error[0] != '\0'));
	if (filter != NULL) {
		struct message *message = sample();
		must(message != NULL);
		view_init(&first, message);
		view_init(&second, message);
		must(sql_matches(filter, &first) == sql_matches(filter, &second));
		message_drop(message);
	}
	sql_destroy(filter);
	return 0;
}
