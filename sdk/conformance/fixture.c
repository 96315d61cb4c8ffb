/* SPDX-License-Identifier: MIT */
/* Starting, asking and ending the peer of a suite. */
#include "sdk/conformance/fixture.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/base/memory.h"

#define ANSWER_MS 60000
#define END_MS 10000
#define N_TEXTS (2 * REQUEST_N_MAX)

struct fixture {
	pid_t pid; /* leads a group of its own */
	int to_fd;
	int from_fd;
	char line[4096];
	char *texts[N_TEXTS]; /* owned: what the request has got */
	size_t n_texts;
};

/* The next line without its end, into fixture->line. Byte by byte: tests are processes that share
 * the pipe, so nothing may be read ahead. */
static bool read_line(struct fixture *fixture)
{
	size_t size = 0;
	struct pollfd poll_fd = { .fd = fixture->from_fd, .events = POLLIN };
	for (;;) {
		char byte = 0;
		if (poll(&poll_fd, 1, ANSWER_MS) <= 0 || read(fixture->from_fd, &byte, 1) != 1) {
			return false;
		}
		if (byte == '\n') {
			fixture->line[size] = '\0';
			return true;
		}
		if (size + 1 < sizeof(fixture->line)) {
			fixture->line[size++] = byte;
		}
	}
}

static bool take_line(struct fixture *fixture, struct request *request)
{
	static const char mark[] = "suite.";
	if (fixture->n_texts == N_TEXTS) {
		return false;
	}
	char *text = must_copy(fixture->line, strlen(fixture->line));
	fixture->texts[fixture->n_texts++] = text;
	return strncmp(text, mark, strlen(mark)) == 0
	        ? request_add_parameter(request, text + strlen(mark))
	        : request_add_option(request, text);
}

static bool wait_ready(struct fixture *fixture, struct request *request)
{
	while (read_line(fixture)) {
		if (strcmp(fixture->line, "ready") == 0) {
			return true;
		}
		if (!take_line(fixture, request)) {
			fprintf(stderr, "the fixture says '%s', which is no name=value\n",
			        fixture->line);
			return false;
		}
	}
	fprintf(stderr, "the fixture '%s' does not say 'ready'\n", request->fixture);
	return false;
}

_Noreturn static void run_command(const char *command, int in_fd, int out_fd)
{
	(void)setpgid(0, 0);
	(void)dup2(in_fd, STDIN_FILENO);
	(void)dup2(out_fd, STDOUT_FILENO);
	(void)close(in_fd);
	(void)close(out_fd);
	(void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static struct fixture *spawn(const char *command)
{
	int to_fds[2];
	int from_fds[2];
	if (pipe(to_fds) != 0 || pipe(from_fds) != 0) {
		perror("pipe");
		return NULL;
	}
	(void)fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		(void)close(to_fds[1]);
		(void)close(from_fds[0]);
		run_command(command, to_fds[0], from_fds[1]);
	}
	(void)close(to_fds[0]);
	(void)close(from_fds[1]);
	struct fixture *fixture = must_calloc(1, sizeof(*fixture));
	*fixture = (struct fixture){ .pid = pid, .to_fd = to_fds[1], .from_fd = from_fds[0] };
	(void)signal(SIGPIPE, SIG_IGN);
	return fixture;
}

struct fixture *fixture_start(struct request *request)
{
	struct fixture *fixture = spawn(request->fixture);
	if (fixture != NULL && !wait_ready(fixture, request)) {
		fixture_stop(fixture);
		return NULL;
	}
	return fixture;
}

/* Waits for its end, but not for ever: its output closes when the last of its group is gone. */
static void wait_end(const struct fixture *fixture)
{
	struct pollfd poll_fd = { .fd = fixture->from_fd, .events = POLLIN };
	char bytes[512];
	while (poll(&poll_fd, 1, END_MS) > 0 && read(fixture->from_fd, bytes, sizeof(bytes)) > 0) {
	}
}

void fixture_stop(struct fixture *fixture)
{
	if (fixture == NULL) {
		return;
	}
	(void)close(fixture->to_fd);
	(void)kill(-fixture->pid, SIGTERM);
	wait_end(fixture);
	(void)kill(-fixture->pid, SIGKILL);
	(void)waitpid(fixture->pid, NULL, 0);
	(void)close(fixture->from_fd);
	for (size_t i = 0; i < fixture->n_texts; i++) {
		free(fixture->texts[i]);
	}
	free(fixture);
}

const char *fixture_tell(struct fixture *fixture, const char *line)
{
	bool is_sent = dprintf(fixture->to_fd, "%s\n", line) == (int)strlen(line) + 1;
	return is_sent && read_line(fixture) ? fixture->line : NULL;
}
