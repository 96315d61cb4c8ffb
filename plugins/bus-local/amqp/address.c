/* SPDX-License-Identifier: MIT */
/* Takes the known endings off one after another; what is left is topic and subscription. */
#include "plugins/bus-local/amqp/address.h"

#include <strings.h>

static const char subscriptions[] = "/subscriptions/";

/* Cuts the ending off if it is there; something must be left. */
static bool cut_ending(char *text, const char *ending)
{
	size_t size = strlen(text);
	size_t ending_size = strlen(ending);
	if (size <= ending_size || strcasecmp(text + size - ending_size, ending) != 0) {
		return false;
	}
	text[size - ending_size] = '\0';
	return true;
}

static void lower(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text >= 'A' && *text <= 'Z') {
			*text = (char)(*text + 32);
		}
	}
}

/* Python sends whole URLs, .NET a slash in front. */
static const char *skip_authority(const char *text)
{
	const char *scheme = strstr(text, "://");
	if (scheme != NULL && strchr(text, '/') == scheme + 1) {
		const char *slash = strchr(scheme + 3, '/');
		text = slash != NULL ? slash : "";
	}
	while (*text == '/') {
		text++;
	}
	return text;
}

/* Names of topics may have slashes, those of subscriptions not: the last separator counts. */
static void split(struct address *address)
{
	char *found = NULL;
	for (char *at = address->topic; *at != '\0'; at++) {
		if (strncasecmp(at, subscriptions, sizeof(subscriptions) - 1) == 0) {
			found = at;
		}
	}
	if (found != NULL) {
		const char *name = found + sizeof(subscriptions) - 1;
		memcpy(address->subscription, name, strlen(name) + 1);
		*found = '\0';
	}
}

bool address_parse(const char *text, struct address *ret_address)
{
	struct address *address = ret_address;
	const char *path = skip_authority(text != NULL ? text : "");
	size_t size = strlen(path);
	*address = (struct address){ 0 };
	if (size == 0 || size >= ADDRESS_MAX_SIZE) {
		return false;
	}
	memcpy(address->path, path, size + 1);
	memcpy(address->topic, path, size + 1);
	lower(address->path);
	if (strcmp(address->path, "$cbs") == 0) {
		address->is_cbs = true;
		return true;
	}
	address->is_management = cut_ending(address->topic, "/$management");
	if (cut_ending(address->topic, "/$deadletterqueue")) {
		address->is_dead_letters = true;
		/* Nothing is ever forwarded, so that this queue is the other, empty or not. */
		(void)cut_ending(address->topic, "/$transfer");
	}
	split(address);
	return address->topic[0] != '\0';
}
