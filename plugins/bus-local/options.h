/* SPDX-License-Identifier: MIT */
/* What an operator can set. */
#ifndef BUS_LOCAL_OPTIONS_H
#define BUS_LOCAL_OPTIONS_H

#include <lucius/plugin.h>
#include <stdbool.h>

/* The key of the emulator, which everybody knows: for loopback only. */
#define BUS_EMULATOR_KEY "SAS_KEY_VALUE"
#define BUS_KEY_NAME "RootManageSharedAccessKey"

struct bus_options {
	const char *listen; /* host:port, or "off" */
	const char *key;
	const char *key_file;
	const char *config; /* path of an emulator's config.json */
	const char *tls_cert;
	const char *tls_key;
	const char *management_listen;
	int64_t max_connections;
	int64_t max_links; /* of a connection */
	int64_t max_message_bytes;
	int64_t queue_messages; /* of a subscription */
	int64_t queue_bytes;
	int64_t total_bytes;
	int64_t lock_seconds;
	int64_t max_delivery;
	int64_t ttl_seconds;
	int64_t idle_seconds; /* of a subscription that a receiver made; 0: it stays */
	int64_t link_seconds; /* 0: never */
	int64_t connection_seconds; /* 0: no end */
	int64_t drain_seconds;
	uint32_t auto_subscriptions;
	int64_t lanes;
	const char *reply_prefix;
	const char *reply_subscription;
};

#define BUS_N_OPTION_ROWS 24
extern const struct lucius_option bus_option_rows[BUS_N_OPTION_ROWS];

/* A listen address taken apart. */
struct bus_address {
	char host[256]; /* without brackets */
	uint16_t port;
	bool is_off;
	bool is_loopback;
};

/* False: a sentence in error. Name: of the option, for the sentence. */
bool bus_address_parse(const char *name, const char *text, struct bus_address *ret_address,
        char *error, size_t error_size);

/* Whether the options go together. False: a sentence in error. */
bool bus_options_check(const struct bus_options *options, char *error, size_t error_size);

#endif
