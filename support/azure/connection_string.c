/* SPDX-License-Identifier: MIT */
/* Reads `Name=value;…`; a value may hold further equals signs, keys in base64 do. */
#include "support/azure/connection_string.h"

#include "support/base/memory.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct text {
	const char *start;
	size_t size;
};

static bool is_name(struct text text, const char *name)
{
	return text.size == strlen(name) && strncasecmp(text.start, name, text.size) == 0;
}

static struct text trim(struct text text)
{
	while (text.size > 0 && isspace((unsigned char)text.start[0])) {
		text.start++;
		text.size--;
	}
	while (text.size > 0 && isspace((unsigned char)text.start[text.size - 1])) {
		text.size--;
	}
	return text;
}

static bool parse_port(struct text text, uint16_t *ret_port)
{
	unsigned long port = 0;
	if (text.size == 0 || text.size > 5) {
		return false;
	}
	for (size_t i = 0; i < text.size; i++) {
		if (!isdigit((unsigned char)text.start[i])) {
			return false;
		}
		port = port * 10 + (unsigned long)(text.start[i] - '0');
	}
	*ret_port = (uint16_t)port;
	return port >= 1 && port <= UINT16_MAX;
}

/* ASCII only, in every locale. */
static void lower_case(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text >= 'A' && *text <= 'Z') {
			*text = (char)(*text - 'A' + 'a');
		}
	}
}

/* host, host:port or [address]:port. */
static bool parse_authority(struct text text, struct azure_servicebus *connection)
{
	struct text host = text;
	struct text port = { NULL, 0 };
	const char *end = text.start + text.size;
	const char *colon;
	if (text.size > 0 && text.start[0] == '[') {
		const char *close = memchr(text.start, ']', text.size);
		if (close == NULL) {
			return false;
		}
		host = (struct text){ text.start + 1, (size_t)(close - text.start - 1) };
		colon = close + 1 < end ? close + 1 : NULL;
	} else {
		colon = memchr(text.start, ':', text.size);
		host.size = colon != NULL ? (size_t)(colon - text.start) : text.size;
	}
	if (host.size == 0 || host.size > 253 || (colon != NULL && *colon != ':')) {
		return false;
	}
	if (colon != NULL) {
		port = (struct text){ colon + 1, (size_t)(end - colon - 1) };
		if (!parse_port(port, &connection->port)) {
			return false;
		}
	}
	connection->host = must_copy(host.start, host.size);
	lower_case(connection->host);
	return true;
}

static bool is_host_plain(const char *host)
{
	for (const char *at = host; *at != '\0'; at++) {
		if (!isalnum((unsigned char)*at) && strchr("-._:", *at) == NULL) {
			return false;
		}
	}
	return true;
}

static bool parse_endpoint(struct text text, struct azure_servicebus *connection)
{
	static const char scheme[] = "sb://";
	size_t n = strlen(scheme);
	if (text.size < n || strncasecmp(text.start, scheme, n) != 0) {
		return false;
	}
	struct text rest = { text.start + n, text.size - n };
	const char *slash = memchr(rest.start, '/', rest.size);
	if (slash != NULL) {
		if (slash + 1 != rest.start + rest.size) {
			return false;
		}
		rest.size--;
	}
	return parse_authority(rest, connection) && is_host_plain(connection->host);
}

static bool parse_flag(struct text text, bool *ret_flag)
{
	if (is_name(text, "true") || is_name(text, "1")) {
		*ret_flag = true;
		return true;
	}
	*ret_flag = false;
	return is_name(text, "false") || is_name(text, "0");
}

static char **member(struct azure_servicebus *connection, struct text name)
{
	if (is_name(name, "SharedAccessKeyName")) {
		return &connection->key_name;
	}
	if (is_name(name, "SharedAccessKey")) {
		return &connection->key;
	}
	if (is_name(name, "SharedAccessSignature")) {
		return &connection->signature;
	}
	if (is_name(name, "EntityPath")) {
		return &connection->entity_path;
	}
	return NULL;
}

static bool take_text(struct azure_servicebus *connection, struct text name, struct text value,
        char *error, size_t error_size)
{
	char **place = member(connection, name);
	if (place == NULL) {
		/* Other services' keys (TransportType, …) are none of ours: left alone. */
		return true;
	}
	if (*place != NULL || value.size == 0) {
		snprintf(error, error_size, "the connection string has %.*s %s", (int)name.size,
		        name.start, *place != NULL ? "twice" : "without a value");
		return false;
	}
	*place = must_copy(value.start, value.size);
	return true;
}

static bool take_pair(struct azure_servicebus *connection, struct text name, struct text value,
        char *error, size_t error_size)
{
	if (is_name(name, "Endpoint")) {
		if (connection->host != NULL) {
			snprintf(error, error_size, "the connection string has Endpoint twice");
			return false;
		}
		if (!parse_endpoint(value, connection)) {
			snprintf(error, error_size,
			        "the connection string's Endpoint is not of the form "
			        "sb://host or sb://host:port");
			return false;
		}
		return true;
	}
	if (is_name(name, "UseDevelopmentEmulator")) {
		if (!parse_flag(value, &connection->is_emulator)) {
			snprintf(error, error_size,
			        "the connection string's UseDevelopmentEmulator is neither true "
			        "nor false");
			return false;
		}
		return true;
	}
	return take_text(connection, name, value, error, error_size);
}

static bool take_part(
        struct azure_servicebus *connection, struct text part, char *error, size_t error_size)
{
	const char *equals = memchr(part.start, '=', part.size);
	if (equals == NULL) {
		/* Quoting it could print a piece of a key with a semicolon in it. */
		snprintf(error, error_size,
		        "the connection string has a part without an equals sign; parts are "
		        "Name=value, separated by semicolons");
		return false;
	}
	struct text name = trim((struct text){ part.start, (size_t)(equals - part.start) });
	struct text value = { equals + 1, part.size - (size_t)(equals - part.start) - 1 };
	return take_pair(connection, name, trim(value), error, error_size);
}

static bool check_whole(const struct azure_servicebus *connection, char *error, size_t error_size)
{
	const char *sentence = NULL;
	if (connection->host == NULL) {
		sentence = "the connection string has no Endpoint (sb://host)";
	} else if (connection->signature != NULL && connection->key != NULL) {
		sentence = "the connection string has both SharedAccessKey and "
		           "SharedAccessSignature; leave one out";
	} else if (connection->signature == NULL && connection->key == NULL) {
		sentence = "the connection string has no SharedAccessKey (or "
		           "SharedAccessSignature)";
	} else if (connection->key != NULL && connection->key_name == NULL) {
		sentence = "the connection string has no SharedAccessKeyName for its key";
	}
	if (sentence != NULL) {
		snprintf(error, error_size, "%s", sentence);
	}
	return sentence == NULL;
}

bool azure_servicebus_parse(
        const char *text, struct azure_servicebus *ret_connection, char *error, size_t error_size)
{
	struct azure_servicebus connection = { 0 };
	bool is_good = true;
	const char *at = text;
	while (is_good && *at != '\0') {
		size_t size = strcspn(at, ";");
		struct text part = trim((struct text){ at, size });
		if (part.size != 0) {
			is_good = take_part(&connection, part, error, error_size);
		}
		at += size;
		at += *at == ';' ? 1 : 0;
	}
	if (!is_good || !check_whole(&connection, error, error_size)) {
		azure_servicebus_finish(&connection);
		return false;
	}
	*ret_connection = connection;
	return true;
}

static void wipe(char *secret)
{
	if (secret != NULL) {
		OPENSSL_cleanse(secret, strlen(secret));
	}
	free(secret);
}

void azure_servicebus_finish(struct azure_servicebus *connection)
{
	free(connection->host);
	free(connection->key_name);
	free(connection->entity_path);
	wipe(connection->key);
	wipe(connection->signature);
	*connection = (struct azure_servicebus){ 0 };
}

uint16_t azure_servicebus_port(const struct azure_servicebus *connection)
{
	if (connection->port != 0) {
		return connection->port;
	}
	return connection->is_emulator ? 5672 : 5671;
}

static char *copy(const char *text)
{
	return text != NULL ? must_copy(text, strlen(text)) : NULL;
}

struct azure_servicebus azure_servicebus_copy(const struct azure_servicebus *connection)
{
	return (struct azure_servicebus){
		.host = copy(connection->host),
		.port = connection->port,
		.key_name = copy(connection->key_name),
		.key = copy(connection->key),
		.signature = copy(connection->signature),
		.entity_path = copy(connection->entity_path),
		.is_emulator = connection->is_emulator,
	};
}
