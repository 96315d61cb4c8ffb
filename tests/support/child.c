/* SPDX-License-Identifier: MIT */
/* One child, one pipe. */
#include "tests/support/child.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/log.h"

int child_signal(void (*act)(void), char *said, size_t said_size)
{
	int ends[2];
	said[0] = '\0';
	if (pipe(ends) != 0) {
		return -1;
	}
	pid_t child = fork();
	if (child == 0) {
		(void)dup2(ends[1], STDERR_FILENO);
		act();
		log_flush();
		_exit(0);
	}
	(void)close(ends[1]);
	size_t size = 0;
	for (ssize_t n; (n = read(ends[0], said + size, said_size - 1 - size)) > 0;) {
		size += (size_t)n;
	}
	said[size] = '\0';
	(void)close(ends[0]);
	int status = 0;
	if (child < 0 || waitpid(child, &status, 0) != child) {
		return -1;
	}
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}
