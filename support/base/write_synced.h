/* SPDX-License-Identifier: MIT */
/* Small files that must be there after a crash. */
#ifndef SUPPORT_BASE_WRITE_SYNCED_H
#define SUPPORT_BASE_WRITE_SYNCED_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

/* Writes all of it, and to the disk; blocks. False: errno says why. */
static inline bool write_synced(int fd, const char *bytes, size_t size)
{
	while (size != 0) {
		ssize_t n = write(fd, bytes, size);
		if (n < 0 && errno != EINTR) {
			return false;
		}
		bytes += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return fsync(fd) == 0;
}

#endif
