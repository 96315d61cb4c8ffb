/* SPDX-License-Identifier: MIT */
/* Connection strings as operators paste them: taken whole, or refused without a word of the key. */
#include <stdlib.h>
#include <string.h>

#include "support/azure/connection_string.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char error[200] = "";
	struct azure_servicebus connection = { 0 };
	CLEANUP_FREE char *text = must_copy(bytes, size);
	if (azure_servicebus_parse(text, &connection, error, sizeof(error))) {
		bool has_key = connection.key_name != NULL && connection.key != NULL;
		if (connection.host == NULL || has_key == (connection.signature != NULL) ||
		        azure_servicebus_port(&connection) == 0) {
			abort();
		}
		struct azure_servicebus copy = azure_servicebus_copy(&connection);
		azure_servicebus_finish(&copy);
		azure_servicebus_finish(&connection);
	} else if (error[0] == '\0') {
		abort();
	}
	return 0;
}
