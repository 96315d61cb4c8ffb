/* SPDX-License-Identifier: MIT */
/* Loaded before everything else: while the file LUCIUS_TEST_FULL is there, the disk is full. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

typedef ssize_t (*pwrite_fn)(int fd, const void *bytes, size_t size, off64_t offset);

static int is_full(void)
{
	const char *flag = getenv("LUCIUS_TEST_FULL");
	return flag != NULL && access(flag, F_OK) == 0;
}

static ssize_t write_if_there_is_room(
        const char *name, int fd, const void *bytes, size_t size, off64_t offset)
{
	if (is_full()) {
		errno = ENOSPC;
		return -1;
	}
	pwrite_fn real;
	void *found = dlsym(RTLD_NEXT, name);
	memcpy(&real, &found, sizeof(real)); /* C has no cast from an object to a function */
	return real(fd, bytes, size, offset);
}

/* Under both of its names in the C library, whatever size of offsets this file is compiled for. */
__attribute__((visibility("default"))) ssize_t short_pwrite(
        int fd, const void *bytes, size_t size, off64_t offset) __asm__("pwrite");
__attribute__((visibility("default"))) ssize_t long_pwrite(
        int fd, const void *bytes, size_t size, off64_t offset) __asm__("pwrite64");

ssize_t short_pwrite(int fd, const void *bytes, size_t size, off64_t offset)
{
	return write_if_there_is_room("pwrite", fd, bytes, size, offset);
}

ssize_t long_pwrite(int fd, const void *bytes, size_t size, off64_t offset)
{
	return write_if_there_is_room("pwrite64", fd, bytes, size, offset);
}
