/* SPDX-License-Identifier: MIT */
/* One refusal at a time, counted down at each call of its name. */
#include "tests/support/refusals.h"

#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct {
	const char *name; /* NULL: none */
	unsigned n_before; /* calls that still go well */
	unsigned n_left;
	int error;
} refusal;

void refuse_nth(const char *name, unsigned nth, unsigned n_times, int error)
{
	refusal.name = name;
	refusal.n_before = nth - 1;
	refusal.n_left = n_times;
	refusal.error = error;
}

void refuse(const char *name, int error)
{
	refuse_nth(name, 1, 1, error);
}

bool refuse_end(void)
{
	bool is_all = refusal.n_left == 0;
	refusal.name = NULL;
	refusal.n_left = 0;
	return is_all;
}

static bool is_refused(const char *name)
{
	if (refusal.n_left == 0 || strcmp(refusal.name, name) != 0) {
		return false;
	}
	if (refusal.n_before != 0) {
		refusal.n_before--;
		return false;
	}
	refusal.n_left--;
	errno = refusal.error;
	return true;
}

/* What the linker puts in the place of a function, with what it gives when it is refused. */
#define WRAP(type, name, refused, parameters, arguments)                      \
	type __real_##name parameters;                                        \
	type __wrap_##name parameters;                                        \
	type __wrap_##name parameters                                         \
	{                                                                     \
		return is_refused(#name) ? refused : __real_##name arguments; \
	}

WRAP(int, socket, -1, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(int, setsockopt, -1, (int fd, int level, int name, const void *value, socklen_t size),
        (fd, level, name, value, size))
WRAP(int, getsockopt, -1, (int fd, int level, int name, void *value, socklen_t *size),
        (fd, level, name, value, size))
WRAP(int, bind, -1, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size))
WRAP(int, listen, -1, (int fd, int backlog), (fd, backlog))
WRAP(int, accept4, -1, (int fd, struct sockaddr *address, socklen_t *size, int flags),
        (fd, address, size, flags))
WRAP(int, connect, -1, (int fd, const struct sockaddr *address, socklen_t size),
        (fd, address, size))
WRAP(int, getsockname, -1, (int fd, struct sockaddr *address, socklen_t *size), (fd, address, size))
WRAP(ssize_t, recv, -1, (int fd, void *bytes, size_t size, int flags), (fd, bytes, size, flags))
WRAP(ssize_t, send, -1, (int fd, const void *bytes, size_t size, int flags),
        (fd, bytes, size, flags))
WRAP(ssize_t, sendmsg, -1, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
WRAP(ssize_t, read, -1, (int fd, void *bytes, size_t size), (fd, bytes, size))
WRAP(ssize_t, write, -1, (int fd, const void *bytes, size_t size), (fd, bytes, size))
WRAP(int, lstat64, -1, (const char *path, struct stat *stat), (path, stat))
WRAP(int, eventfd, -1, (unsigned count, int flags), (count, flags))
WRAP(int, eventfd_write, -1, (int fd, eventfd_t value), (fd, value))
WRAP(int, clock_gettime, -1, (clockid_t clock, struct timespec *time), (clock, time))
WRAP(ssize_t, getrandom, -1, (void *bytes, size_t size, unsigned flags), (bytes, size, flags))
WRAP(int, pthread_create, EAGAIN,
        (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *user),
        (thread, attributes, run, user))
WRAP(int, event_add, -1, (struct event * event, const struct timeval *after), (event, after))
WRAP(struct event *, event_new, NULL,
        (struct event_base * base, evutil_socket_t fd, short what, event_callback_fn fn,
                void *user),
        (base, fd, what, fn, user))
WRAP(SSL_CTX *, SSL_CTX_new, NULL, (const SSL_METHOD *method), (method))
WRAP(long, SSL_CTX_ctrl, 0, (SSL_CTX * settings, int command, long number, void *pointer),
        (settings, command, number, pointer))
WRAP(int, SSL_CTX_set_default_verify_paths, 0, (SSL_CTX * settings), (settings))
WRAP(SSL *, SSL_new, NULL, (SSL_CTX * settings), (settings))
WRAP(long, SSL_ctrl, 0, (SSL * ssl, int command, long number, void *pointer),
        (ssl, command, number, pointer))
WRAP(int, SSL_set1_host, 0, (SSL * ssl, const char *host), (ssl, host))
WRAP(int, SSL_write_ex, 0, (SSL * ssl, const void *bytes, size_t size, size_t *n_written),
        (ssl, bytes, size, n_written))
WRAP(BIO *, BIO_new, NULL, (const BIO_METHOD *method), (method))
WRAP(BIO_METHOD *, BIO_meth_new, NULL, (int type, const char *name), (type, name))
WRAP(int, BIO_meth_set_write, 0, (BIO_METHOD * method, int (*fn)(BIO *, const char *, int)),
        (method, fn))
WRAP(int, BIO_meth_set_read, 0, (BIO_METHOD * method, int (*fn)(BIO *, char *, int)), (method, fn))
WRAP(int, BIO_meth_set_ctrl, 0, (BIO_METHOD * method, long (*fn)(BIO *, int, long, void *)),
        (method, fn))
