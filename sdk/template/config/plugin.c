/* SPDX-License-Identifier: MIT */
/*
 * config-mine: a configuration source to start from. It reads lines of `Lucius:MaxAttempts=5` from
 * a file and looks every second whether the file is another one. A source behind a network answers
 * later, in a callback; see storage-async for one with a thread.
 */
#define _GNU_SOURCE
#include <lucius/config.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CHECK_MS 1000

struct options {
	const char *file;
};

/* What a file is known by. */
struct mark {
	ino_t inode;
	off_t size;
	struct timespec changed;
};

/* Somebody who wants to hear of changes. */
struct watch {
	struct watch *next;
	struct mine *mine;
	struct lucius_op op;
};

struct mine {
	const struct lucius_host *host; /* borrowed */
	const struct options *options;
	struct watch *watches; /* owned */
	struct lucius_timer *timer; /* NULL: nobody watches */
	struct mark mark; /* of the file as the last load found it */
	bool is_stopped;
};

static const struct lucius_option option_rows[] = {
	{
	        .name = "mine-file",
	        .summary = "The file that config mine reads: lines of key=value.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = LUCIUS_OPTION_REQUIRED,
	        LUCIUS_MEMBER(struct options, file),
	},
};

static uint32_t create(void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	struct mine *mine = self;
	(void)error;
	(void)error_size;
	mine->host = host;
	mine->options = host->options;
	return LUCIUS_OK;
}

/* False: there is no file. */
static bool read_mark(const struct mine *mine, struct mark *ret_mark)
{
	struct stat status;
	if (stat(mine->options->file, &status) != 0) {
		return false;
	}
	*ret_mark = (struct mark){ status.st_ino, status.st_size, status.st_mtim };
	return true;
}

static bool is_same(const struct mark *one, const struct mark *other)
{
	return one->inode == other->inode && one->size == other->size &&
	        one->changed.tv_sec == other->changed.tv_sec &&
	        one->changed.tv_nsec == other->changed.tv_nsec;
}

static void give_line(struct mine *mine, struct lucius_op op, const char *line)
{
	size_t size = strcspn(line, "\r\n");
	size_t key_size = strcspn(line, "=");
	if (line[0] == '#' || key_size >= size) {
		return;
	}
	const struct lucius_setting setting = {
		.size = sizeof(setting),
		.key = { line, key_size },
		.value = { line + key_size + 1, size - key_size - 1 },
	};
	mine->host->give(mine->host, op, &setting);
}

/* Gives everything, each time. What cannot be reached is UNAVAILABLE, with a sentence. */
static void load(void *self, struct lucius_op op)
{
	struct mine *mine = self;
	FILE *file = mine->is_stopped ? NULL : fopen(mine->options->file, "re");
	if (file == NULL) {
		char sentence[512];
		(void)snprintf(sentence, sizeof(sentence), "'%.300s': %s", mine->options->file,
		        mine->is_stopped ? "the source has stopped" : strerror(errno));
		lucius_fail(mine->host, op, LUCIUS_UNAVAILABLE, sentence);
		return;
	}
	char *line = NULL;
	size_t room = 0;
	(void)read_mark(mine, &mine->mark);
	while (getline(&line, &room, file) > 0) {
		give_line(mine, op, line);
	}
	free(line);
	(void)fclose(file);
	lucius_finish(mine->host, op);
}

static void on_check(void *user);

static void check_later(struct mine *mine)
{
	mine->timer = mine->watches != NULL
	        ? mine->host->timer_start(mine->host, CHECK_MS, on_check, mine)
	        : NULL;
}

/* The key may stay empty: who watches loads again. */
static void on_check(void *user)
{
	struct mine *mine = user;
	struct mark mark;
	const struct lucius_setting changed = { .size = sizeof(changed) };
	if (read_mark(mine, &mark) && !is_same(&mark, &mine->mark)) {
		mine->mark = mark;
		for (struct watch *watch = mine->watches; watch != NULL; watch = watch->next) {
			mine->host->give(mine->host, watch->op, &changed);
		}
	}
	check_later(mine);
}

static void end_watch(struct watch *watch)
{
	struct mine *mine = watch->mine;
	struct watch **at = &mine->watches;
	while (*at != watch) {
		at = &(*at)->next;
	}
	*at = watch->next;
	if (mine->watches == NULL && mine->timer != NULL) {
		mine->host->timer_stop(mine->host, mine->timer);
		mine->timer = NULL;
	}
	lucius_finish(mine->host, watch->op);
	free(watch);
}

static void on_cancelled(void *user)
{
	end_watch(user);
}

/* A stream: it gives until it is cancelled, or until stop. */
static void watch(void *self, struct lucius_op op)
{
	struct mine *mine = self;
	struct watch *added = mine->is_stopped ? NULL : calloc(1, sizeof(*added));
	if (added == NULL) {
		lucius_fail(mine->host, op, LUCIUS_UNAVAILABLE, "The source has stopped.");
		return;
	}
	*added = (struct watch){ mine->watches, mine, op };
	mine->watches = added;
	mine->host->on_cancel(mine->host, op, on_cancelled, added);
	if (mine->timer == NULL) {
		check_later(mine);
	}
}

static void stop(void *self, struct lucius_op op)
{
	struct mine *mine = self;
	mine->is_stopped = true;
	while (mine->watches != NULL) {
		end_watch(mine->watches);
	}
	lucius_finish(mine->host, op);
}

static void health(void *self, struct lucius_op op)
{
	struct mine *mine = self;
	struct mark mark;
	bool is_there = read_mark(mine, &mark);
	lucius_fail(mine->host, op, is_there ? LUCIUS_OK : LUCIUS_UNAVAILABLE,
	        is_there ? NULL : "The file of config mine is not there.");
}

static const struct lucius_life life = {
	.size = sizeof(life),
	.instance_size = sizeof(struct mine),
	.create = create,
	.stop = stop,
	.health = health,
};

static const struct lucius_config config = {
	.size = sizeof(config),
	.load = load,
	.watch = watch,
};

const struct lucius_plugin lucius_plugin = {
	.prefix = LUCIUS_PREFIX(LUCIUS_KIND_CONFIG, "mine"),
	.version = "1",
	.summary = "Reads options from a file of lines.",
	.life = &life,
	.options = option_rows,
	.n_options = sizeof(option_rows) / sizeof(option_rows[0]),
	.option_size = sizeof(struct lucius_option),
	.options_size = sizeof(struct options),
	.config = &config,
};
