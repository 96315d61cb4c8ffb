/* SPDX-License-Identifier: MIT */
/* Parts of the connection string may come in any order; the service's own tools fix it. */
#include "plugins/config-appconfig/connection.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "support/azure/shared_key.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define MAX_SECRET 1024
#define HASH_OF_NOTHING "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static bool complain(char *error, size_t error_size, const char *sentence)
{
	(void)snprintf(error, error_size, "%s", sentence);
	return false;
}

static const char *skip_blanks(const char *text, size_t *size)
{
	while (*size != 0 && (*text == ' ' || *text == '\t')) {
		text++;
		(*size)--;
	}
	while (*size != 0 && strchr(" \t\r\n", text[*size - 1]) != NULL) {
		(*size)--;
	}
	return text;
}

/* The value of a part of the connection string; NULL: there is none. */
static const char *find_part(const char *text, const char *name, size_t *ret_size)
{
	size_t name_size = strlen(name);
	while (*text != '\0') {
		size_t size = strcspn(text, ";");
		size_t part_size = size;
		const char *part = skip_blanks(text, &part_size);
		if (part_size > name_size && part[name_size] == '=' &&
		        strncasecmp(part, name, name_size) == 0) {
			*ret_size = part_size - name_size - 1;
			return part + name_size + 1;
		}
		text += size + (text[size] == ';' ? 1 : 0);
	}
	return NULL;
}

static bool decode_key(const char *text, size_t size, unsigned char **ret_key, size_t *ret_key_size)
{
	unsigned char bytes[MAX_SECRET];
	const char *first_pad = memchr(text, '=', size);
	if (size == 0 || size % 4 != 0 || size > MAX_SECRET ||
	        (first_pad != NULL && first_pad < text + size - 2)) {
		return false;
	}
	int n = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)size);
	size_t n_pad = text[size - 1] != '=' ? 0 : text[size - 2] != '=' ? 1 : 2;
	if (n <= (int)n_pad) {
		return false;
	}
	*ret_key_size = (size_t)n - n_pad;
	*ret_key = (unsigned char *)must_copy(bytes, *ret_key_size);
	explicit_bzero(bytes, sizeof(bytes));
	return true;
}

static bool ends_with(const char *text, size_t size, const char *end)
{
	size_t end_size = strlen(end);
	return size > end_size && memcmp(text + size - end_size, end, end_size) == 0;
}

static bool add_endpoint(struct connection *connection, const char *url, size_t size)
{
	bool is_tls = size > 8 && strncasecmp(url, "https://", 8) == 0;
	bool is_plain = size > 7 && strncasecmp(url, "http://", 7) == 0;
	size_t scheme_size = is_tls ? 8 : 7;
	size -= size != 0 && url[size - 1] == '/' ? 1 : 0;
	if ((!is_tls && !is_plain) || connection->n_endpoints == MAX_ENDPOINTS ||
	        size <= scheme_size) {
		return false;
	}
	const char *host = url + scheme_size;
	size_t host_size = size - scheme_size;
	for (size_t i = 0; i < host_size; i++) {
		if (host[i] <= ' ' || host[i] >= 127 || strchr("/?#@\\\"", host[i]) != NULL) {
			return false;
		}
	}
	struct endpoint *endpoint = &connection->endpoints[connection->n_endpoints++];
	const char *usual = is_tls ? ":443" : ":80";
	endpoint->url = must_copy(url, size);
	endpoint->host = must_copy(
	        host, host_size - (ends_with(host, host_size, usual) ? strlen(usual) : 0));
	return true;
}

/* Not what stands behind the endpoint in a connection string. */
static size_t shown_size(const char *url, size_t size)
{
	size_t shown = strcspn(url, ";");
	shown = shown < size ? shown : size;
	return shown < 200 ? shown : 200;
}

static bool add_more(struct connection *connection, const char *more, char *error, size_t size)
{
	while (*more != '\0') {
		size_t part_size = strcspn(more, ",");
		size_t url_size = part_size;
		const char *url = skip_blanks(more, &url_size);
		if (url_size != 0 && !add_endpoint(connection, url, url_size)) {
			(void)snprintf(error, size,
			        "LUCIUS_APPCONFIG_ENDPOINTS: '%.*s' is no endpoint: they look like "
			        "https://name-replica.azconfig.io, %d at most",
			        (int)shown_size(url, url_size), url, MAX_ENDPOINTS - 1);
			return false;
		}
		more += part_size + (more[part_size] == ',' ? 1 : 0);
	}
	return true;
}

static bool read_parts(struct connection *connection, const char *text, char *error, size_t size)
{
	size_t endpoint_size = 0;
	size_t id_size = 0;
	size_t secret_size = 0;
	const char *endpoint = find_part(text, "Endpoint", &endpoint_size);
	const char *id = find_part(text, "Id", &id_size);
	const char *secret = find_part(text, "Secret", &secret_size);
	if (endpoint == NULL || id == NULL || secret == NULL || id_size == 0) {
		return complain(error, size,
		        "LUCIUS_APPCONFIG_CONNECTION lacks a part: it looks like "
		        "Endpoint=https://name.azconfig.io;Id=...;Secret=...");
	}
	if (!add_endpoint(connection, endpoint, endpoint_size)) {
		return complain(error, size,
		        "LUCIUS_APPCONFIG_CONNECTION: its Endpoint is no URL of the form "
		        "https://name.azconfig.io");
	}
	if (memchr(id, '&', id_size) != NULL || memchr(id, '\r', id_size) != NULL ||
	        memchr(id, '\n', id_size) != NULL) {
		return complain(error, size,
		        "LUCIUS_APPCONFIG_CONNECTION: its Id has a character that no Id has");
	}
	connection->id = must_copy(id, id_size);
	if (!decode_key(secret, secret_size, &connection->key, &connection->key_size)) {
		return complain(error, size,
		        "LUCIUS_APPCONFIG_CONNECTION: its Secret is not base64; perhaps it was cut "
		        "when it was copied");
	}
	return true;
}

bool connection_parse(const char *text, const char *more, struct connection *ret_connection,
        char *error, size_t error_size)
{
	struct connection connection = { 0 };
	if (!read_parts(&connection, text, error, error_size) ||
	        (more != NULL && !add_more(&connection, more, error, error_size))) {
		connection_finish(&connection);
		return false;
	}
	*ret_connection = connection;
	return true;
}

void connection_finish(struct connection *connection)
{
	for (size_t i = 0; i < connection->n_endpoints; i++) {
		free(connection->endpoints[i].url);
		free(connection->endpoints[i].host);
		endpoint_take_tokens(&connection->endpoints[i], NULL, 0);
	}
	if (connection->key != NULL) {
		explicit_bzero(connection->key, connection->key_size);
	}
	free(connection->key);
	free(connection->id);
	*connection = (struct connection){ 0 };
}

void signature_make(const struct connection *connection, const char *host, const char *target,
        int64_t now_s, struct signature *ret_signature)
{
	char date[AZURE_DATE_SIZE];
	unsigned char code[EVP_MAX_MD_SIZE];
	unsigned code_size = 0;
	char text[2 * EVP_MAX_MD_SIZE];
	azure_date_write(date, now_s);
	CLEANUP_FREE char *to_sign =
	        must_print("GET\n%s\n%s;%s;%s", target, date, host, HASH_OF_NOTHING);
	(void)must_have(HMAC(EVP_sha256(), connection->key, (int)connection->key_size,
	        (const unsigned char *)to_sign, strlen(to_sign), code, &code_size));
	(void)EVP_EncodeBlock((unsigned char *)text, code, (int)code_size);
	ret_signature->date = must_print("x-ms-date: %s", date);
	ret_signature->hash = must_print("x-ms-content-sha256: %s", HASH_OF_NOTHING);
	ret_signature->authorization = must_print("Authorization: HMAC-SHA256 Credential=%s"
	                                          "&SignedHeaders=x-ms-date;host;"
	                                          "x-ms-content-sha256&Signature=%s",
	        connection->id, text);
}

void signature_finish(struct signature *signature)
{
	free(signature->date);
	free(signature->hash);
	free(signature->authorization);
	*signature = (struct signature){ 0 };
}
