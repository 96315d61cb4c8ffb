/* SPDX-License-Identifier: MIT */
/* Application properties that were changed after a message came, kept apart from its bytes. */
#ifndef BUS_LOCAL_MODEL_OVERRIDES_H
#define BUS_LOCAL_MODEL_OVERRIDES_H

#include "support/amqp/message.h"

/* Encoded map entries with string keys. */
struct overrides {
	struct amqp_buffer entries;
	uint32_t n; /* keys and values together */
};

/* More bytes of changed properties than this are not taken; the rest stays. */
#define OVERRIDES_MAX_SIZE 65536

struct overrides *overrides_create(void);
void overrides_destroy(struct overrides *overrides);

/* Sets one property; false if that would be too much. */
bool overrides_set(
        struct overrides *overrides, struct amqp_bytes name, const struct amqp_value *value);
bool overrides_set_text(
        struct overrides *overrides, struct amqp_bytes name, struct amqp_bytes text);

/* Appends an application-properties section: the old one (size 0: none) with the changes. */
void overrides_put_section(const struct overrides *overrides, struct amqp_bytes old_section,
        struct amqp_buffer *buffer);

#endif
