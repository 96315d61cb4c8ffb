/* SPDX-License-Identifier: MIT */
/* Addresses of links: topic, subscription, dead-letter queue, management node. */
#ifndef BUS_LOCAL_AMQP_ADDRESS_H
#define BUS_LOCAL_AMQP_ADDRESS_H

#include "support/amqp/buffer.h"

#define ADDRESS_MAX_SIZE 512

struct address {
	char path[ADDRESS_MAX_SIZE]; /* lower case, without scheme and authority */
	char topic[ADDRESS_MAX_SIZE];
	char subscription[ADDRESS_MAX_SIZE]; /* empty: none; upper case as it came */
	bool is_cbs;
	bool is_dead_letters;
	bool is_management;
};

/* "topic/Subscriptions/sub/$DeadLetterQueue/$management", with or without `scheme://host:port/` in
 * front, in any case of letters. False: empty or too long. */
bool address_parse(const char *text, struct address *ret_address);

#endif
