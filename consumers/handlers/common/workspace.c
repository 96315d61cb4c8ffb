/* SPDX-License-Identifier: MIT */
/* Makes and removes the directory of one run; see workspace.h. */
#include "consumers/handlers/common/workspace.h"

#include "consumers/common/environment.h"
#include "consumers/common/text.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WALK_DESCRIPTORS = 8 };

int workspace_create(struct fault *fault, char **ret_path)
{
	const char *base = environment_text("TMPDIR");
	CLEANUP_FREE char *path =
	        text_format("%s/lucius-handler-XXXXXX", base != NULL ? base : "/tmp");
	if (mkdtemp(path) == NULL) {
		return fault_temporary(fault, "NO_WORKSPACE",
		        "No directory can be made as '%s': %s. Point TMPDIR at a writable one.",
		        path, strerror(errno));
	}
	*ret_path = steal(path);
	return 0;
}

static int remove_entry(const char *path, const struct stat *entry, int type, struct FTW *walk)
{
	(void)entry;
	(void)type;
	(void)walk;
	/* What cannot be removed stays; the walk goes on with the rest. */
	(void)remove(path);
	return 0;
}

void workspace_destroy(char *path)
{
	if (path != NULL) {
		(void)nftw(path, remove_entry, WALK_DESCRIPTORS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
		free(path);
	}
}

char *workspace_file(const char *workspace, const char *name)
{
	return text_format("%s/%s", workspace, name);
}
