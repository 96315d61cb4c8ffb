/* SPDX-License-Identifier: MIT */
/* Compares real paths; see place.h. */
#include "consumers/handlers/common/place.h"

#include "consumers/common/text.h"
#include "support/base/cleanup.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

bool place_is_below(int fd, const char *root)
{
	char path[PATH_MAX];
	CLEANUP_FREE char *link = text_format("/proc/self/fd/%d", fd);
	ssize_t size = readlink(link, path, sizeof(path) - 1);
	CLEANUP_FREE char *real_root = realpath(root, NULL);
	if (size <= 0 || real_root == NULL) {
		return false;
	}
	path[size] = '\0';
	size_t root_size = strlen(real_root);
	if (strcmp(real_root, "/") == 0) {
		return true;
	}
	return strncmp(path, real_root, root_size) == 0 &&
	        (path[root_size] == '/' || path[root_size] == '\0');
}
