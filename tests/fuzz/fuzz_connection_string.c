/* SPDX-License-Identifier: MIT */
/*
 * Connection strings of Service Bus and of Storage: taken, or refused with one sentence that holds
 * nothing of a key.
 */
#include <assert.h>
#include <string.h>

#include "support/azure/connection_string.h"
#include "support/azure/storage_connection.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/fuzz/fuzz.h"

enum { LEAST_SECRET = 12 };

typedef void explain_fn(const char *text, char *error, size_t size);

static void explain_servicebus(const char *text, char *error, size_t size)
{
	struct azure_servicebus connection = { 0 };
	(void)azure_servicebus_parse(text, &connection, error, size);
	azure_servicebus_finish(&connection);
}

static void explain_storage(const char *text, char *error, size_t size)
{
	struct azure_storage storage = { 0 };
	(void)azure_storage_parse(text, &storage, error, size);
	azure_storage_finish(&storage);
}

/* What stands behind the name up to the next semicolon, if it is long enough to be told apart. A
 * sentence that would be there with another secret, too, may have its words. */
static void assert_not_told(
        const char *text, const char *name, const char *error, explain_fn *explain)
{
	char *copy CLEANUP_FREE = must_copy(text, strlen(text));
	char other[512] = "";
	char *at = strcasestr(copy, name);
	if (at == NULL) {
		return;
	}
	at += strlen(name);
	size_t size = strcspn(at, ";");
	char *secret CLEANUP_FREE = must_copy(at, size);
	if (size < LEAST_SECRET || strstr(error, secret) == NULL) {
		return;
	}
	memset(at, 'A', size);
	explain(copy, other, sizeof(other));
	assert(strstr(other, secret) != NULL);
}

static void check_servicebus(const char *text)
{
	char error[512] = "";
	struct azure_servicebus connection = { 0 };
	bool is_good = azure_servicebus_parse(text, &connection, error, sizeof(error));
	assert(is_good == (error[0] == '\0'));
	if (is_good) {
		assert(connection.host != NULL && connection.host[0] != '\0');
		bool has_key = connection.key != NULL && connection.key_name != NULL;
		assert(has_key != (connection.signature != NULL));
		assert(azure_servicebus_port(&connection) != 0);
		struct azure_servicebus copy = azure_servicebus_copy(&connection);
		assert(strcmp(copy.host, connection.host) == 0);
		azure_servicebus_finish(&copy);
	} else {
		assert_not_told(text, "SharedAccessKey=", error, explain_servicebus);
	}
	azure_servicebus_finish(&connection);
}

static void check_storage(const char *text)
{
	char error[512] = "";
	struct azure_storage storage = { 0 };
	bool is_good = azure_storage_parse(text, &storage, error, sizeof(error));
	assert(is_good == (error[0] == '\0'));
	if (is_good) {
		size_t size = strlen(storage.endpoint);
		assert(size != 0 && storage.endpoint[size - 1] != '/');
		assert((storage.key != NULL) != (storage.signature != NULL));
	} else {
		assert_not_told(text, "AccountKey=", error, explain_storage);
	}
	azure_storage_finish(&storage);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text CLEANUP_FREE = must_copy(bytes, size);
	check_servicebus(text);
	check_storage(text);
	return 0;
}
