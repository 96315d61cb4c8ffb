/* SPDX-License-Identifier: MIT */
/* A message as the daemon gets it. */
#ifndef BUS_LOCAL_LOCAL_MESSAGE_H
#define BUS_LOCAL_LOCAL_MESSAGE_H

struct bus;
struct entry;
struct lucius_message;

/* Everything in it is lent until the next call: it lies in the entry or in the bus's scratch. */
void local_message_read(
        struct bus *bus, const struct entry *entry, struct lucius_message *ret_message);

#endif
