/* SPDX-License-Identifier: MIT */
/* The backends of this process: which ones, made with their options, and their end. */
#ifndef CORE_BACKENDS_H
#define CORE_BACKENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backend;
struct loop;
struct options;
struct settings;

/* In the order in which they start; they stop in the other direction. */
enum backend_place { BACKEND_CONFIG, BACKEND_STORAGE, BACKEND_BUS, BACKEND_WORKFLOW, N_BACKENDS };

struct backends {
	struct loop *loop; /* borrowed, as the next two */
	struct options *options;
	struct settings *settings;
	struct backend *all[N_BACKENDS]; /* owned; NULL: not needed */
};

/* Fills in the backends that are not named, by what is configured. */
void backends_choose(struct options *options, const struct settings *settings);
/* The configuration source, if there is one. Returns 0, or -1 and a sentence. */
int backends_create_config(struct backends *backends, char *error, size_t error_size);
/* Adds their options to the table; creates nothing. Returns 0; -1 and a sentence, which is empty
 * where it has been reported. */
int backends_add_options(struct backends *backends, uint32_t roles, char *error, size_t error_size);
/* Those that the roles need. Returns 0, or -1 and a sentence (as above). */
int backends_create(struct backends *backends, uint32_t roles, char *error, size_t error_size);
/* Returns 0, or -1 if an operation is still open on one of them. */
int backends_destroy(struct backends *backends);
/* The first one that has an operation open; NULL: none has. */
const struct backend *backends_find_open(const struct backends *backends);

#endif
