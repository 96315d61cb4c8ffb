/* SPDX-License-Identifier: MIT */
/*
 * libcurl says which sockets it wants watched and when it wants to be called; libevent does both.
 * libcurl is never called from within its own callbacks: a timer of 0 ms runs in the next turn.
 */
#include "support/http/curl_loop.h"

#include <stdlib.h>

#include "support/base/memory.h"

struct curl_socket {
	struct curl_socket *next; /* in the list of idle ones */
	struct curl_loop *loop;
	struct event *event; /* owned */
};

/* Hands over what has ended. The message is gone as soon as the handle is removed. */
static void drain(struct curl_loop *loop)
{
	int n_left = 0;
	CURLMsg *message;
	while ((message = curl_multi_info_read(loop->multi, &n_left)) != NULL) {
		if (message->msg != CURLMSG_DONE) {
			continue;
		}
		CURL *easy = message->easy_handle;
		CURLcode result = message->data.result;
		curl_loop_remove(loop, easy);
		loop->on_done(loop->user, easy, result);
	}
}

static void act(struct curl_loop *loop, curl_socket_t fd, int what)
{
	int n_running = 0;
	if (curl_multi_socket_action(loop->multi, fd, what, &n_running) != CURLM_OK) {
		abort(); /* a bad handle: our own bug */
	}
	drain(loop);
}

static void on_socket(evutil_socket_t fd, short what, void *user)
{
	struct curl_socket *socket = user;
	int flags = ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
	        ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
	act(socket->loop, fd, flags);
}

static void on_timer(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	act(user, CURL_SOCKET_TIMEOUT, 0);
}

static struct curl_socket *take_socket(struct curl_loop *loop)
{
	struct curl_socket *socket = loop->idle;
	if (socket != NULL) {
		loop->idle = socket->next;
		return socket;
	}
	socket = must_calloc(1, sizeof(*socket));
	socket->loop = loop;
	socket->event = must_have(event_new(loop->base, -1, EV_PERSIST, on_socket, socket));
	return socket;
}

static void drop_socket(struct curl_loop *loop, struct curl_socket *socket)
{
	(void)event_del(socket->event); /* fails only where it is not added */
	socket->next = loop->idle;
	loop->idle = socket;
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *assigned)
{
	struct curl_loop *loop = user;
	struct curl_socket *socket = assigned;
	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (socket != NULL) {
			drop_socket(loop, socket);
			(void)curl_multi_assign(loop->multi, fd, NULL);
		}
		return 0;
	}
	if (socket == NULL) {
		socket = take_socket(loop);
		(void)curl_multi_assign(loop->multi, fd, socket);
	} else {
		(void)event_del(socket->event);
	}
	short wanted = (short)(EV_PERSIST | ((what & CURL_POLL_IN) != 0 ? EV_READ : 0) |
	        ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0));
	bool is_watched =
	        event_assign(socket->event, loop->base, fd, wanted, on_socket, socket) == 0 &&
	        event_add(socket->event, NULL) == 0;
	return is_watched ? 0 : -1;
}

static int set_timer(CURLM *multi, long timeout_ms, void *user)
{
	struct curl_loop *loop = user;
	(void)multi;
	if (timeout_ms < 0) {
		return evtimer_del(loop->timer);
	}
	struct timeval timeout = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	return evtimer_add(loop->timer, &timeout);
}

bool curl_loop_init(struct curl_loop *loop, struct event_base *base, long max_kept,
        curl_loop_done_fn on_done, void *user)
{
	*loop = (struct curl_loop){ .base = base, .on_done = on_done, .user = user };
	loop->multi = curl_multi_init();
	loop->timer = evtimer_new(base, on_timer, loop);
	return loop->multi != NULL && loop->timer != NULL &&
	        curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, watch_socket) == CURLM_OK &&
	        curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop) == CURLM_OK &&
	        curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK &&
	        curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop) == CURLM_OK &&
	        curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, max_kept) == CURLM_OK;
}

void curl_loop_finish(struct curl_loop *loop)
{
	if (loop->multi != NULL) {
		(void)curl_multi_cleanup(loop->multi); /* fails only for a bad handle */
	}
	while (loop->idle != NULL) {
		struct curl_socket *socket = loop->idle;
		loop->idle = socket->next;
		event_free(socket->event);
		free(socket);
	}
	if (loop->timer != NULL) {
		event_free(loop->timer);
	}
	*loop = (struct curl_loop){ 0 };
}

bool curl_loop_add(struct curl_loop *loop, CURL *easy)
{
	return curl_multi_add_handle(loop->multi, easy) == CURLM_OK;
}

void curl_loop_remove(struct curl_loop *loop, CURL *easy)
{
	if (curl_multi_remove_handle(loop->multi, easy) != CURLM_OK) {
		abort(); /* not ours: our own bug */
	}
}
