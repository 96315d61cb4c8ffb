/* SPDX-License-Identifier: MIT */
/* Which topics are served, and which lane a topic stands for. */
#ifndef CONSUMERS_RUNTIME_TOPICS_H
#define CONSUMERS_RUNTIME_TOPICS_H

#include "consumers/common/fault.h"

#include <stddef.h>

enum { TOPICS_MAX = 256, LANE_MAX = 1023, LANE_NONE = -1 };

struct topic_list {
	char **names; /* owned, each once */
	size_t n_topics;
};

/*
 * Reads `one`, `one,two`, `global-bus-p0..15` (sixteen topics) and mixtures. Returns 0 or
 * EX_CONFIG; variable is for the message. To be given to topics_finish either way.
 */
int topics_read(
        const char *text, const char *variable, struct fault *fault, struct topic_list *ret_topics);

void topics_finish(struct topic_list *topics);

/* The number at the end of a topic's name, LANE_NONE if there is none or it is over LANE_MAX. */
int topics_lane(const char *topic);

#endif
