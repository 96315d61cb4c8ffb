/* SPDX-License-Identifier: MIT */
/* Messages that wait at their topic for the time that their sender has set. */
#ifndef BUS_LOCAL_MODEL_SCHEDULE_H
#define BUS_LOCAL_MODEL_SCHEDULE_H

#include "plugins/bus-local/model/topic.h"

/* So many more may wait. */
bool schedule_has_room(const struct topic *topic, size_t n);

/* Takes a reference; returns the number to cancel it by. The message is published when its time
 * has come, and dropped, counted, if there is no room then. */
uint64_t schedule_message(struct topic *topic, struct message *message);

/* False: it is not (or no longer) scheduled. */
bool schedule_cancel(struct topic *topic, uint64_t number);

/* Drops all. */
void schedule_finish(struct topic *topic);

#endif
