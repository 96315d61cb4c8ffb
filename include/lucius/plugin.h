/* SPDX-License-Identifier: MIT */
/*
 * What every plugin includes: the descriptor that it exports, the stages of its life, its options,
 * the host table through which the daemon comes to it, and operations.
 *
 * Rules that hold everywhere:
 * - All calls in both directions happen on the daemon's loop thread, `post` and
 *   `regain_memory` excepted.
 * - Memory never changes its owner. What a call lends is good until the operation that it started
 *   is finished (arguments of an operation) or until the call returns (everything else).
 * - Values (`lucius_text`, `lucius_field`, `lucius_op`) never change. Every other struct starts
 * with its size in bytes, has no padding and only grows at its end; who reads takes what both know.
 * - A member of a table is used only if the table is long enough and the member is not NULL.
 * - Constants are plain literals and cross as uint32_t; an unknown one is legal and means "other".
 * - Times are milliseconds unless the name says otherwise; texts are UTF-8.
 */
#ifndef LUCIUS_PLUGIN_H
#define LUCIUS_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The ABI. Majors must be equal; a plugin built for minor n runs on every minor from n on. */
#define LUCIUS_PLUGIN_MAGIC 0x4c554331u
#define LUCIUS_ABI_MAJOR 1
#define LUCIUS_ABI_MINOR 0

/* True if the table is long enough for the member and the member is set. */
#define LUCIUS_HAS(table, member)                                                  \
	((size_t)((const char *)(&(table)->member + 1) - (const char *)(table)) <= \
	                (size_t)(table)->size &&                                   \
	        (table)->member != NULL)

#define LUCIUS_KIND_STORAGE 1
#define LUCIUS_KIND_BUS 2
#define LUCIUS_KIND_WORKFLOW 3
#define LUCIUS_KIND_CONFIG 4

/*
 * How an operation ended. Outcomes are part of an operation's contract, each operation names those
 * that it may give; failures may come from any. Any other number is turned into INTERNAL, with a
 * log line that names the plugin.
 */
#define LUCIUS_OK 0
#define LUCIUS_DUPLICATE 1 /* outcome: it exists already, the same */
#define LUCIUS_NOT_FOUND 2 /* outcome */
#define LUCIUS_CONFLICT 3 /* outcome: the revision is not the newest, somebody else has it */
#define LUCIUS_KEY_CONFLICT 4 /* outcome: the same idempotency key with another command */
#define LUCIUS_TENANT_FULL 5 /* outcome: the tenant has as many live jobs as it may */
#define LUCIUS_LOCK_LOST 6 /* outcome: the delivery is no longer ours to settle */
#define LUCIUS_UNROUTABLE 7 /* outcome: nobody would get the message */
#define LUCIUS_TOO_LARGE 8 /* outcome: the sentence names both sizes */
#define LUCIUS_UNAVAILABLE 9 /* failure: nothing was done, the same again may help */
#define LUCIUS_UNKNOWN 10 /* failure: it may have been done; read before doing it again */
#define LUCIUS_DENIED 11 /* failure: no repeat cures it (credentials, configuration) */
#define LUCIUS_UNSUPPORTED 12 /* failure: this backend has no such operation */
#define LUCIUS_INTERNAL 13 /* failure: a bug in the backend */
#define LUCIUS_N_STATUSES 14

#define LUCIUS_LOG_DEBUG 1
#define LUCIUS_LOG_INFO 2
#define LUCIUS_LOG_WARNING 3
#define LUCIUS_LOG_ERROR 4

/* A run of bytes. What the core lends ends with a NUL that size does not count. */
struct lucius_text {
	const char *data; /* borrowed; may be NULL if size is 0 */
	size_t size; /* bytes */
};

#define LUCIUS_FIELD_STRING 0
#define LUCIUS_FIELD_INTEGER 1 /* decimal text of an int64_t */
#define LUCIUS_FIELD_JSON 2 /* JSON text: an object, array, number, true or false */

/* One named value of a row, a message or a log line. A missing value is no field. */
struct lucius_field {
	const char *name; /* ends with a NUL */
	const char
	        *value; /* text whatever the type is; ends with a NUL that value_size leaves out */
	uint32_t value_size;
	uint32_t type;
};

/* A running operation, named by value; valid until it is finished. Id 0 is no operation. */
struct lucius_op {
	uint64_t id;
};

struct event_base;
struct lucius_host;
struct lucius_metric;
struct lucius_plugin;
struct lucius_timer;

typedef void (*lucius_fn)(void *user);
/* Item: the struct that the operation documents; borrowed for the call. */
typedef void (*lucius_item_fn)(void *user, const void *item);
/* Sentence: may be NULL; borrowed for the call. */
typedef void (*lucius_done_fn)(void *user, uint32_t status, const char *sentence);

/* Operations by number: kind << 8 | place in the table of the kind. */
#define LUCIUS_OP_START 0x001
#define LUCIUS_OP_LISTEN 0x002
#define LUCIUS_OP_STOP 0x003
#define LUCIUS_OP_HEALTH 0x004
#define LUCIUS_OP_STORAGE_CREATE 0x101
#define LUCIUS_OP_STORAGE_LOAD 0x102
#define LUCIUS_OP_STORAGE_SAVE 0x103
#define LUCIUS_OP_STORAGE_RELEASE 0x104
#define LUCIUS_OP_STORAGE_SCAN 0x105
#define LUCIUS_OP_STORAGE_REPAIR 0x106
#define LUCIUS_OP_STORAGE_OWN 0x107
#define LUCIUS_OP_STORAGE_LIST 0x108
#define LUCIUS_OP_STORAGE_EVENTS 0x109
#define LUCIUS_OP_BUS_PUBLISH 0x201
#define LUCIUS_OP_BUS_SUBSCRIBE 0x202
#define LUCIUS_OP_BUS_SETTLE 0x203
#define LUCIUS_OP_BUS_UNSUBSCRIBE 0x204
#define LUCIUS_OP_BUS_PROVISION 0x205
#define LUCIUS_OP_WORKFLOW_START 0x301
#define LUCIUS_OP_WORKFLOW_SIGNAL 0x302
#define LUCIUS_OP_WORKFLOW_CANCEL 0x303
#define LUCIUS_OP_WORKFLOW_DESCRIBE 0x304
#define LUCIUS_OP_WORKFLOW_WORK 0x305
#define LUCIUS_OP_DEFINITION_RUN 0x3f1 /* an activity: asked by an engine, answered by the core */
#define LUCIUS_OP_CONFIG_LOAD 0x401
#define LUCIUS_OP_CONFIG_WATCH 0x402

/* A running plugin, as the core knows it and a wrapper sees it. */
struct lucius_backend {
	uint64_t size;
	const struct lucius_plugin *plugin;
	void *self;
	const struct lucius_host *host; /* the backend's own table */
};

/* What `open` wants to know: an operation of the plugin's own, to be answered by another table. */
struct lucius_question {
	uint32_t size;
	uint32_t operation; /* LUCIUS_OP_... */
	const struct lucius_backend *asked; /* who will finish it; NULL: the core */
	uint64_t timeout_ms; /* 0: none */
	lucius_item_fn on_item; /* may be NULL */
	lucius_done_fn on_done;
	void *user;
};

#define LUCIUS_METRIC_COUNTER 1 /* record adds */
#define LUCIUS_METRIC_GAUGE 2 /* record sets */
#define LUCIUS_METRIC_HISTOGRAM 3 /* record observes; in seconds where it is a time */

struct lucius_metric_spec {
	uint32_t size;
	uint32_t type;
	const char *name; /* shown as lucius_<plugin>_<name>, `-` as `_` */
	const char *help; /* one sentence */
	const char *label; /* NULL: no label */
	const char *label_value; /* one series a value */
};

/* The daemon, as a plugin sees it. One table an instance; good as long as the process lives. */
struct lucius_host {
	uint32_t size;
	uint32_t abi_minor;
	/* The plugin's option struct, filled; its texts stay until destroy has returned. Options
	 * marked LIVE change in place just before `reconfigure`. */
	const void *options;
	/* For descriptors only: time comes from `timer_start` and the clocks below, so that a
	 * plugin runs in simulated time as well. */
	struct event_base *event_base;
	/* Event: dotted name. Sentence: may be NULL. Fields: n_fields of them, may be NULL if 0. */
	void (*log)(const struct lucius_host *host, uint32_t level, const char *event,
	        const char *sentence, const struct lucius_field *fields, uint64_t n_fields);
	/* Says that the backend is not ready and why, or (NULL) that it is. For /readyz. */
	void (*ready)(const struct lucius_host *host, const char *sentence);
	/* One thing of the operation's result; copied before it returns. Any number of times. */
	void (*give)(const struct lucius_host *host, struct lucius_op op, const void *item);
	/* Ends the operation; exactly once, in the call that started it or later. Sentence: what
	 * happened, for a person; NULL for OK and for outcomes that need none. A second finish, or
	 * one of an operation that is not the plugin's, aborts the process with the plugin's name.
	 */
	void (*finish)(const struct lucius_host *host, struct lucius_op op, uint32_t status,
	        const char *sentence);
	/* Fn runs at most once, never within this call: when the core no longer waits (deadline,
	 * cancel). Finish is due all the same. */
	void (*on_cancel)(
	        const struct lucius_host *host, struct lucius_op op, lucius_fn fn, void *user);
	/* An operation of one's own, to hand to another table (an activity, a wrapped backend). Its
	 * callbacks run later, never within the call that started it. */
	struct lucius_op (*open)(
	        const struct lucius_host *host, const struct lucius_question *question);
	/* Gives up an operation that `open` or the core has made; its on_done says UNKNOWN. */
	void (*cancel)(const struct lucius_host *host, struct lucius_op op);
	/* In `create` only: another backend of the same kind by its name ("memory"), created now
	 * and led through its life together with this one. NULL: the log says why. */
	const struct lucius_backend *(*wrap)(const struct lucius_host *host, const char *name);
	/* Fn runs once, after_ms from now or later. The handle is gone when fn is called. */
	struct lucius_timer *(*timer_start)(
	        const struct lucius_host *host, uint64_t after_ms, lucius_fn fn, void *user);
	void (*timer_stop)(const struct lucius_host *host, struct lucius_timer *timer);
	/* Milliseconds of a clock that never jumps; its origin means nothing. */
	uint64_t (*now_ms)(const struct lucius_host *host);
	/* Microseconds since 1970-01-01T00:00:00Z. */
	int64_t (*clock_us)(const struct lucius_host *host);
	/* Fills with unpredictable bytes (from a seed in a simulation). */
	void (*random)(const struct lucius_host *host, void *bytes, size_t size);
	/* A series to record into; the same spec gives the same series. Never NULL. */
	struct lucius_metric *(*metric)(
	        const struct lucius_host *host, const struct lucius_metric_spec *spec);
	void (*record)(const struct lucius_host *host, struct lucius_metric *metric, double value);
	/* Runs fn on the loop. This one and `regain_memory` may be called from another thread. */
	void (*post)(const struct lucius_host *host, lucius_fn fn, void *user);
	/* An allocation has failed: gives up what the daemon keeps for that moment. 1: try it once
	 * more; 0: there is nothing left. May be NULL. */
	uint32_t (*regain_memory)(const struct lucius_host *host);
};

#define LUCIUS_OPTION_TEXT 1 /* member: const char *, NULL if not set */
#define LUCIUS_OPTION_INTEGER 2 /* member: int64_t */
#define LUCIUS_OPTION_BOOLEAN 3 /* member: uint32_t, 0 or 1 */
#define LUCIUS_OPTION_CHOICE 4 /* member: const char *, one of `choices` */

#define LUCIUS_OPTION_SECRET 1u /* masked everywhere; may be given as <NAME>_FILE too */
#define LUCIUS_OPTION_LIVE 2u /* may change in the running process */
#define LUCIUS_OPTION_REQUIRED 4u /* must be given when the plugin is used */

/* One option: a row of data. The core reads all sources, checks, and fills the member. */
struct lucius_option {
	const char *name; /* "bus-listen": --bus-listen; the other names follow from it */
	const char *default_value; /* text as a user would write it; NULL: not set */
	const char *unit; /* "seconds", "bytes"; NULL: none */
	const char *choices; /* CHOICE: "a|b|c"; else NULL */
	const char *summary; /* one sentence */
	const char *env, *key; /* NULL: derived from the name */
	int64_t min, max; /* INTEGER: the least and the largest taken */
	uint32_t type, flags;
	uint32_t offset, member_size; /* LUCIUS_MEMBER */
};
/* The last two of a row: in C wherever they stand, in C++ behind `flags`. */
#ifdef __cplusplus
#define LUCIUS_MEMBER(structure, member) \
	(uint32_t) offsetof(structure, member), (uint32_t)sizeof(((structure *)0)->member)
#else
#define LUCIUS_MEMBER(structure, member)                 \
	.offset = (uint32_t)offsetof(structure, member), \
	.member_size = (uint32_t)sizeof(((structure *)0)->member)
#endif

/*
 * The stages of a backend's life: create → start → listen → operations → stop → destroy.
 * The core owns the instance memory: `instance_size` bytes, zeroed before create, freed after
 * destroy. Start, listen and stop are operations; a NULL stage is one that succeeds at once.
 */
struct lucius_life {
	uint32_t size;
	uint32_t instance_size;
	/* Checks options; no I/O. Other than OK: a sentence (cut to error_size) into error. */
	uint32_t (*create)(
	        void *self, const struct lucius_host *host, char *error, size_t error_size);
	/* Makes ready to be asked. OK, UNAVAILABLE or DENIED (the daemon goes on and /readyz says
	 * why: the backend keeps trying by itself), INTERNAL (stops the daemon). */
	void (*start)(void *self, struct lucius_op op);
	/* Begins to take from outside (listeners). OK, DENIED (stops the daemon: port in use). */
	void (*listen)(void *self, struct lucius_op op);
	/* Finishes every operation that is open, then this one. Nothing starts after it. */
	void (*stop)(void *self, struct lucius_op op);
	/* Cannot fail; called once after every create, failed or not, when no operation is open. */
	void (*destroy)(void *self);
	/* Optional operation: OK, or UNAVAILABLE with a sentence; gives a `struct lucius_text` for
	 * each thing that is missing. */
	void (*health)(void *self, struct lucius_op op);
	/* Optional: options marked LIVE have changed in place. */
	void (*reconfigure)(void *self);
};

/* How any plugin begins; frozen over all majors. */
struct lucius_prefix {
	uint32_t magic;
	uint16_t abi_major, abi_minor;
	uint32_t size; /* of struct lucius_plugin as the plugin knows it */
	uint32_t kind;
	const char *name; /* "memory"; the file is <kind>-<name>.so */
};

struct lucius_storage;
struct lucius_bus;
struct lucius_workflow;
struct lucius_config;

struct lucius_plugin {
	struct lucius_prefix prefix;
	const char *version;
	const char *summary; /* one sentence, for --list-plugins */
	const struct lucius_life *life;
	const struct lucius_option *options;
	uint32_t n_options;
	uint32_t option_size; /* sizeof(struct lucius_option): the stride of the rows */
	uint64_t options_size; /* sizeof the struct that the rows fill */
	/* The one of the plugin's kind is set. */
	const struct lucius_storage *storage;
	const struct lucius_bus *bus;
	const struct lucius_workflow *workflow;
	const struct lucius_config *config;
};
#define LUCIUS_PREFIX(kind, name)                                          \
	{                                                                  \
		LUCIUS_PLUGIN_MAGIC, LUCIUS_ABI_MAJOR, LUCIUS_ABI_MINOR,   \
		        (uint32_t)sizeof(struct lucius_plugin), kind, name \
	}

/* The one symbol that a plugin exports; this declaration gives it C linkage in C++ too. */
extern __attribute__((visibility("default"))) const struct lucius_plugin lucius_plugin;

/* Conveniences; the tables above are the ABI. */

static inline void lucius_finish(const struct lucius_host *host, struct lucius_op op)
{
	host->finish(host, op, LUCIUS_OK, NULL);
}

static inline void lucius_fail(
        const struct lucius_host *host, struct lucius_op op, uint32_t status, const char *sentence)
{
	host->finish(host, op, status, sentence);
}

static inline void lucius_log(
        const struct lucius_host *host, uint32_t level, const char *event, const char *sentence)
{
	host->log(host, level, event, sentence, NULL, 0);
}

#ifdef __cplusplus
}
#endif
#endif
