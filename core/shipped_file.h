/* SPDX-License-Identifier: MIT */
/* Finds what is shipped with the daemon, installed, moved or not installed. */
#ifndef CORE_SHIPPED_FILE_H
#define CORE_SHIPPED_FILE_H

/*
 * The path itself if there is such a file, or if it is not the default place. Else the file of that
 * name below the daemon's own prefix (../etc/lucius from the binary) or its build tree (../../etc).
 * Owned; a path that leads nowhere comes back as it is, so that the reader can say so.
 */
char *shipped_file_find(const char *path);
/* The directory of plugins that belongs to this binary, wherever the installed tree has been moved
 * to; NULL: there is none. Owned, links resolved. */
char *shipped_plugins_find(void);

#endif
