/* SPDX-License-Identifier: MIT */
/* A disk that fails on demand: SQLite's own file system with two of its methods replaced. */
#include "plugins/storage-sqlite/tests/faulty_disk.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

struct faulty_disk faulty_disk;

static sqlite3_vfs shim;
static sqlite3_vfs *real;
/* A kind of file: its methods, and the same but for write and sync. */
struct layer {
	const sqlite3_io_methods *real;
	sqlite3_io_methods methods;
};
static struct layer log_layer;
static struct layer database_layer;
static pthread_once_t is_installed = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int write_log(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
	return atomic_load(&faulty_disk.is_full)
	        ? SQLITE_FULL
	        : log_layer.real->xWrite(file, bytes, size, offset);
}

static void wait_while(atomic_bool *is_slow)
{
	while (atomic_load(is_slow)) {
		(void)usleep(1000);
	}
}

static int sync_database(sqlite3_file *file, int flags)
{
	wait_while(&faulty_disk.is_database_slow);
	return database_layer.real->xSync(file, flags);
}

static int sync_log(sqlite3_file *file, int flags)
{
	wait_while(&faulty_disk.is_slow);
	if (atomic_load(&faulty_disk.n_bad_syncs) > 0) {
		(void)atomic_fetch_sub(&faulty_disk.n_bad_syncs, 1);
		return SQLITE_IOERR_FSYNC;
	}
	int code = log_layer.real->xSync(file, flags);
	(void)atomic_fetch_add(&faulty_disk.n_syncs, code == SQLITE_OK ? 1 : 0);
	return code;
}

/* For the first file of its kind. */
static void fill(struct layer *layer, const sqlite3_io_methods *methods)
{
	layer->real = methods;
	layer->methods = *methods;
	if (layer == &log_layer) {
		layer->methods.xWrite = write_log;
		layer->methods.xSync = sync_log;
	} else {
		layer->methods.xSync = sync_database;
	}
}

static int open_file(
        sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
	(void)vfs;
	int code = real->xOpen(real, name, file, flags, ret_flags);
	if (code == SQLITE_OK && (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_DB)) != 0) {
		struct layer *layer = (flags & SQLITE_OPEN_WAL) != 0 ? &log_layer : &database_layer;
		(void)pthread_mutex_lock(&lock);
		if (layer->real == NULL) {
			fill(layer, file->pMethods);
		}
		file->pMethods = &layer->methods;
		(void)pthread_mutex_unlock(&lock);
	}
	return code;
}

static void install(void)
{
	real = sqlite3_vfs_find(NULL);
	if (real == NULL) {
		abort();
	}
	shim = *real;
	shim.zName = "faulty";
	shim.xOpen = open_file;
	if (sqlite3_vfs_register(&shim, 1) != SQLITE_OK) {
		abort();
	}
}

void faulty_disk_install(void)
{
	(void)pthread_once(&is_installed, install);
}
