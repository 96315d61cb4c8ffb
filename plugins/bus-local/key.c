/* SPDX-License-Identifier: MIT */
/* A key file that does not exist is made with 32 random bytes in base64, readable for us alone. */
#include "plugins/bus-local/key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plugins/bus-local/bus.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "support/base/write_synced.h"

#define KEY_BYTES 32
#define MAX_KEY_SIZE 4096

static void close_descriptor(const int *fd)
{
	if (*fd >= 0) {
		(void)close(*fd);
	}
}

static char *refuse(const char *path, const char *what, char *error, size_t error_size)
{
	snprintf(error, error_size, "bus-key-file '%s' %s", path, what);
	return NULL;
}

/* The first line of the file. */
static char *read_key(int fd, const char *path, char *error, size_t error_size)
{
	char text[MAX_KEY_SIZE + 1];
	ssize_t n = read(fd, text, sizeof(text));
	if (n < 0) {
		return refuse(path, strerror(errno), error, error_size);
	}
	size_t size = 0;
	while (size < (size_t)n && text[size] != '\n' && text[size] != '\r' && text[size] != '\0') {
		size++;
	}
	if (size == 0 || size > MAX_KEY_SIZE) {
		return refuse(path, "must hold a key in its first line", error, error_size);
	}
	return must_copy(text, size);
}

static char *make_key(
        const struct bus *bus, int fd, const char *path, char *error, size_t error_size)
{
	uint8_t random[KEY_BYTES];
	char line[KEY_BYTES * 2 + 2];
	bus->host->random(bus->host, random, sizeof(random));
	size_t size = (size_t)EVP_EncodeBlock((unsigned char *)line, random, sizeof(random));
	line[size] = '\n';
	if (!write_synced(fd, line, size + 1)) {
		int reason = errno;
		(void)unlink(path);
		return refuse(path, strerror(reason), error, error_size);
	}
	return must_copy(line, size);
}

static char *find_in_file(const struct bus *bus, const char *path, char *error, size_t error_size)
{
	CLEANUP(close_descriptor) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0) {
		return read_key(fd, path, error, error_size);
	}
	if (errno != ENOENT) {
		return refuse(path, strerror(errno), error, error_size);
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0) {
		return refuse(path, strerror(errno), error, error_size);
	}
	return make_key(bus, fd, path, error, error_size);
}

char *key_find(const struct bus *bus, char *error, size_t error_size)
{
	const char *key = bus->options->key;
	const char *path = bus->options->key_file;
	if (key != NULL && key[0] != '\0') {
		return must_copy(key, strlen(key));
	}
	if (path != NULL && path[0] != '\0') {
		return find_in_file(bus, path, error, error_size);
	}
	return must_copy(BUS_EMULATOR_KEY, strlen(BUS_EMULATOR_KEY));
}
