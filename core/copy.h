/* SPDX-License-Identifier: MIT */
/*
 * Copies of what crosses the plugin border, into an arena. Of each struct as much is taken as both
 * sides know (its `size`), the rest is zero; texts and values get a NUL behind; arrays of pointers
 * are followed. One file a kind.
 */
#ifndef CORE_COPY_H
#define CORE_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <lucius/plugin.h>

#include "core/arena.h"

/* Copies the thing and all it points to; never NULL. */
typedef void *(*copy_fn)(struct arena *arena, const void *thing);

/* Own_size bytes: the first given_size of what is given, zeros behind. The caller sets `size`. */
void *copy_struct(struct arena *arena, const void *given, uint64_t given_size, size_t own_size);
/* The same into memory that the caller has. */
static inline void copy_into(void *own, size_t own_size, const void *given, uint64_t given_size)
{
	size_t size = given_size < own_size ? (size_t)given_size : own_size;
	memcpy(own, given, size);
	memset((char *)own + size, 0, own_size - size);
}
/* Data that is NULL counts as empty, whatever its size says. */
struct lucius_text copy_text(struct arena *arena, struct lucius_text text);
const struct lucius_field *copy_fields(
        struct arena *arena, const struct lucius_field *fields, uint64_t n_fields);

/* In place: the values are copied into the arena, behind each a NUL; the names stay where they are.
 * A value may be NULL where its size is 0. */
void copy_values(struct arena *arena, struct lucius_field *fields, uint64_t n_fields);

/* struct lucius_text, as an item. */
void *copy_text_item(struct arena *arena, const void *text);

void *copy_job(struct arena *arena, const void *job);
void *copy_job_event(struct arena *arena, const void *event);
void *copy_found(struct arena *arena, const void *found);
void *copy_listing(struct arena *arena, const void *listing);
void *copy_repair(struct arena *arena, const void *repair);
void *copy_repair_report(struct arena *arena, const void *report);
void *copy_ownership(struct arena *arena, const void *ownership);

void *copy_message(struct arena *arena, const void *message);
void *copy_delivery(struct arena *arena, const void *delivery);
void *copy_subscription(struct arena *arena, const void *subscription);
void *copy_settlement(struct arena *arena, const void *settlement);
void *copy_topology(struct arena *arena, const void *topology);

void *copy_run(struct arena *arena, const void *run);
void *copy_signal(struct arena *arena, const void *signal);
void *copy_run_state(struct arena *arena, const void *state);

void *copy_setting(struct arena *arena, const void *setting);

#endif
