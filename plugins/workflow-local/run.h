/* SPDX-License-Identifier: MIT */
/*
 * One run: a machine of the definition, what is to be fed to it, its timers and activities. Events
 * that come while the machine is being fed, or before there is one, wait in order.
 */
#ifndef WORKFLOW_LOCAL_RUN_H
#define WORKFLOW_LOCAL_RUN_H

#include <lucius/workflow.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugins/workflow-local/requests.h"
#include "support/hash/hash.h"

struct activity;
struct engine;
struct run_timer;

/* An event that waits; name and payload are owned. */
struct waiting_event {
	struct lucius_event event;
	struct waiting_event *next;
};

struct run {
	struct hash_link link;
	struct run *previous; /* in the engine's list */
	struct run *next;
	struct engine *engine; /* borrowed */
	char *id; /* owned */
	size_t id_size;
	struct lucius_run start; /* texts owned; input and snapshot let go once opened */
	struct lucius_machine *machine; /* NULL: not opened */
	bool is_feeding;
	bool is_cancel_asked;
	uint32_t end; /* LUCIUS_RUN_… once the machine has said so */
	struct waiting_event *first_waiting;
	struct waiting_event *last_waiting;
	size_t n_waiting;
	struct activity *activities; /* list */
	struct run_timer *timers; /* list */
	struct lucius_timer *deadline; /* of the execution; NULL: none */
	struct requests requests;
};

/* Adds itself to the engine. Copies what was given. */
struct run *run_create(struct engine *engine, const struct lucius_run *start, uint64_t hash);
/* Opens the machine and feeds it STARTED and what has waited. May destroy the run. */
void run_open(struct run *run);
bool run_is_open(const struct run *run);
/* Removes itself from the engine. Activities that are being tried go on without it. */
void run_destroy(struct run *run);

/* False: too much is waiting already. May destroy the run. */
bool run_signal(struct run *run, const struct lucius_signal *signal);
void run_cancel(struct run *run);
/* For activity.c: DONE with the result, or FAILED with the sentence. May destroy the run. */
void run_on_activity(
        struct run *run, uint32_t event_type, uint64_t number, struct lucius_text payload);

#endif
