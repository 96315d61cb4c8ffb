/* SPDX-License-Identifier: MIT */
/* A disk that fails when a test wants it to: laid between SQLite and the file system of the
 * process. */
#ifndef STORAGE_SQLITE_TESTS_FAULTY_DISK_H
#define STORAGE_SQLITE_TESTS_FAULTY_DISK_H

#include <stdatomic.h>
#include <stdbool.h>

struct faulty_disk {
	atomic_bool is_full; /* writes of the log find no room */
	atomic_bool is_slow; /* syncs of the log wait until it is false */
	atomic_bool is_database_slow; /* the same for the database itself */
	atomic_int n_bad_syncs; /* so many syncs of the log fail from now on */
	atomic_int n_syncs; /* of the log, that succeeded */
};
extern struct faulty_disk faulty_disk;

/* From now on every file that SQLite opens in this process goes through it. */
void faulty_disk_install(void);

#endif
