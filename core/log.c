/* SPDX-License-Identifier: MIT */
/*
 * Collects lines and writes them once a turn of the loop. Standard error may be shared with a
 * shell, so it is never made non-blocking: a write is tried only when poll says that there is room,
 * and in pieces that a pipe takes whole.
 */
#include "core/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/log_line.h"
#include "core/loop.h"
#include "core/metrics.h"

enum {
	FLUSH_ABOVE = 64 << 10, /* bytes; not left for the end of the turn */
	RETRY_MS = 20,
	EXIT_WAIT_MS = 1000, /* for a slow reader at the end */
};

static struct {
	struct loop *loop; /* NULL: lines go out at once */
	const char *role;
	uint32_t level;
	bool is_text;
	bool is_socket;
	bool is_flush_due;
	struct log_bytes waiting;
	size_t n_written; /* of waiting */
	size_t most_waiting; /* bytes; what comes over it is dropped */
	uint64_t n_dropped;
	struct timer *retry;
	struct metric *dropped;
} the_log = { .level = LUCIUS_LOG_INFO, .most_waiting = 1 << 20 };

static int64_t clock_us(void)
{
	if (the_log.loop != NULL) {
		return loop_clock_us(the_log.loop);
	}
	struct timespec now = { 0 };
	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static size_t n_waiting(void)
{
	return the_log.waiting.size - the_log.n_written;
}

static bool has_room(int wait_ms)
{
	struct pollfd poll_for = { .fd = STDERR_FILENO, .events = POLLOUT };
	return poll(&poll_for, 1, wait_ms) == 1;
}

/* Whole lines as far as they fit into a piece, so that processes that share a pipe do not mix
 * theirs; part of a line only where one alone is longer. */
static size_t piece_size(void)
{
	size_t size = n_waiting();
	if (size <= PIPE_BUF) {
		return size;
	}
	const char *from = the_log.waiting.bytes + the_log.n_written;
	const char *end = memrchr(from, '\n', PIPE_BUF);
	return end != NULL ? (size_t)(end - from) + 1 : PIPE_BUF;
}

static ssize_t write_piece(void)
{
	const char *from = the_log.waiting.bytes + the_log.n_written;
	size_t size = piece_size();
	if (the_log.is_socket) {
		return send(STDERR_FILENO, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	return write(STDERR_FILENO, from, size);
}

static void drop_written(void)
{
	size_t size = n_waiting();
	if (size != 0 && the_log.n_written != 0) {
		memmove(the_log.waiting.bytes, the_log.waiting.bytes + the_log.n_written, size);
	}
	the_log.waiting.size = size;
	the_log.n_written = 0;
}

/* False: the reader does not take it now. */
static bool write_waiting(int wait_ms)
{
	while (n_waiting() != 0) {
		if (!has_room(wait_ms)) {
			return false;
		}
		ssize_t n = write_piece();
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			return false;
		}
		if (n < 0) {
			the_log.n_written = the_log.waiting.size; /* nobody will ever read it */
			break;
		}
		the_log.n_written += (size_t)n;
	}
	drop_written();
	return true;
}

static void append(const struct log_line *line)
{
	if (the_log.is_text) {
		log_line_text(&the_log.waiting, line);
	} else {
		log_line_json(&the_log.waiting, line);
	}
}

static void say_dropped(void)
{
	const struct log_field field = LOG_INTEGER("lines", (int64_t)the_log.n_dropped);
	append(&(struct log_line){ .level = LUCIUS_LOG_WARNING,
	        .clock_us = clock_us(),
	        .event = "log.dropped",
	        .sentence = "the reader of standard error is too slow",
	        .role = the_log.role,
	        .fields = &field,
	        .n_fields = 1 });
	the_log.n_dropped = 0;
}

static void on_retry(void *user);

static void flush(int wait_ms)
{
	bool is_written = write_waiting(wait_ms);
	if (is_written && the_log.n_dropped != 0) {
		say_dropped();
		is_written = write_waiting(wait_ms);
	}
	if (!is_written && the_log.n_written > FLUSH_ABOVE) {
		drop_written();
	}
	if (!is_written && the_log.loop != NULL && the_log.retry == NULL) {
		the_log.retry = timer_start(the_log.loop, RETRY_MS, on_retry, NULL);
	}
}

static void on_retry(void *user)
{
	(void)user;
	the_log.retry = NULL;
	flush(0);
}

static void on_turn(void *user)
{
	(void)user;
	the_log.is_flush_due = false;
	if (the_log.loop != NULL && the_log.retry == NULL) {
		flush(0);
	}
}

static void write_soon(void)
{
	if (the_log.loop == NULL) {
		(void)write_waiting(EXIT_WAIT_MS);
		return;
	}
	if (the_log.retry != NULL) {
		return;
	}
	if (n_waiting() > FLUSH_ABOVE) {
		flush(0);
	} else if (!the_log.is_flush_due) {
		the_log.is_flush_due = true;
		loop_defer(the_log.loop, on_turn, NULL);
	}
}

void log_write(uint32_t level, const char *event, const char *sentence,
        const struct log_field *fields, size_t n_fields)
{
	if (!log_is_on(level)) {
		return;
	}
	if (n_waiting() > the_log.most_waiting) {
		the_log.n_dropped++;
		if (the_log.dropped != NULL) {
			metric_record(the_log.dropped, 1);
		}
		return;
	}
	append(&(struct log_line){ .level = level,
	        .clock_us = clock_us(),
	        .event = event,
	        .sentence = sentence,
	        .role = the_log.role,
	        .fields = fields,
	        .n_fields = n_fields });
	write_soon();
}

int log_is_on(uint32_t level)
{
	return level >= the_log.level;
}

void log_set_level(uint32_t level)
{
	the_log.level = level;
}

void log_set_limit(size_t most_waiting)
{
	the_log.most_waiting = most_waiting;
}

uint32_t log_level_of(const char *name)
{
	static const char *const names[] = { "debug", "info", "warning", "error" };
	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name) == 0) {
			return i + LUCIUS_LOG_DEBUG;
		}
	}
	return 0;
}

void log_start(struct loop *loop, const char *format, const char *role)
{
	struct stat stat;
	log_flush();
	the_log.loop = loop;
	the_log.role = role;
	the_log.is_text = strcmp(format, "text") == 0 ||
	        (strcmp(format, "auto") == 0 && isatty(STDERR_FILENO) == 1);
	the_log.is_socket = fstat(STDERR_FILENO, &stat) == 0 && S_ISSOCK(stat.st_mode);
	the_log.dropped = metrics_series(LUCIUS_METRIC_COUNTER, "lucius_log_dropped_total",
	        "Log lines dropped because their reader was too slow.", NULL, NULL);
}

void log_flush(void)
{
	flush(EXIT_WAIT_MS);
}

void log_stop(void)
{
	timer_stop(the_log.retry);
	the_log.retry = NULL;
	the_log.loop = NULL;
	the_log.role = NULL;
	the_log.is_text = false;
	log_flush();
	log_bytes_finish(&the_log.waiting);
	the_log.n_written = 0;
	the_log.is_flush_due = false;
}
