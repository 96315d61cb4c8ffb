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
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
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

/* Ends of pipes in the child: what it prints, and where it says that it cannot begin. */
struct child_fds {
	int output;
	int error;
	int start_error;
};

static int limit(enum __rlimit_resource resource, uint64_t value)
{
	struct rlimit bound = { .rlim_cur = (rlim_t)value, .rlim_max = (rlim_t)value };
	return setrlimit(resource, &bound);
}

static int limit_self(const struct child_limits *limits)
{
	int64_t left_ms = limits->deadline_ms - clock_now_ms();
	uint64_t cpu_seconds = left_ms > 0 ? (uint64_t)left_ms / 1000 + 2 : 2;
	int status = limit(RLIMIT_CORE, 0) | limit(RLIMIT_CPU, cpu_seconds) |
	        limit(RLIMIT_FSIZE, limits->file_bytes);
	if (limits->memory_bytes > 0) {
		status |= limit(RLIMIT_AS, limits->memory_bytes);
	}
	return status;
}

/*
 * The child, between fork and exec: system calls only. The limits hold from the program's first
 * instruction on, and it does not outlive this process.
 */
__attribute__((noreturn)) static void become(
        const char *const argv[], const struct child_limits *limits, const struct child_fds *fds)
{
	sigset_t none;
	sigemptyset(&none);
	int input_fd = open(limits->input_path != NULL ? limits->input_path : "/dev/null",
	        O_RDONLY | O_CLOEXEC);
	if (input_fd >= 0 && dup2(input_fd, STDIN_FILENO) >= 0 &&
	        dup2(fds->output, STDOUT_FILENO) >= 0 && dup2(fds->error, STDERR_FILENO) >= 0 &&
	        signal(SIGPIPE, SIG_DFL) != SIG_ERR && sigprocmask(SIG_SETMASK, &none, NULL) == 0 &&
	        prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && limit_self(limits) == 0) {
		(void)execvp(argv[0], (char *const *)argv);
	}
	int reason = errno;
	ssize_t written = write(fds->start_error, &reason, sizeof(reason));
	_exit(written > 0 ? 127 : 126);
}

/* Waits until the program has begun; returns the errno if it has not. */
static int await_start(pid_t pid, int start_error_fd)
{
	int reason = 0;
	ssize_t size = 0;
	do {
		size = read(start_error_fd, &reason, sizeof(reason));
	} while (size < 0 && errno == EINTR);
	if (size != (ssize_t)sizeof(reason)) {
		return 0;
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
	}
	return reason;
}

static int spawn(const char *const argv[], const struct child_limits *limits,
        const int output_fds[2], pid_t *ret_pid)
{
	int start_error[2];
	if (pipe2(start_error, O_CLOEXEC) != 0) {
		return errno;
	}
	pid_t pid = fork();
	if (pid == 0) {
		become(argv, limits,
		        &(struct child_fds){ output_fds[0], output_fds[1], start_error[1] });
	}
	int reason = pid < 0 ? errno : 0;
	close(start_error[1]);
	if (pid > 0) {
		reason = await_start(pid, start_error[0]);
	}
	close(start_error[0]);
	*ret_pid = pid;
	return reason;
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
	int status = spawn(argv, limits, (const int[]){ output[1], error[1] }, &run.pid);
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
