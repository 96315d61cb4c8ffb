/* SPDX-License-Identifier: MIT */
/* The thread and the loop share one lookup; whoever lets go of it last frees it. */
#include "core/http/resolver.h"

#include <assert.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"

struct http_lookup {
	atomic_uint n_holders;
	struct http_address address;
	int wake_fd; /* owned; the thread writes when it is done */
	atomic_bool is_done; /* orders what follows, which a write to a descriptor does not */
	/* The thread's until is_done, then the loop's. */
	struct addrinfo *addresses; /* owned */
	int failure; /* of getaddrinfo() */
	/* The loop's alone. */
	struct event done;
	http_lookup_fn on_found;
	void *user;
};

static void release(struct http_lookup *lookup)
{
	if (atomic_fetch_sub(&lookup->n_holders, 1) != 1) {
		return;
	}
	if (lookup->addresses != NULL) {
		freeaddrinfo(lookup->addresses);
	}
	if (lookup->wake_fd >= 0) {
		close(lookup->wake_fd);
	}
	free(lookup);
}

static void look_up(struct http_lookup *lookup, int flags)
{
	const struct addrinfo hints = {
		.ai_flags = flags | AI_NUMERICSERV,
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	char port[8];
	(void)snprintf(port, sizeof(port), "%u", lookup->address.port);
	lookup->failure = getaddrinfo(lookup->address.host, port, &hints, &lookup->addresses);
	atomic_store(&lookup->is_done, true);
	static const uint64_t one = 1;
	ssize_t n_written = write(lookup->wake_fd, &one, sizeof(one));
	assert(n_written == (ssize_t)sizeof(one));
	(void)n_written;
}

static void *run(void *user)
{
	struct http_lookup *lookup = user;
	look_up(lookup, 0);
	release(lookup);
	return NULL;
}

static void on_done(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	struct http_lookup *lookup = user;
	bool is_done = atomic_load(&lookup->is_done);
	assert(is_done);
	(void)is_done;
	http_lookup_fn on_found = lookup->on_found;
	void *found_user = lookup->user;
	struct addrinfo *addresses = steal(lookup->addresses);
	char error[HTTP_HOST_MAX + 128];
	(void)snprintf(error, sizeof(error), "'%s' cannot be resolved: %s", lookup->address.host,
	        gai_strerror(lookup->failure));
	event_del(&lookup->done);
	release(lookup);
	on_found(found_user, addresses, addresses == NULL ? error : NULL);
}

/* Signals are for the loop's thread: this one takes none. */
static int start_thread(struct http_lookup *lookup)
{
	sigset_t all;
	sigset_t before;
	pthread_t thread;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	atomic_fetch_add(&lookup->n_holders, 1);
	int failure = pthread_create(&thread, NULL, run, lookup);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failure != 0) {
		atomic_fetch_sub(&lookup->n_holders, 1);
		return -1;
	}
	pthread_detach(thread);
	return 0;
}

struct http_lookup *http_lookup_start(struct event_base *base, const struct http_address *address,
        http_lookup_fn on_found, void *user)
{
	struct http_lookup *lookup = must_calloc(1, sizeof(*lookup));
	atomic_init(&lookup->n_holders, 1);
	lookup->address = *address;
	lookup->on_found = on_found;
	lookup->user = user;
	lookup->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int assigned = event_assign(&lookup->done, base, lookup->wake_fd, EV_READ, on_done, lookup);
	assert(assigned == 0);
	(void)assigned;
	/* An address needs no thread, nor does the answer that there is no thread to be had. */
	bool is_numeric = strspn(address->host, "0123456789.") == strlen(address->host) ||
	        strchr(address->host, ':') != NULL;
	bool is_started = lookup->wake_fd >= 0 && event_add(&lookup->done, NULL) == 0;
	if (is_started && is_numeric) {
		look_up(lookup, AI_NUMERICHOST);
	} else if (!is_started || start_thread(lookup) != 0) {
		lookup->failure = EAI_MEMORY;
		atomic_store(&lookup->is_done, true);
		event_active(&lookup->done, EV_READ, 1);
	}
	return lookup;
}

void http_lookup_cancel(struct http_lookup *lookup)
{
	if (lookup == NULL) {
		return;
	}
	event_del(&lookup->done);
	release(lookup);
}
