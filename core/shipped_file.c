/* SPDX-License-Identifier: MIT */
/* The binary's own place comes from /proc/self/exe. */
#include "core/shipped_file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/base/memory.h"

#define DEFAULT_FOLDER "/etc/lucius/"

static int is_there(const char *path)
{
	return access(path, R_OK) == 0;
}

/* The folder of the binary with a '/' behind; empty if it is not known. */
static void own_folder(char ret_folder[PATH_MAX])
{
	ssize_t size = readlink("/proc/self/exe", ret_folder, PATH_MAX - 1);
	ret_folder[size > 0 ? size : 0] = '\0';
	char *slash = strrchr(ret_folder, '/');
	if (slash != NULL) {
		slash[1] = '\0';
	}
}

char *shipped_file_find(const char *path)
{
	static const char *const places[] = { "../etc/lucius/", "../../etc/" };
	char folder[PATH_MAX];
	char candidate[PATH_MAX + 512];
	if (is_there(path) || strncmp(path, DEFAULT_FOLDER, strlen(DEFAULT_FOLDER)) != 0) {
		return must_copy(path, strlen(path));
	}
	own_folder(folder);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		(void)snprintf(candidate, sizeof(candidate), "%s%s%s", folder, places[i],
		        path + strlen(DEFAULT_FOLDER));
		if (is_there(candidate)) {
			return must_copy(candidate, strlen(candidate));
		}
	}
	return must_copy(path, strlen(path));
}

char *shipped_plugins_find(void)
{
	char folder[PATH_MAX];
	char candidate[PATH_MAX + 512];
	own_folder(folder);
	(void)snprintf(candidate, sizeof(candidate), "%s%s", folder, PLUGINS_FROM_BINARY);
	return folder[0] != '\0' ? realpath(candidate, NULL) : NULL;
}
