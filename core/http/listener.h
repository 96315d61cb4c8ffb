/* SPDX-License-Identifier: MIT */
/* Listening sockets of a server: bound once, closed at stop. */
#ifndef CORE_HTTP_LISTENER_H
#define CORE_HTTP_LISTENER_H

#include <stdint.h>

struct http_server;

/* Adds listeners for all addresses of "host:port" to the server. Returns 0, or -1 and a sentence
 * (owned); then none is left open. */
int http_listeners_open(struct http_server *server, const char *address, char **ret_error);

/* Closes all listeners of the server. */
void http_listeners_close(struct http_server *server);

/* The port of the listener that was opened first; 0 if there is none. */
uint16_t http_listeners_port(const struct http_server *server);

#endif
