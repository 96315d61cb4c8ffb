/* SPDX-License-Identifier: MIT */
/* The AMQP listener: takes connections, up to a limit, and ends them all at the end. */
#ifndef BUS_LOCAL_AMQP_LISTENER_H
#define BUS_LOCAL_AMQP_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bus;
struct bus_address;
struct listener;
struct peer;
struct subscription;
struct topic;

/* Listens from now on. NULL: a sentence in error. */
struct listener *listener_create(
        struct bus *bus, const struct bus_address *address, char *error, size_t error_size);

/* Cuts all connections off; takes NULL. */
void listener_destroy(struct listener *listener);

/* The port that it listens on, which is another than asked for if that was 0. */
uint16_t listener_port(const struct listener *listener);

/* Connections that are served. */
size_t listener_n_peers(const struct listener *listener);

/* Gives nothing out from now on; settlements and renewals are still taken. */
void listener_hold_back(struct listener *listener);
bool listener_is_holding_back(const struct listener *listener);

/* Takes no new connection, and closes those that there are. True: none is left. Again and again. */
bool listener_close(struct listener *listener);

/* Ends all links to the topic, or if subscription is not NULL, those from it, as if it were not
 * there. */
void listener_close_links(struct listener *listener, const struct topic *topic,
        const struct subscription *subscription);

/* The wall clock was set: tokens end by it. */
void listener_check_grants(struct listener *listener);

/* Ends at once the connections that there are. */
void listener_cut_off(struct listener *listener);

/* The bus that it serves. */
struct bus *listener_bus(const struct listener *listener);

/* Peers call this when they are gone. */
void listener_forget(struct listener *listener, struct peer *peer);

#endif
