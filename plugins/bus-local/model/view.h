/* SPDX-License-Identifier: MIT */
/* A message while filters look at it: each part is taken apart once, when it is first asked for. */
#ifndef BUS_LOCAL_MODEL_VIEW_H
#define BUS_LOCAL_MODEL_VIEW_H

#include "plugins/bus-local/model/message.h"

struct view {
	const struct message *message;
	struct amqp_properties properties;
	struct amqp_value application_properties; /* the map */
	bool has_properties; /* properties is filled */
	bool has_application_properties; /* application_properties is filled */
	bool has_step_type; /* step_type is filled */
	struct amqp_bytes step_type;
	char body_step[128]; /* where step_type lies if the body names it */
};

/* The message must live as long as the view is used; texts lie in it. */
void view_init(struct view *view, const struct message *message);

/* AMQP_NULL if it is not set. */
const struct amqp_value *view_property(struct view *view, enum amqp_property property);

/* An application property, its name without regard to the case of ASCII letters. False: missing. */
bool view_application_property(
        struct view *view, struct amqp_bytes name, struct amqp_value *ret_value);

/* The kind of step: application property step_type, or the member of a JSON body where the
 * sender has set no such property. Size 0: neither. */
struct amqp_bytes view_step_type(struct view *view);

#endif
