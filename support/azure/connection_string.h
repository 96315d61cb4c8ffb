/* SPDX-License-Identifier: MIT */
/* The connection strings of Azure Service Bus, as Microsoft's SDKs read them. */
#ifndef SUPPORT_AZURE_CONNECTION_STRING_H
#define SUPPORT_AZURE_CONNECTION_STRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All texts owned; NULL where the string has none. Either key_name and key are set or signature. */
struct azure_servicebus {
	char *host; /* without brackets, port or scheme, lower case */
	uint16_t port; /* 0: not given */
	char *key_name; /* SharedAccessKeyName */
	char *key; /* SharedAccessKey: the HMAC key is this text, not what it decodes to */
	char *signature; /* SharedAccessSignature: a token made by somebody else */
	char *entity_path; /* EntityPath: all that the key is good for */
	bool is_emulator; /* UseDevelopmentEmulator: plain TCP */
};

/* False: one sentence in `error` that says what is wrong and never holds a part of the key. */
bool azure_servicebus_parse(
        const char *text, struct azure_servicebus *ret_connection, char *error, size_t error_size);

/* Frees the texts and wipes the secret ones; takes one that is all zero. */
void azure_servicebus_finish(struct azure_servicebus *connection);

/* The port to connect to: the one given, else 5671 (TLS), or 5672 for the emulator form. */
uint16_t azure_servicebus_port(const struct azure_servicebus *connection);

/* A copy of its own. */
struct azure_servicebus azure_servicebus_copy(const struct azure_servicebus *connection);

#endif
