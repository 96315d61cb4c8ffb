/* SPDX-License-Identifier: MIT */
/*
 * What the files of the client share. client.c: life and state; connect.c: one connection after the
 * other; link.c: one sender's or receiver's link after the other, with its token; sender.c,
 * receiver.c: what happens on them; settle.c, management.c: what happens to deliveries.
 *
 * Every entry from the loop stands between servicebus_enter and servicebus_leave. Within them the
 * owner may destroy the client: no callback is called any more then, and leave frees. So no
 * function has to ask after a callback whether its client still lives.
 */
#ifndef SUPPORT_SERVICEBUS_PRIVATE_H
#define SUPPORT_SERVICEBUS_PRIVATE_H

#include "support/amqp/connection.h"
#include "support/amqp/rpc.h"
#include "support/servicebus/client.h"

#include <openssl/ssl.h>
#include <proton/delivery.h>
#include <proton/link.h>
#include <proton/session.h>

struct event;
struct evdns_base;

/* Full-jitter exponential back-off: a random time up to a limit that doubles. */
struct servicebus_backoff {
	uint32_t limit_ms; /* of the next one; 0: the first */
};
uint32_t servicebus_backoff_next(
        struct servicebus_backoff *backoff, const struct servicebus_settings *settings);
/* After the end of what was up for lived_ms: true if it was a good one, so that the next wait is
 * the first one again. It was if it lived a minute, or ended as is normal (idle, an upgrade) and
 * not at once: a broker that takes us and sends us away is still asked less and less often. */
bool servicebus_backoff_lived(struct servicebus_backoff *backoff, int64_t lived_ms, bool is_normal,
        const struct servicebus_settings *settings);
/* True for the condition by which the service throttles ("please wait 2 seconds"). */
bool servicebus_is_busy(const char *condition);
/* How long it is left alone then: half as much again at most, by chance. */
uint32_t servicebus_busy_pause(const struct servicebus_settings *settings);
/* A random number from 0 to `below` - 1; 0 for 0. */
uint32_t servicebus_random(uint32_t below);
/* Milliseconds of a clock that never jumps. */
int64_t servicebus_now_ms(void);

enum servicebus_connection_state {
	SERVICEBUS_IDLE, /* not started, or stopped */
	SERVICEBUS_CONNECTING,
	SERVICEBUS_OPEN,
	SERVICEBUS_WAITING, /* for the next attempt */
};

/* The sessions are apart, so that a flood on one does not hold up the others. */
enum servicebus_session { SESSION_CONTROL, SESSION_SENDERS, SESSION_RECEIVERS, N_SESSIONS };

enum servicebus_link_state {
	LINK_DOWN, /* attaches at the next opportunity */
	LINK_AUTHORISING,
	LINK_ATTACHING,
	LINK_UP,
	LINK_PAUSING, /* after a loss or refusal; its timer runs */
	LINK_CLOSING, /* the detach is on its way */
	LINK_CLOSED, /* for good */
};

struct servicebus_link {
	struct servicebus_client *client;
	struct servicebus_link *next;
	char *address;
	bool is_sender;
	enum servicebus_link_state state;
	pn_link_t *pn; /* ATTACHING, UP, CLOSING */
	struct event *timer; /* back-off, and the time-out of attaching */
	struct event *token_timer;
	struct servicebus_backoff backoff;
	bool has_token; /* of this connection */
	bool is_renewing; /* the token, while the link is up */
	bool retried_unauthorized;
	bool is_refused; /* by the broker, and has not come up since */
	bool is_missing; /* refused: there is no such entity */
	bool is_told_refused; /* the owner has been told, and nothing has come up since */
	int64_t up_since_ms;
	int64_t heard_ms; /* when the peer last said something on it */
};

/* An outcome to be told from the loop. */
struct servicebus_finished {
	struct servicebus_finished *next;
	servicebus_done_fn done;
	void *user;
	enum servicebus_outcome outcome;
	char *sentence;
};

struct servicebus_send_op {
	struct servicebus_send_op *next;
	struct servicebus_send_op *previous;
	servicebus_done_fn done;
	void *user;
	int64_t deadline_ms;
	struct amqp_buffer encoded; /* empty once it is with proton */
	pn_delivery_t *pn; /* sent, until it is settled */
};

struct servicebus_send_list {
	struct servicebus_send_op *first;
	struct servicebus_send_op *last;
	uint32_t count;
};

struct servicebus_sender {
	struct servicebus_link link; /* first */
	struct servicebus_send_list waiting;
	struct servicebus_send_list sent;
	uint64_t last_tag;
	int64_t busy_until_ms; /* nothing is sent before */
	uint64_t max_message_size; /* of the last attach; 0: none given */
	enum servicebus_outcome refused; /* DONE: not refused */
	char refusal[200];
};

enum servicebus_delivery_state {
	DELIVERY_FREE,
	DELIVERY_GIVEN, /* with the owner */
	DELIVERY_SETTLING, /* the disposition is out */
	DELIVERY_DETOUR, /* its link is gone: is settled by way of management */
};

struct servicebus_held {
	uint32_t slot;
	uint64_t generation;
	enum servicebus_delivery_state state;
	struct servicebus_receiver *receiver;
	struct servicebus_held *next; /* in the receiver's list; free list */
	struct servicebus_held *previous;
	pn_delivery_t *pn; /* NULL once its link is gone */
	bool has_lock;
	bool is_renewing;
	bool renews_alone; /* a request for several was refused for one of them */
	bool is_lock_lost;
	bool is_detour_asked; /* the request of management is out */
	uint8_t lock_token[16];
	uint32_t lock_ms; /* as long as it was at the last renewal */
	int64_t renew_at_ms;
	/* SETTLING and DETOUR */
	enum servicebus_settlement how;
	int64_t deadline_ms;
	char *reason;
	char *description;
	servicebus_done_fn done;
	void *user;
};

struct servicebus_held_list {
	struct servicebus_held *first;
	struct servicebus_held *last;
	uint32_t count;
};

struct servicebus_receiver {
	struct servicebus_link link; /* first */
	struct servicebus_receiver_settings settings;
	struct servicebus_held_list given; /* by the time of their next renewal */
	struct servicebus_held_list settling; /* by deadline, more or less */
	struct amqp_rpc *management;
	int64_t management_retry_ms; /* not before */
	bool settles_first; /* the peer's attach says so: nothing is confirmed */
	bool is_gone; /* among the links to be freed */
	bool is_stopping;
	bool is_draining; /* the flow with drain is out */
	int64_t drain_deadline_ms;
	bool is_probing; /* watch.c */
	int64_t probe_deadline_ms;
	void (*on_stopped)(void *user);
	void *stopped_user;
	struct amqp_buffer buffer;
	struct amqp_buffer body;
};

struct servicebus_client {
	struct event_base *base;
	struct servicebus_settings settings;
	struct azure_servicebus target;
	char *container_id;
	SSL_CTX *tls;
	struct evdns_base *dns;
	enum servicebus_connection_state state;
	struct amqp_connection *connection;
	pn_session_t *sessions[N_SESSIONS];
	bool waits_for_room; /* a send does, on a link that has credit */
	struct servicebus_link *last_sent_on; /* a sender; may be NULL */
	struct amqp_rpc *cbs;
	struct servicebus_backoff backoff;
	struct event *reconnect;
	int64_t open_since_ms;
	char trouble[300]; /* why it is not ready */
	bool is_told_ready;
	bool has_told_state;

	struct servicebus_link *links;
	struct servicebus_link *gone; /* to be freed in leave */
	uint32_t n_attaching;

	struct event *pulse; /* looks after deadlines and renewals while there are any */
	bool is_pulsing;
	struct event *watch;
	struct event *finish;
	struct servicebus_finished *finished;
	struct servicebus_finished **finished_tail;

	struct servicebus_held **slots;
	uint32_t n_slots;
	struct servicebus_held *free_slots;

	bool is_stopping;
	bool is_stop_begun; /* the links have been told */
	bool is_stop_forced; /* its time is up */
	struct event *stop_deadline;
	void (*on_stopped)(void *user);
	void *stopped_user;

	struct servicebus_counts counts;
	struct servicebus_detaches detaches[SERVICEBUS_MAX_CONDITIONS];
	unsigned depth;
	bool is_destroyed;
};

/* client.c */
void servicebus_enter(struct servicebus_client *client);
void servicebus_leave(struct servicebus_client *client);
void servicebus_log(struct servicebus_client *client, int level, const char *event,
        const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Calls done now; for use within enter and leave only. */
void servicebus_tell(struct servicebus_client *client, servicebus_done_fn done, void *user,
        enum servicebus_outcome outcome, const char *sentence);
/* Calls done from the loop. */
void servicebus_tell_later(struct servicebus_client *client, servicebus_done_fn done, void *user,
        enum servicebus_outcome outcome, const char *sentence);
void servicebus_set_state(struct servicebus_client *client, enum servicebus_connection_state state,
        const char *trouble);
/* Sees to it that deadlines and renewals are looked after. */
void servicebus_need_pulse(struct servicebus_client *client);
void servicebus_wake(struct servicebus_client *client);
/* Time of the loop's event: never NULL, aborts without memory. */
struct event *servicebus_timer(
        struct servicebus_client *client, void (*fn)(int fd, short what, void *user), void *user);
void servicebus_arm(struct event *timer, uint32_t after_ms);

/* connect.c */
bool servicebus_make_tls(struct servicebus_client *client, char *error, size_t error_size);
void servicebus_connect(struct servicebus_client *client);
/* The session of that purpose, opened if there is none. */
pn_session_t *servicebus_session(struct servicebus_client *client, enum servicebus_session purpose);
/* Forgets everything that hung on the connection, which is gone. */
void servicebus_drop_connection(struct servicebus_client *client);

/* link.c */
void servicebus_link_init(struct servicebus_link *link, struct servicebus_client *client,
        char *address, bool is_sender);
void servicebus_link_finish(struct servicebus_link *link);
/* Attaches links that are down, a few at a time. */
void servicebus_links_advance(struct servicebus_client *client);
/* The link is gone or refused; pn is forgotten. */
void servicebus_link_lost(
        struct servicebus_link *link, const char *condition, const char *description);
void servicebus_link_handle(struct servicebus_link *link, pn_event_t *event);
void servicebus_link_close(struct servicebus_link *link);
/* A condition or status of the broker as an outcome; UNAVAILABLE for those that may pass. */
enum servicebus_outcome servicebus_outcome_of(struct amqp_bytes condition);
enum servicebus_outcome servicebus_outcome_of_status(int64_t status);

/* sender.c */
void servicebus_sender_up(struct servicebus_sender *sender);
void servicebus_sender_down(struct servicebus_sender *sender, const char *description);
void servicebus_sender_pump(struct servicebus_sender *sender);
/* After there may be more room on the connection, or credit for `sender` (may be NULL). */
void servicebus_senders_advance(struct servicebus_client *client, struct servicebus_sender *sender);
/* What waits ends with this outcome, and so does what comes until the link is up. */
void servicebus_sender_refused(
        struct servicebus_sender *sender, enum servicebus_outcome outcome, const char *sentence);
void servicebus_sender_delivery(struct servicebus_sender *sender, pn_delivery_t *delivery);
void servicebus_sender_expire(struct servicebus_sender *sender, int64_t now_ms);
/* Ends all sends, with or without a word. */
void servicebus_sender_finish(struct servicebus_sender *sender, bool is_silent);

/* receiver.c */
void servicebus_receiver_up(struct servicebus_receiver *receiver);
void servicebus_receiver_down(struct servicebus_receiver *receiver);
void servicebus_receiver_delivery(struct servicebus_receiver *receiver, pn_delivery_t *delivery);
/* Credit, drain, the end of stopping. */
void servicebus_receiver_turn(struct servicebus_receiver *receiver);
void servicebus_receiver_finish(struct servicebus_receiver *receiver);
void servicebus_receiver_refused(struct servicebus_receiver *receiver,
        enum servicebus_outcome outcome, const char *sentence);

/* held.c */
struct servicebus_held *servicebus_held_create(struct servicebus_receiver *receiver);
struct servicebus_held *servicebus_held_find(struct servicebus_client *client, uint64_t token);
uint64_t servicebus_held_token(const struct servicebus_held *held);
/* Out of its list, its slot free, its token void. */
void servicebus_held_free(struct servicebus_held *held);
/* The list that goes with its state. */
struct servicebus_held_list *servicebus_held_list(struct servicebus_held *held);
/* Around a change of its state, of renew_at_ms or deadline_ms, by which the lists are ordered. */
void servicebus_held_remove(struct servicebus_held *held);
void servicebus_held_insert(struct servicebus_held *held);

/* settle.c */
void servicebus_held_confirmed(struct servicebus_held *held, pn_delivery_t *delivery);
/* Its link is gone: what was under way goes on by way of management. */
void servicebus_held_orphan(struct servicebus_held *held);
void servicebus_held_told(
        struct servicebus_held *held, enum servicebus_outcome outcome, const char *sentence);
void servicebus_settle_expire(struct servicebus_receiver *receiver, int64_t now_ms);
/* Sets the disposition that goes with `how` and sends it. Dead letters without a reason (NULL) say
 * nothing but that. */
void servicebus_dispose(pn_delivery_t *delivery, enum servicebus_settlement how, const char *reason,
        const char *description);

/* Takes back the credit that is out. */
void servicebus_receiver_drain(struct servicebus_receiver *receiver);

/* watch.c: looks at all links, and sees to it that it is called again. */
void servicebus_watch(struct servicebus_client *client);

/* management.c */
void servicebus_management_pulse(struct servicebus_receiver *receiver, int64_t now_ms);
void servicebus_management_drop(struct servicebus_receiver *receiver, const char *description);
/* When a lock of so many ms that has just been given is to be renewed, in ms from now. */
uint32_t servicebus_renew_after(uint32_t lock_ms);
/* The lock's time from its end by the broker's clock; doubtful ends give a careful guess. */
uint32_t servicebus_lock_time(int64_t locked_until_ms);

#endif
