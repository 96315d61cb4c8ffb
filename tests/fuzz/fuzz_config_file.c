/* SPDX-License-Identifier: MIT */
/* A configuration file as somebody may write it: the libconfig tree, flattened. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/option_given.h"
#include "core/option_names.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/fuzz/fuzz.h"

static void check_givens(const struct option_givens *givens)
{
	for (size_t i = 0; i < givens->n; i++) {
		const struct option_given *given = &givens->items[i];
		struct option_nearest nearest;
		if (given->name == NULL || given->value == NULL ||
		        strchr(given->where, ':') == NULL) {
			abort();
		}
		option_nearest_begin(&nearest, given->name);
		option_nearest_show(&nearest, "servicebus.reply_prefix");
		option_nearest_show(&nearest, given->name);
		if (nearest.best[0] == '\0' && strlen(given->name) < OPTION_NAME_MAX) {
			abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char path[64];
	char error[1024] = "";
	struct option_givens givens = { 0 };
	/* An include would read whatever lies on this machine. */
	char *text CLEANUP_FREE = must_copy(bytes, size);
	if (memmem(text, size, "@include", 8) != NULL) {
		return 0;
	}
	int fd = memfd_create("config", MFD_CLOEXEC);
	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0) {
		abort();
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int result = option_file_read(path, &givens, error, sizeof(error));
	if ((result != 0) == (error[0] == '\0')) {
		abort();
	}
	check_givens(&givens);
	option_givens_finish(&givens);
	(void)close(fd);
	return 0;
}
