/* SPDX-License-Identifier: MIT */
/*
 * storage-mine: a storage backend to start from. This file is the border to the daemon: options,
 * life, one short function an operation, and the tables. What keeps the jobs is jobs.c.
 */
#include <lucius/storage.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs.h"
#include "names.h"
#include "support/rows/job_size.h"

/* What the rows below fill. */
struct options {
	int64_t max_jobs;
};

/* The instance: `instance_size` bytes that the daemon gives, zeroed. */
struct mine {
	const struct lucius_host *host; /* borrowed, good as long as the process lives */
	const struct options *options; /* filled by the daemon before create */
	struct jobs jobs;
	struct job_view view;
	struct names names;
	size_t n_jobs;
	bool is_stopped;
};

/* Each row is a flag, a variable, a name in the file and a key of a configuration source. */
static const struct lucius_option option_rows[] = {
	{
	        .name = "mine-max-jobs",
	        .default_value = "100000",
	        .summary = "Jobs that storage mine keeps, at most.",
	        .min = 1,
	        .max = 1000000,
	        .type = LUCIUS_OPTION_INTEGER,
	        LUCIUS_MEMBER(struct options, max_jobs),
	},
};

/* Checks options and takes the host; no I/O, nothing that could wait. */
static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	struct mine *mine = self;
	(void)error;
	(void)error_size;
	mine->host = host;
	mine->options = host->options;
	names_init(&mine->names, host);
	return LUCIUS_OK;
}

/* Here a connection would be made. What cannot be reached is UNAVAILABLE, and is tried again. */
static void start(void *self, struct lucius_op op)
{
	struct mine *mine = self;
	lucius_finish(mine->host, op);
}

/* Finishes what is open; whatever is asked after this is refused. */
static void stop(void *self, struct lucius_op op)
{
	struct mine *mine = self;
	mine->is_stopped = true;
	names_stop(&mine->names);
	lucius_finish(mine->host, op);
}

/* Called once after every create, the failed ones too. */
static void destroy(void *self)
{
	struct mine *mine = self;
	jobs_finish(&mine->jobs);
	job_view_finish(&mine->view);
}

/* For /readyz: OK, or UNAVAILABLE and what is missing. */
static void health(void *self, struct lucius_op op)
{
	struct mine *mine = self;
	lucius_finish(mine->host, op);
}

static void info(void *self, struct lucius_storage_info *info)
{
	(void)self;
	/* Neither SHARED nor DURABLE: this one is memory. */
	info->traits = 0;
}

/* False: the operation has been refused. */
static bool accepts(struct mine *mine, struct lucius_op op)
{
	if (mine->is_stopped) {
		lucius_fail(mine->host, op, LUCIUS_UNAVAILABLE, "Storage mine has stopped.");
	}
	return !mine->is_stopped;
}

/* Gives the job if there is one, and ends the operation. */
static void answer(struct mine *mine, struct lucius_op op, uint32_t status, const struct job *job,
        bool is_whole)
{
	if (job != NULL) {
		mine->host->give(mine->host, op, job_show(job, &mine->view, is_whole));
	}
	lucius_fail(mine->host, op, status, NULL);
}

static void create_job(void *self, const struct lucius_command *command, struct lucius_op op)
{
	struct mine *mine = self;
	const struct job *job = NULL;
	char sentence[256];
	if (!accepts(mine, op)) {
		return;
	}
	if (!job_size_fits(command->job, sentence, sizeof(sentence))) {
		lucius_fail(mine->host, op, LUCIUS_TOO_LARGE, sentence);
		return;
	}
	if (mine->n_jobs >= (size_t)mine->options->max_jobs) {
		lucius_fail(mine->host, op, LUCIUS_UNAVAILABLE,
		        "Storage mine is full: raise LUCIUS_MINE_MAX_JOBS.");
		return;
	}
	uint32_t status = jobs_add(&mine->jobs, command, &job);
	mine->n_jobs += status == LUCIUS_OK ? 1 : 0;
	answer(mine, op, status, status == LUCIUS_KEY_CONFLICT ? NULL : job, false);
}

static void load(void *self, struct lucius_text job_id, struct lucius_op op)
{
	struct mine *mine = self;
	if (accepts(mine, op)) {
		const struct job *job = jobs_find(&mine->jobs, job_id);
		answer(mine, op, job != NULL ? LUCIUS_OK : LUCIUS_NOT_FOUND, job, true);
	}
}

static void save(void *self, const struct lucius_job *changed, struct lucius_op op)
{
	struct mine *mine = self;
	const struct job *job = NULL;
	char sentence[256];
	if (!accepts(mine, op)) {
		return;
	}
	if (!job_size_fits(changed, sentence, sizeof(sentence))) {
		lucius_fail(mine->host, op, LUCIUS_TOO_LARGE, sentence);
		return;
	}
	uint32_t status = jobs_change(&mine->jobs, changed, mine->host->clock_us(mine->host), &job);
	answer(mine, op, status, job, false);
}

static void release(void *self, const struct lucius_job *job, struct lucius_op op)
{
	struct mine *mine = self;
	if (accepts(mine, op)) {
		jobs_release(&mine->jobs, job->job_id);
		lucius_finish(mine->host, op);
	}
}

/* A cursor is the backend's own business: here the serial of the last job given. */
static void scan(void *self, struct lucius_text cursor, uint32_t limit, struct lucius_op op)
{
	struct mine *mine = self;
	if (!accepts(mine, op)) {
		return;
	}
	uint64_t serial = cursor.size != 0 ? strtoull(cursor.data, NULL, 10) : 0;
	const struct job *job = jobs_next_holder(&mine->jobs, serial);
	for (uint32_t i = 0; i < limit && job != NULL; i++) {
		const struct job *next = jobs_next_holder(&mine->jobs, job_serial(job));
		char place[24] = "";
		if (next != NULL) {
			(void)snprintf(place, sizeof(place), "%" PRIu64, job_serial(job));
		}
		const struct lucius_found found = { .size = sizeof(found),
			.job = job_show(job, &mine->view, true),
			.cursor = { place, strlen(place) } };
		mine->host->give(mine->host, op, &found);
		job = next;
	}
	lucius_finish(mine->host, op);
}

static void repair(void *self, const struct lucius_repair *asked, struct lucius_op op)
{
	struct mine *mine = self;
	if (!accepts(mine, op)) {
		return;
	}
	struct lucius_repair_report report = { .size = sizeof(report),
		.n_purged = jobs_purge(&mine->jobs, asked) };
	mine->n_jobs -= report.n_purged;
	mine->host->give(mine->host, op, &report);
	lucius_finish(mine->host, op);
}

static void own(void *self, const struct lucius_ownership *asked, struct lucius_op op)
{
	struct mine *mine = self;
	if (accepts(mine, op)) {
		names_ask(&mine->names, asked->name, op);
	}
}

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct mine),
	.create = create,
	.start = start,
	.stop = stop,
	.destroy = destroy,
	.health = health,
};

/* `list` and `events` are optional: without them their part of the API answers 501. */
static const struct lucius_storage storage = {
	.size = sizeof(storage),
	.info = info,
	.create = create_job,
	.load = load,
	.save = save,
	.release = release,
	.scan = scan,
	.repair = repair,
	.own = own,
};

/* The one symbol that is exported. The name is the file's: storage-mine.so. */
const struct lucius_plugin lucius_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_STORAGE, "mine"),
	.version = "1",
	.summary = "Keeps jobs in a list.",
	.life = &life,
	.options = option_rows,
	.n_options = sizeof(option_rows) / sizeof(option_rows[0]),
	.option_size = sizeof(struct lucius_option),
	.options_size = sizeof(struct options),
	.storage = &storage,
};
