/* SPDX-License-Identifier: MIT */
/* Runs programs with bounds; see child.h. */
#include "consumers/handlers/common/child.h"

#include "consumers/common/clock.h"
#include "consumers/common/text.h"
#include "consumers/handlers/common/interrupt.h"
#include "support/base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COMPLAINT_BYTES = 4096 };

struct run {
	pid_t pid;
	int process_fd; /* readable once the child has ended */
	int output_fd;
	int error_fd;
	const struct child_limits *limits;
	struct child_end *end;
	size_t output_capacity;
	char errors[COMPLAINT_BYTES]; /* the end of standard error */
	size_t errors_size;
};

static int spawn_actions(
        posix_spawn_file_actions_t *actions, const char *input_path, int output_fd, int error_fd)
{
	int status = posix_spawn_file_actions_init(actions);
	if (status == 0) {
		status = posix_spawn_file_actions_addopen(
		        actions, STDIN_FILENO, input_path, O_RDONLY, 0);
	}
	if (status == 0) {
		status = posix_spawn_file_actions_adddup2(actions, output_fd, STDOUT_FILENO);
	}
	if (status == 0) {
		status = posix_spawn_file_actions_adddup2(actions, error_fd, STDERR_FILENO);
	}
	return status;
}

/* The child starts with default signals, whatever this process blocks or ignores. */
static int spawn(
        const char *const argv[], const char *input_path, const int output_fds[2], pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	sigset_t defaults;
	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	if (spawn_actions(&actions, input_path, output_fds[0], output_fds[1]) != 0 ||
	        posix_spawnattr_init(&attributes) != 0) {
		text_abort_no_memory();
	}
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	int status =
	        posix_spawnp(ret_pid, argv[0], &actions, &attributes, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return status;
}

static void limit(pid_t pid, enum __rlimit_resource resource, uint64_t value)
{
	struct rlimit bound = { .rlim_cur = (rlim_t)value, .rlim_max = (rlim_t)value };
	/* A child that is gone already needs no limit, so a failure says nothing. */
	(void)prlimit(pid, resource, &bound, NULL);
}

static void limit_child(const struct run *run)
{
	int64_t left_ms = run->limits->deadline_ms - clock_now_ms();
	limit(run->pid, RLIMIT_CORE, 0);
	limit(run->pid, RLIMIT_CPU, left_ms > 0 ? (uint64_t)left_ms / 1000 + 2 : 2);
	limit(run->pid, RLIMIT_FSIZE, run->limits->file_bytes);
	if (run->limits->memory_bytes > 0) {
		limit(run->pid, RLIMIT_AS, run->limits->memory_bytes);
	}
}

static bool keep_output(struct run *run, const char *bytes, size_t size)
{
	struct child_end *end = run->end;
	if (size > run->limits->output_size - end->output_size) {
		return false;
	}
	if (end->output_size + size + 1 > run->output_capacity) {
		run->output_capacity = (end->output_size + size + 1) * 2;
		end->output = must_resize(end->output, run->output_capacity, 1);
	}
	memcpy(end->output + end->output_size, bytes, size);
	end->output_size += size;
	end->output[end->output_size] = '\0';
	return true;
}

static void keep_errors(struct run *run, const char *bytes, size_t size)
{
	if (size >= sizeof(run->errors)) {
		bytes += size - sizeof(run->errors);
		size = sizeof(run->errors);
	}
	size_t kept = run->errors_size;
	if (kept + size > sizeof(run->errors)) {
		size_t dropped = kept + size - sizeof(run->errors);
		memmove(run->errors, run->errors + dropped, kept - dropped);
		kept -= dropped;
	}
	memcpy(run->errors + kept, bytes, size);
	run->errors_size = kept + size;
}

/* Takes what lies in a pipe; closes it at its end. Returns false if the output grew too large. */
static bool take_from(struct run *run, int *fd)
{
	char bytes[16384];
	for (;;) {
		ssize_t size = read(*fd, bytes, sizeof(bytes));
		if (size < 0 && errno == EINTR) {
			continue;
		}
		if (size < 0 && errno == EAGAIN) {
			return true;
		}
		if (size <= 0) {
			close(*fd);
			*fd = -1;
			return true;
		}
		if (fd == &run->error_fd) {
			keep_errors(run, bytes, (size_t)size);
		} else if (!keep_output(run, bytes, (size_t)size)) {
			return false;
		}
	}
}

static bool take_all(struct run *run)
{
	return (run->error_fd < 0 || take_from(run, &run->error_fd)) &&
	        (run->output_fd < 0 || take_from(run, &run->output_fd));
}

/* Reads until the child has ended or must be ended; a grandchild that keeps a pipe is not waited
 * for. */
static enum child_outcome follow(struct run *run)
{
	for (;;) {
		struct pollfd wanted[] = {
			{ .fd = run->process_fd, .events = POLLIN },
			{ .fd = run->output_fd, .events = POLLIN },
			{ .fd = run->error_fd, .events = POLLIN },
			{ .fd = interrupt_fd(), .events = POLLIN },
		};
		int64_t left_ms = run->limits->deadline_ms - clock_now_ms();
		if (left_ms <= 0) {
			return CHILD_TIMED_OUT;
		}
		int n_ready = poll(wanted, 4, left_ms > INT_MAX ? INT_MAX : (int)left_ms);
		if (n_ready < 0 && errno != EINTR) {
			return CHILD_INTERRUPTED;
		}
		if (n_ready > 0 && wanted[3].revents != 0) {
			return CHILD_INTERRUPTED;
		}
		if (!take_all(run)) {
			return CHILD_OUTPUT_TOO_LARGE;
		}
		if (n_ready > 0 && wanted[0].revents != 0) {
			return take_all(run) ? CHILD_EXITED : CHILD_OUTPUT_TOO_LARGE;
		}
		/* Where the kernel has no descriptors of processes, the pipes' ends have to do. */
		if (run->process_fd < 0 && run->output_fd < 0 && run->error_fd < 0) {
			return CHILD_EXITED;
		}
	}
}

static void reap(struct run *run, enum child_outcome outcome)
{
	int status = 0;
	if (outcome != CHILD_EXITED) {
		(void)kill(run->pid, SIGKILL);
	}
	while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR) {
	}
	run->end->outcome = outcome;
	if (outcome == CHILD_EXITED && WIFSIGNALED(status)) {
		run->end->outcome = CHILD_SIGNALLED;
		run->end->value = WTERMSIG(status);
	} else if (outcome == CHILD_EXITED) {
		run->end->value = WEXITSTATUS(status);
	}
}

static void close_all(const int *fds, size_t n_fds)
{
	for (size_t i = 0; i < n_fds; i++) {
		if (fds[i] >= 0) {
			close(fds[i]);
		}
	}
}

static void not_started(struct child_end *end, int reason)
{
	end->outcome = CHILD_NOT_STARTED;
	end->value = reason;
	end->complaint = text_copy("");
}

static void run_started(struct run *run)
{
	limit_child(run);
	run->process_fd = pidfd_open(run->pid, 0);
	reap(run, follow(run));
	close_all((int[]){ run->process_fd, run->output_fd, run->error_fd }, 3);
	run->end->complaint = text_last_line(run->errors, run->errors_size);
	text_make_printable(run->end->complaint);
}

void child_run(
        const char *const argv[], const struct child_limits *limits, struct child_end *ret_end)
{
	*ret_end = (struct child_end){ .output = text_copy("") };
	int output[2] = { -1, -1 };
	int error[2] = { -1, -1 };
	if (pipe2(output, O_CLOEXEC) != 0 || pipe2(error, O_CLOEXEC) != 0) {
		not_started(ret_end, errno);
		close_all((int[]){ output[0], output[1], error[0], error[1] }, 4);
		return;
	}
	struct run run = {
		.output_fd = output[0], .error_fd = error[0], .limits = limits, .end = ret_end
	};
	const char *input_path = limits->input_path != NULL ? limits->input_path : "/dev/null";
	int status = spawn(argv, input_path, (const int[]){ output[1], error[1] }, &run.pid);
	close_all((int[]){ output[1], error[1] }, 2);
	if (status == 0 &&
	        (fcntl(output[0], F_SETFL, O_NONBLOCK) != 0 ||
	                fcntl(error[0], F_SETFL, O_NONBLOCK) != 0)) {
		perror("fcntl");
		abort();
	}
	if (status != 0) {
		not_started(ret_end, status);
		close_all((int[]){ output[0], error[0] }, 2);
		return;
	}
	run_started(&run);
}

void child_end_finish(struct child_end *end)
{
	free(end->output);
	free(end->complaint);
	*end = (struct child_end){ 0 };
}
