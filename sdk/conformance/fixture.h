/* SPDX-License-Identifier: MIT */
/*
 * A peer that a suite needs (an emulator, a server that fails on demand): a command that runs as
 * long as the suite does. It prints `name=value` (an option of the plugin) and `suite.name=value`
 * (a parameter of the suite), one a line, then `ready`. Afterwards it answers each line that it
 * reads with one line. At the end its standard input closes and it gets SIGTERM.
 */
#ifndef SDK_CONFORMANCE_FIXTURE_H
#define SDK_CONFORMANCE_FIXTURE_H

#include <stdbool.h>

#include "sdk/conformance/request.h"

struct fixture;

/* Starts the request's command, waits until it is ready (60 s), adds what it says to the request.
 * NULL: it has not come so far, and standard error says why. */
struct fixture *fixture_start(struct request *request);
/* Ends it and all that it has started. Takes NULL. */
void fixture_stop(struct fixture *fixture);
/* Sends a line, returns the answer until the next call; NULL: it has ended, or takes 60 s. */
const char *fixture_tell(struct fixture *fixture, const char *line);

#endif
