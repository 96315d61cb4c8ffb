/* SPDX-License-Identifier: MIT */
/* A directory of one's own for the files of one run, below TMPDIR, removed with all it holds. */
#ifndef CONSUMERS_HANDLERS_COMMON_WORKSPACE_H
#define CONSUMERS_HANDLERS_COMMON_WORKSPACE_H

#include "consumers/common/fault.h"
#include "support/base/cleanup.h"

/* ret_path: owned, to be given to workspace_destroy. Returns 0 or EX_TEMPFAIL. */
int workspace_create(struct fault *fault, char **ret_path);

/* Removes the directory and frees path (may be NULL). */
void workspace_destroy(char *path);

CLEANUP_DEFINE(char *, workspace, workspace_destroy)

/* The path of a file in it, owned by the caller. */
char *workspace_file(const char *workspace, const char *name);

#endif
