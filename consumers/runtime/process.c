/* SPDX-License-Identifier: MIT */
/* Child processes on the loop; see process.h. */
#include "consumers/runtime/process.h"

#include "consumers/common/text.h"
#include "consumers/runtime/launch.h"
#include "support/amqp/buffer.h"
#include "support/base/memory.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KILL_AFTER_SECONDS = 5, READ_SIZE = 16384 };

struct process {
	LIST_ENTRY(process) link;
	struct process_table *table;
	pid_t pid; /* 0 if it was not started */
	struct event *input_event;
	struct event *output_event;
	struct event *error_event;
	struct event *deadline;
	char *input; /* owned */
	size_t input_size;
	size_t n_input_written;
	struct amqp_buffer output;
	struct amqp_buffer errors;
	bool is_timed_out;
	bool is_too_large;
	int start_error;
	process_done_fn done;
	void *user;
};

struct process_table {
	struct event_base *base;
	struct event *child_event;
	LIST_HEAD(, process) running;
};

static void close_event(struct event **event)
{
	if (*event != NULL) {
		int fd = event_get_fd(*event);
		event_free(*event);
		*event = NULL;
		if (fd >= 0) {
			close(fd);
		}
	}
}

static void process_destroy(struct process *process)
{
	LIST_REMOVE(process, link);
	close_event(&process->input_event);
	close_event(&process->output_event);
	close_event(&process->error_event);
	close_event(&process->deadline);
	amqp_buffer_finish(&process->output);
	amqp_buffer_finish(&process->errors);
	free(process->input);
	free(process);
}

static void end_group(struct process *process, int signal_number)
{
	if (process->pid > 0) {
		(void)kill(-process->pid, signal_number);
	}
}

static void on_input_ready(evutil_socket_t fd, short what, void *user)
{
	struct process *process = user;
	(void)what;
	ssize_t written = write(fd, process->input + process->n_input_written,
	        process->input_size - process->n_input_written);
	if (written > 0) {
		process->n_input_written += (size_t)written;
	}
	bool is_over = written < 0 && errno != EAGAIN && errno != EINTR;
	/* A handler that does not read to the end is free to do so. */
	if (is_over || process->n_input_written == process->input_size) {
		close_event(&process->input_event);
	}
}

/* Standard error is kept from its end, where the handler says why it gave up. */
static void keep_errors(struct process *process, const char *bytes, size_t size)
{
	amqp_buffer_append(&process->errors, bytes, size);
	if (process->errors.size / 2 > PROCESS_MAX_ERRORS) {
		amqp_buffer_drop(&process->errors, process->errors.size - PROCESS_MAX_ERRORS);
	}
}

static void keep_output(struct process *process, const char *bytes, size_t size)
{
	if (process->output.size + size > PROCESS_MAX_OUTPUT) {
		process->is_too_large = true;
		end_group(process, SIGKILL);
		return;
	}
	amqp_buffer_append(&process->output, bytes, size);
}

/* Reads once; returns false if nothing more can be read now. */
static bool read_from(struct process *process, struct event **event)
{
	char bytes[READ_SIZE];
	ssize_t size = read(event_get_fd(*event), bytes, sizeof(bytes));
	if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
		return errno == EINTR;
	}
	if (size <= 0) {
		close_event(event);
		return false;
	}
	if (event == &process->error_event) {
		keep_errors(process, bytes, (size_t)size);
	} else {
		keep_output(process, bytes, (size_t)size);
	}
	return !process->is_too_large;
}

static void on_output_ready(evutil_socket_t fd, short what, void *user)
{
	struct process *process = user;
	(void)fd;
	(void)what;
	(void)read_from(process, &process->output_event);
}

static void on_errors_ready(evutil_socket_t fd, short what, void *user)
{
	struct process *process = user;
	(void)fd;
	(void)what;
	(void)read_from(process, &process->error_event);
}

static void on_deadline(evutil_socket_t fd, short what, void *user)
{
	struct process *process = user;
	(void)fd;
	(void)what;
	end_group(process, process->is_timed_out ? SIGKILL : SIGTERM);
	process->is_timed_out = true;
	struct timeval later = { .tv_sec = KILL_AFTER_SECONDS };
	(void)event_add(process->deadline, &later);
}

static enum process_outcome outcome_of(const struct process *process, int status)
{
	if (process->pid == 0) {
		return PROCESS_NOT_STARTED;
	}
	if (process->is_too_large) {
		return PROCESS_OUTPUT_TOO_LARGE;
	}
	/* One that was done in time, or answers to SIGTERM with a success, has succeeded. */
	if (process->is_timed_out && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
		return PROCESS_TIMED_OUT;
	}
	return WIFSIGNALED(status) ? PROCESS_SIGNALLED : PROCESS_EXITED;
}

static int value_of(const struct process *process, int status)
{
	if (process->pid == 0) {
		return process->start_error;
	}
	return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

static void finish(struct process *process, int status)
{
	/* What lies in the pipes still belongs to it. */
	while (process->output_event != NULL && read_from(process, &process->output_event)) {
	}
	while (process->error_event != NULL && read_from(process, &process->error_event)) {
	}
	size_t n_errors = process->errors.size;
	size_t n_dropped = n_errors > PROCESS_MAX_ERRORS ? n_errors - PROCESS_MAX_ERRORS : 0;
	struct process_end end = {
		.outcome = outcome_of(process, status),
		.value = value_of(process, status),
		.output = (const char *)process->output.start,
		.output_size = process->output.size,
		.errors = n_errors > 0 ? (const char *)process->errors.start + n_dropped : NULL,
		.errors_size = n_errors - n_dropped,
	};
	process->done(process->user, &end);
	process_destroy(process);
}

/* The group is ended while its leader still holds the number, so that no stranger is hit. */
static bool reap(struct process *process, int *ret_status)
{
	siginfo_t info = { 0 };
	if (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
	        info.si_pid == 0) {
		return false;
	}
	end_group(process, SIGKILL);
	while (waitpid(process->pid, ret_status, 0) < 0 && errno == EINTR) {
	}
	return true;
}

static void on_child(evutil_socket_t signal_number, short what, void *user)
{
	struct process_table *table = user;
	(void)signal_number;
	(void)what;
	struct process *process = LIST_FIRST(&table->running);
	while (process != NULL) {
		struct process *next = LIST_NEXT(process, link);
		int status = 0;
		if (process->pid > 0 && reap(process, &status)) {
			finish(process, status);
			/* The callback may have started others or ended some. */
			next = LIST_FIRST(&table->running);
		}
		process = next;
	}
}

static void on_not_started(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	finish(user, 0);
}

struct process_table *process_table_create(struct event_base *base)
{
	struct process_table *table = must_calloc(1, sizeof(*table));
	table->base = base;
	LIST_INIT(&table->running);
	table->child_event = evsignal_new(base, SIGCHLD, on_child, table);
	if (table->child_event == NULL || event_add(table->child_event, NULL) != 0) {
		text_abort_no_memory();
	}
	return table;
}

void process_table_destroy(struct process_table *table)
{
	if (table == NULL) {
		return;
	}
	struct process *process = LIST_FIRST(&table->running);
	while (process != NULL) {
		struct process *next = LIST_NEXT(process, link);
		end_group(process, SIGKILL);
		while (process->pid > 0 && waitpid(process->pid, NULL, 0) < 0 && errno == EINTR) {
		}
		process_destroy(process);
		process = next;
	}
	event_free(table->child_event);
	free(table);
}

static struct event *make_event(struct process *process, int fd, short what, event_callback_fn fn)
{
	struct event *event = event_new(process->table->base, fd, what, fn, process);
	if (event == NULL) {
		text_abort_no_memory();
	}
	if (fd >= 0 && event_add(event, NULL) != 0) {
		text_abort_no_memory();
	}
	return event;
}

static void watch(struct process *process, const struct launched *launched, int64_t timeout_ms)
{
	process->input_event =
	        make_event(process, launched->input_fd, EV_WRITE | EV_PERSIST, on_input_ready);
	process->output_event =
	        make_event(process, launched->output_fd, EV_READ | EV_PERSIST, on_output_ready);
	process->error_event =
	        make_event(process, launched->error_fd, EV_READ | EV_PERSIST, on_errors_ready);
	process->deadline = make_event(process, -1, 0, on_deadline);
	struct timeval left = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	(void)event_add(process->deadline, &left);
}

void process_start(struct process_table *table, const struct process_request *request)
{
	struct process *process = must_calloc(1, sizeof(*process));
	struct launched launched;
	process->table = table;
	process->input = request->input;
	process->input_size = request->input_size;
	process->done = request->done;
	process->user = request->user;
	LIST_INSERT_HEAD(&table->running, process, link);
	process->start_error = launch_handler(request->argv, &launched);
	if (process->start_error == 0) {
		process->pid = launched.pid;
		watch(process, &launched, request->timeout_ms > 0 ? request->timeout_ms : 0);
		return;
	}
	process->deadline = make_event(process, -1, 0, on_not_started);
	struct timeval at_once = { 0 };
	(void)event_add(process->deadline, &at_once);
}
