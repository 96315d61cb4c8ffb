/* SPDX-License-Identifier: MIT */
/* One AMQP connection: its tokens, its links, and the way of proton's events to them. */
#ifndef BUS_LOCAL_AMQP_PEER_H
#define BUS_LOCAL_AMQP_PEER_H

#include <lucius/plugin.h>

#include "plugins/bus-local/amqp/grants.h"
#include "plugins/bus-local/model/alarm.h"
#include "support/amqp/connection.h"

struct bus;
struct link;
struct listener;
struct subscription;
struct topic;

struct peer {
	struct bus *bus;
	struct listener *listener;
	struct peer *next; /* of the listener */
	struct peer *previous;
	struct amqp_connection *connection; /* owned */
	struct grants grants;
	struct alarm grant_end; /* the next token ends */
	struct alarm lonely; /* has no link */
	struct alarm detach; /* its links are detached, again and again */
	struct alarm end; /* its life is over */
	struct link *links;
	size_t n_links;
	bool had_link;
	bool is_refused; /* one connection too many: it is only told so */
	bool has_paused; /* one of its receiving links, because the connection is behind */
	char name[80]; /* address of the other end, for logs */
};

struct bufferevent;

/* Takes the stream over. */
struct peer *peer_create(struct listener *listener, struct bufferevent *stream, const char *name);

/* Lets it be told, once it is open, that there are too many. */
void peer_refuse(struct peer *peer);

/* Cuts it off at once. */
void peer_destroy(struct peer *peer);

/* Closes it in order; it ends by itself then. */
void peer_close(struct peer *peer, const char *condition, const char *sentence);

/* To be called after something was given to its links from outside its own events. */
void peer_wake(struct peer *peer);

/* All its receiving links get nothing more. */
void peer_hold_back(struct peer *peer);

/* As listener_close_links, for this peer. */
void peer_close_links(
        struct peer *peer, const struct topic *topic, const struct subscription *subscription);

/* A token was taken: looks anew when the next one ends. */
void peer_watch_grants(struct peer *peer);

/* The wall clock was set: ends the links whose token has ended by it. */
void peer_check_grants(struct peer *peer);

/* A link has come or gone. */
void peer_watch_links(struct peer *peer);

/* One log line that names the peer. */
void peer_log(const struct peer *peer, uint32_t level, const char *event, const char *sentence);

/* Seconds since 1970. */
int64_t peer_now_s(const struct peer *peer);

#endif
