/* SPDX-License-Identifier: MIT */
/* What a machine was fed and what it wanted, so that a second one can be held against the first. */
#ifndef TESTS_SIM_HISTORY_H
#define TESTS_SIM_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/step_logic.h"

struct history;

/* Copies the run. */
struct history *history_create(const struct lucius_run *run);
void history_destroy(struct history *history);
void history_add_event(struct history *history, const struct lucius_event *event);
void history_add_action(struct history *history, const struct lucius_action *action);
/* Feeds a new machine the same events; false: it wanted something else, with a sentence. */
bool history_replays(const struct history *history, const struct step_logic *logic,
        char *difference, size_t difference_size);

#endif
