/* SPDX-License-Identifier: MIT */
/*
 * A definition for the suite of engines: a machine goes through the script that is its input, a
 * JSON string of steps with `;` between:
 *
 *   run NAME             an activity; NAME may have `@RETRY-MS@GIVE-UP-MS` behind
 *   timer MS             waits so long
 *   signal NAME          waits for one, if none has come
 *   either MS NAME       the signal takes the timer back, the timer goes on without the signal
 *   complete, fail CODE  the end
 *
 * What came last (a result, a sentence as a JSON string, an argument, `"timer"`) is the payload of
 * the next activity: `{"seed":…,"last":…}`. Who is asked to cancel ends as cancelled at once. It is
 * as pure as a definition must be, so that an engine may replay it.
 */
#ifndef SDK_CONFORMANCE_WORKFLOW_SCRIPT_H
#define SDK_CONFORMANCE_WORKFLOW_SCRIPT_H

#include <lucius/workflow.h>

/* Machines that are open now. */
size_t workflow_script_n_open(void);
/* All but `run`. */
void workflow_script_fill(struct lucius_definition *definition);

#endif
