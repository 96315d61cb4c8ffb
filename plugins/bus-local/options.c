/* SPDX-License-Identifier: MIT */
/* The rows of the options, and the checks that one row alone cannot make. */
#include "plugins/bus-local/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(option, value, member_name, text)                                 \
	{                                                                      \
		.name = (option), .default_value = (value), .summary = (text), \
		.type = LUCIUS_OPTION_TEXT, .flags = 0,                        \
		LUCIUS_MEMBER(struct bus_options, member_name),                \
	}
#define NUMBER(option, value, of, least, most, member_name, text)                            \
	{                                                                                    \
		.name = (option), .default_value = (value), .unit = (of), .summary = (text), \
		.min = (least), .max = (most), .type = LUCIUS_OPTION_INTEGER, .flags = 0,    \
		LUCIUS_MEMBER(struct bus_options, member_name),                              \
	}

const struct lucius_option bus_option_rows[BUS_N_OPTION_ROWS] = {
	TEXT("bus-listen", "127.0.0.1:5672", listen,
	        "Address of the AMQP listener that consumers connect to; off leaves it out."),
	{
	        .name = "bus-key",
	        .summary = "Key that peers sign with; needed on an address that is not loopback.",
	        .type = LUCIUS_OPTION_TEXT,
	        .flags = LUCIUS_OPTION_SECRET,
	        LUCIUS_MEMBER(struct bus_options, key),
	},
	TEXT("bus-key-file", NULL, key_file,
	        "File that holds the key; a key is made and kept there if it does not exist."),
	TEXT("bus-config", NULL, config,
	        "File of topics and subscriptions in the form of the emulator's config.json."),
	TEXT("bus-tls-cert", NULL, tls_cert, "Certificate chain (PEM) of the AMQP listener."),
	TEXT("bus-tls-key", NULL, tls_key, "Private key (PEM) of the certificate."),
	TEXT("bus-management-listen", "off", management_listen,
	        "Address of the management (Atom) API that makes topics and subscriptions; off "
	        "leaves "
	        "it out."),
	NUMBER("bus-max-connections", "1000", "connections", 1, 100000, max_connections,
	        "AMQP connections at once; over it new ones are closed."),
	NUMBER("bus-max-links", "512", "links", 8, 65536, max_links,
	        "Links of one AMQP connection; over it an attach is refused."),
	NUMBER("bus-max-message-bytes", "1048576", "bytes", 1024, 104857600, max_message_bytes,
	        "Largest message, as encoded."),
	NUMBER("bus-queue-messages", "100000", "messages", 1, 10000000, queue_messages,
	        "Messages that a subscription holds; over it what is sent to it is refused."),
	NUMBER("bus-queue-bytes", "268435456", "bytes", 65536, INT64_C(1) << 40, queue_bytes,
	        "Bytes of messages that a subscription holds."),
	NUMBER("bus-total-bytes", "1073741824", "bytes", 65536, INT64_C(1) << 42, total_bytes,
	        "Bytes of messages that all subscriptions together hold."),
	NUMBER("bus-lock-seconds", "60", "seconds", 1, 300, lock_seconds,
	        "How long a message is locked for the receiver that has got it."),
	NUMBER("bus-max-delivery", "10", "deliveries", 1, 2000, max_delivery,
	        "Deliveries after which a message becomes a dead letter."),
	NUMBER("bus-ttl-seconds", "0", "seconds", 0, 31536000, ttl_seconds,
	        "Life of a message that does not say less itself; 0 has no end."),
	NUMBER("bus-idle-seconds", "600", "seconds", 0, 31536000, idle_seconds,
	        "After this time without receiver a subscription that a receiver made goes; 0 "
	        "keeps "
	        "it."),
	NUMBER("bus-link-seconds", "0", "seconds", 0, 86400, link_seconds,
	        "How often the links of a peer are detached, as the service does from time to "
	        "time; 0 "
	        "never."),
	NUMBER("bus-connection-seconds", "0", "seconds", 0, 86400, connection_seconds,
	        "Life of a connection, which is then closed as the service does; 0 has no end."),
	NUMBER("bus-drain-seconds", "5", "seconds", 0, 300, drain_seconds,
	        "At shutdown, how long receivers may settle what they have."),
	{
	        .name = "bus-auto-subscriptions",
	        .default_value = "true",
	        .summary = "A receiver of a subscription that does not exist makes it.",
	        .type = LUCIUS_OPTION_BOOLEAN,
	        .flags = 0,
	        LUCIUS_MEMBER(struct bus_options, auto_subscriptions),
	},
	NUMBER("servicebus-lanes", "16", "lanes", 1, 1024, lanes,
	        "Number of directive topics and of reply topics."),
	TEXT("servicebus-reply-prefix", "global-bus-replies-p", reply_prefix,
	        "Name of the reply topics without the lane's number."),
	TEXT("servicebus-reply-subscription", "lucius-invoker", reply_subscription,
	        "Subscription through which the invoker reads replies."),
};

static bool is_loopback(const char *host)
{
	struct in_addr ip4;
	struct in6_addr ip6;
	if (inet_pton(AF_INET, host, &ip4) == 1) {
		return ntohl(ip4.s_addr) >> 24 == 127;
	}
	if (inet_pton(AF_INET6, host, &ip6) == 1) {
		return memcmp(&ip6, &in6addr_loopback, sizeof(ip6)) == 0;
	}
	return strcmp(host, "localhost") == 0;
}

/* Splits "host:port" or "[host]:port". */
static bool split(const char *text, struct bus_address *address)
{
	const char *colon = strrchr(text, ':');
	char *end = NULL;
	if (colon == NULL || colon == text || colon[1] < '0' || colon[1] > '9') {
		return false;
	}
	errno = 0;
	uintmax_t port = strtoumax(colon + 1, &end, 10);
	if (errno != 0 || *end != '\0' || port > UINT16_MAX) {
		return false;
	}
	const char *start = text;
	size_t size = (size_t)(colon - text);
	if (text[0] == '[') {
		if (size < 3 || text[size - 1] != ']') {
			return false;
		}
		start++;
		size -= 2;
	}
	if (size >= sizeof(address->host)) {
		return false;
	}
	memcpy(address->host, start, size);
	address->host[size] = '\0';
	address->port = (uint16_t)port;
	return true;
}

bool bus_address_parse(const char *name, const char *text, struct bus_address *ret_address,
        char *error, size_t error_size)
{
	struct bus_address address = { .is_off = strcmp(text, "off") == 0 };
	if (!address.is_off) {
		if (!split(text, &address)) {
			snprintf(error, error_size,
			        "%s is '%s'; it must be host:port, [IPv6 address]:port, or off",
			        name, text);
			return false;
		}
		address.is_loopback = is_loopback(address.host);
	}
	*ret_address = address;
	return true;
}

static bool is_set(const char *text)
{
	return text != NULL && text[0] != '\0';
}

static bool has_own_key(const struct bus_options *options)
{
	return is_set(options->key_file) ||
	        (is_set(options->key) && strcmp(options->key, BUS_EMULATOR_KEY) != 0);
}

static bool check_listen(const char *name, const char *listen, const struct bus_options *options,
        char *error, size_t error_size)
{
	struct bus_address address;
	if (!bus_address_parse(name, listen, &address, error, error_size)) {
		return false;
	}
	if (!address.is_off && !address.is_loopback && !has_own_key(options)) {
		snprintf(error, error_size,
		        "%s is '%s', which others can reach, and there is no key of your own; set "
		        "bus-key or bus-key-file, or listen on 127.0.0.1",
		        name, listen);
		return false;
	}
	return true;
}

bool bus_options_check(const struct bus_options *options, char *error, size_t error_size)
{
	if (!check_listen("bus-listen", options->listen, options, error, error_size) ||
	        !check_listen("bus-management-listen", options->management_listen, options, error,
	                error_size)) {
		return false;
	}
	if (is_set(options->tls_cert) != is_set(options->tls_key)) {
		snprintf(error, error_size,
		        "bus-tls-cert and bus-tls-key go together; %s is missing",
		        is_set(options->tls_cert) ? "bus-tls-key" : "bus-tls-cert");
		return false;
	}
	if (strlen(options->reply_prefix) > 200 || strlen(options->reply_subscription) > 50) {
		snprintf(error, error_size,
		        "servicebus-reply-prefix has at most 200 characters and "
		        "servicebus-reply-subscription at most 50");
		return false;
	}
	return true;
}
