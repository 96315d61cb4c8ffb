/* SPDX-License-Identifier: MIT */
/* posix_spawn with pipes and a process group; see launch.h. */
#include "consumers/runtime/launch.h"

#include "consumers/common/text.h"
#include "support/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Ends of pipes: the child's and ours, for input, output, errors. -1 if closed. */
struct pipes {
	int child[3];
	int parent[3];
};

static void close_three(const int fds[3])
{
	for (int i = 0; i < 3; i++) {
		if (fds[i] >= 0) {
			close(fds[i]);
		}
	}
}

static int open_pipes(struct pipes *pipes)
{
	*pipes = (struct pipes){ { -1, -1, -1 }, { -1, -1, -1 } };
	for (int i = 0; i < 3; i++) {
		int ends[2];
		if (pipe2(ends, O_CLOEXEC) != 0) {
			return errno;
		}
		int child_end = i == 0 ? 0 : 1;
		pipes->child[i] = ends[child_end];
		pipes->parent[i] = ends[1 - child_end];
		if (fcntl(pipes->parent[i], F_SETFL, O_NONBLOCK) != 0) {
			return errno;
		}
	}
	return 0;
}

static void set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none;
	sigset_t all;
	sigemptyset(&none);
	sigfillset(&all);
	if (posix_spawnattr_init(attributes) != 0) {
		text_abort_no_memory();
	}
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setpgroup(attributes, 0);
	posix_spawnattr_setflags(
	        attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

static void set_actions(posix_spawn_file_actions_t *actions, const struct pipes *pipes)
{
	if (posix_spawn_file_actions_init(actions) != 0) {
		text_abort_no_memory();
	}
	for (int i = 0; i < 3; i++) {
		if (posix_spawn_file_actions_adddup2(actions, pipes->child[i], i) != 0) {
			text_abort_no_memory();
		}
	}
}

int launch_handler(const char *const argv[], struct launched *ret_launched)
{
	struct pipes pipes;
	int status = open_pipes(&pipes);
	pid_t pid = 0;
	if (status == 0) {
		posix_spawnattr_t attributes;
		posix_spawn_file_actions_t actions;
		set_attributes(&attributes);
		set_actions(&actions, &pipes);
		status = posix_spawnp(
		        &pid, argv[0], &actions, &attributes, (char *const *)argv, environ);
		posix_spawn_file_actions_destroy(&actions);
		posix_spawnattr_destroy(&attributes);
	}
	close_three(pipes.child);
	if (status != 0) {
		close_three(pipes.parent);
		return status;
	}
	*ret_launched = (struct launched){ pid, pipes.parent[0], pipes.parent[1], pipes.parent[2] };
	return 0;
}

static bool is_program(const char *path)
{
	struct stat entry;
	return access(path, X_OK) == 0 && stat(path, &entry) == 0 && S_ISREG(entry.st_mode);
}

bool launch_can_find(const char *program)
{
	const char *search = getenv("PATH");
	if (strchr(program, '/') != NULL || search == NULL) {
		return is_program(program);
	}
	while (search != NULL) {
		int size = (int)strcspn(search, ":");
		CLEANUP_FREE char *path = text_format(
		        "%.*s/%s", size > 0 ? size : 1, size > 0 ? search : ".", program);
		if (is_program(path)) {
			return true;
		}
		search = search[size] == ':' ? search + size + 1 : NULL;
	}
	return false;
}
