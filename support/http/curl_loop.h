/* SPDX-License-Identifier: MIT */
/* A libcurl multi handle driven by libevent: sockets and timer in, finished transfers out. */
#ifndef SUPPORT_HTTP_CURL_LOOP_H
#define SUPPORT_HTTP_CURL_LOOP_H

#include <curl/curl.h>
#include <event2/event.h>
#include <stdbool.h>

struct curl_socket;

/* The easy handle has ended and left the multi handle; it may be used again at once. */
typedef void (*curl_loop_done_fn)(void *user, CURL *easy, CURLcode result);

struct curl_loop {
	CURLM *multi; /* owned */
	struct event_base *base; /* borrowed */
	struct event *timer; /* owned */
	struct curl_socket *idle; /* owned: watchers of sockets that are gone, for the next ones */
	curl_loop_done_fn on_done;
	void *user;
};

/* False: libcurl or libevent has no room. Max_kept: connections that stay open when idle. */
bool curl_loop_init(struct curl_loop *loop, struct event_base *base, long max_kept,
        curl_loop_done_fn on_done, void *user);
/* All easy handles must have left; takes a half-built one. */
void curl_loop_finish(struct curl_loop *loop);

/* Not from a callback of libcurl. False: libcurl refuses it. */
bool curl_loop_add(struct curl_loop *loop, CURL *easy);
/* Ends the transfer without on_done. */
void curl_loop_remove(struct curl_loop *loop, CURL *easy);

#endif
