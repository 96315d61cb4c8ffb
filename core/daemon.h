/* SPDX-License-Identifier: MIT */
/*
 * The life of the process: start, signals, changes of options, stop. What it serves is
 * core/service.h's business.
 */
#ifndef CORE_DAEMON_H
#define CORE_DAEMON_H

#include <stdint.h>

struct backends;
struct config_source;
struct loop;
struct options;
struct settings;

enum daemon_exit {
	EXIT_DONE = 0,
	EXIT_FAILED = 1, /* a backend or a listener cannot be used */
	EXIT_USAGE = 2,
	EXIT_STUCK = 70, /* an operation was open when the time for stopping was over */
	EXIT_CONFIG = 78
};

struct daemon_parts {
	struct loop *loop; /* all borrowed until daemon_run returns */
	struct options *options;
	struct settings *settings;
	struct backends *backends; /* created, not started; destroyed by a run that began */
	struct config_source *source; /* started; may be NULL; destroyed by the run */
	uint32_t roles;
	uint64_t began_us; /* loop's clock: when the process was started */
};

/* Runs until SIGTERM, SIGINT or a failure; the exit status of the process. Does not return where
 * it has to end at once: at a second signal, or when an operation is open at the end. */
enum daemon_exit daemon_run(const struct daemon_parts *parts);

#endif
