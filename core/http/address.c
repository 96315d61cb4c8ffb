/* SPDX-License-Identifier: MIT */
/* Addresses are taken apart by hand: both forms are too small for a general URL parser. */
#include "core/http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/http/syntax.h"
#include "support/base/memory.h"

/* Hands the sentence (owned) on; always -1. */
static int fail(char **ret_error, char *sentence)
{
	*ret_error = sentence;
	return -1;
}

/* Splits "host", "host:port", "[::1]" or "[::1]:port"; without a port it stays what it was. */
static int split(const char *text, size_t size, struct http_address *address)
{
	const char *host = text;
	const char *after;
	const char *end = text + size;
	if (size != 0 && text[0] == '[') {
		host++;
		after = memchr(text, ']', size);
		if (after == NULL) {
			return -1;
		}
	} else {
		after = memchr(text, ':', size);
		after = after != NULL ? after : end;
	}
	size_t host_size = (size_t)(after - host);
	if (host_size == 0 || host_size >= sizeof(address->host)) {
		return -1;
	}
	memcpy(address->host, host, host_size);
	address->host[host_size] = '\0';
	after += text[0] == '[' ? 1 : 0;
	if (after == end) {
		return 0;
	}
	uint64_t port = 0;
	if (*after != ':' || !http_digits_parse(after + 1, (size_t)(end - after - 1), &port) ||
	        port > UINT16_MAX) {
		return -1;
	}
	address->port = (uint16_t)port;
	return 1;
}

int http_address_parse(const char *text, struct http_address *ret_address, char **ret_error)
{
	struct http_address address = { 0 };
	if (split(text, strlen(text), &address) != 1) {
		return fail(ret_error,
		        must_print("'%s' is not an address, write host:port like 127.0.0.1:8000 or "
		                   "[::1]:8000",
		                text));
	}
	*ret_address = address;
	return 0;
}

int http_url_parse(const char *text, struct http_url *ret_url, char **ret_error)
{
	struct http_url url = { .target = "/" };
	size_t scheme_size = 0;
	if (strncasecmp(text, "http://", 7) == 0) {
		scheme_size = 7;
		url.address.port = 80;
	} else if (strncasecmp(text, "https://", 8) == 0) {
		scheme_size = 8;
		url.address.port = 443;
		url.is_tls = true;
	}
	const char *authority = text + scheme_size;
	size_t size = strcspn(authority, "/?#");
	if (scheme_size == 0 || memchr(authority, '@', size) != NULL ||
	        split(authority, size, &url.address) < 0 ||
	        strpbrk(authority + size, " #\r\n\t") != NULL || authority[size] == '?') {
		return fail(ret_error,
		        must_print(
		                "'%s' is not a URL that can be called, write http://host:port/path",
		                text));
	}
	if (authority[size] != '\0') {
		url.target = authority + size;
	}
	*ret_url = url;
	return 0;
}

void http_address_print(const struct sockaddr *address, char *ret_text, size_t size)
{
	char host[INET6_ADDRSTRLEN] = "?";
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *ip4 = (const struct sockaddr_in *)address;
		(void)inet_ntop(AF_INET, &ip4->sin_addr, host, sizeof(host));
		(void)snprintf(ret_text, size, "%s:%u", host, ntohs(ip4->sin_port));
	} else if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *ip6 = (const struct sockaddr_in6 *)address;
		(void)inet_ntop(AF_INET6, &ip6->sin6_addr, host, sizeof(host));
		(void)snprintf(ret_text, size, "[%s]:%u", host, ntohs(ip6->sin6_port));
	} else {
		(void)snprintf(ret_text, size, "local");
	}
}
