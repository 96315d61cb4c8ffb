/* SPDX-License-Identifier: MIT */
/* Splits and prints socket addresses and `http(s)://` URLs. */
#ifndef CORE_HTTP_ADDRESS_H
#define CORE_HTTP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { HTTP_HOST_MAX = 256, HTTP_PEER_MAX = 64 };

struct http_address {
	char host[HTTP_HOST_MAX]; /* without brackets */
	uint16_t port;
};

struct http_url {
	struct http_address address;
	bool is_tls;
	const char *target; /* borrowed from the text: path and query; "/" if it has none */
};

/* "host:port" or "[::1]:port". Returns 0, or -1 and a sentence (owned). */
int http_address_parse(const char *text, struct http_address *ret_address, char **ret_error);

/* "http://host[:port][/path]". Returns 0, or -1 and a sentence (owned). */
int http_url_parse(const char *text, struct http_url *ret_url, char **ret_error);

/* Prints "127.0.0.1:80" or "[::1]:80". */
void http_address_print(const struct sockaddr *address, char *ret_text, size_t size);

#endif
