/* SPDX-License-Identifier: MIT */
/* Reads references and turns paths into URIs and back; see source.h. */
#include "consumers/handlers/common/source.h"

#include "consumers/common/text.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { SHA256_HEX_LENGTH = 64 };

static bool has_prefix(const char *text, const char *prefix)
{
	return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9') {
		return digit - '0';
	}
	int lower = tolower((unsigned char)digit);
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Decodes %XX (RFC 3986 §2.1); NULL for a broken escape or a NUL. */
static char *percent_decode(const char *text)
{
	CLEANUP_FREE char *path = must_calloc(strlen(text) + 1, 1);
	size_t size = 0;
	for (; *text != '\0'; text++) {
		if (*text != '%') {
			path[size++] = *text;
			continue;
		}
		int high = hex_value(text[1]);
		int low = high >= 0 ? hex_value(text[2]) : -1;
		if (low < 0 || high * 16 + low == 0) {
			return NULL;
		}
		path[size++] = (char)(high * 16 + low);
		text += 2;
	}
	return steal(path);
}

char *source_path(const char *text)
{
	if (text[0] == '/') {
		return text_copy(text);
	}
	if (!has_prefix(text, "file://")) {
		return NULL;
	}
	const char *rest = text + strlen("file://");
	if (has_prefix(rest, "localhost/")) {
		rest += strlen("localhost");
	}
	return rest[0] == '/' ? percent_decode(rest) : NULL;
}

char *source_uri(const char *path)
{
	char *uri = must_calloc(strlen("file://") + strlen(path) * 3 + 1, 1);
	char *end = stpcpy(uri, "file://");
	for (; *path != '\0'; path++) {
		unsigned char byte = (unsigned char)*path;
		if (isalnum(byte) || strchr("/-._~!$&'()*+,;=:@", byte) != NULL) {
			*end++ = (char)byte;
		} else {
			static const char digits[] = "0123456789ABCDEF";
			*end++ = '%';
			*end++ = digits[byte >> 4U];
			*end++ = digits[byte & 15U];
		}
	}
	*end = '\0';
	return uri;
}

/* Without what may hold a secret: user and password, and the query, where SAS tokens stand. */
static char *shown_url(const char *url)
{
	const char *authority = strstr(url, "://") + strlen("://");
	size_t authority_size = strcspn(authority, "/?#");
	const char *at = memrchr(authority, '@', authority_size);
	const char *host = at != NULL ? at + 1 : authority;
	return text_format("%.*s%.*s", (int)(authority - url), url, (int)strcspn(host, "?#"), host);
}

static const char *reference_uri(const json_t *reference)
{
	const char *uri = json_string_value(
	        json_is_object(reference) ? json_object_get(reference, "uri") : reference);
	return uri != NULL && uri[0] != '\0' ? uri : NULL;
}

static int read_checksum(
        const json_t *reference, const char *name, struct fault *fault, const char **ret_digest)
{
	const char *checksum = json_string_value(json_object_get(reference, "checksum"));
	/* Digests of other kinds cannot be checked here and are no reason to refuse. */
	if (checksum == NULL || !has_prefix(checksum, "sha256:")) {
		return 0;
	}
	const char *digest = checksum + strlen("sha256:");
	if (strspn(digest, "0123456789abcdefABCDEF") != SHA256_HEX_LENGTH ||
	        digest[SHA256_HEX_LENGTH] != '\0') {
		return fault_final(fault, "REFERENCE_INVALID",
		        "The checksum of %s is not 'sha256:' and 64 hexadecimal digits.", name);
	}
	*ret_digest = digest;
	return 0;
}

static int invalid_uri(const char *name, const char *uri, struct fault *fault)
{
	if (strstr(uri, "://") != NULL) {
		CLEANUP_FREE char *shown = shown_url(uri);
		return fault_final(fault, "REFERENCE_INVALID",
		        "%s '%s' cannot be opened here; file:// (of this machine), http:// and "
		        "https:// "
		        "are accepted.",
		        name, shown);
	}
	return fault_final(fault, "REFERENCE_INVALID",
	        "%s '%s' is not a reference that can be opened; give an absolute path, a file://, "
	        "http:// or https:// URI.",
	        name, uri);
}

int source_resolve(
        const json_t *reference, const char *name, struct fault *fault, struct source *ret_source)
{
	const char *uri = reference_uri(reference);
	if (uri == NULL) {
		return fault_final(fault, "REFERENCE_INVALID",
		        "The directive has no %s, or one that is neither a text nor an object with "
		        "'uri'.",
		        name);
	}
	struct source source = { .is_http = has_prefix(uri, "http://") ||
		        has_prefix(uri, "https://") };
	int status = read_checksum(reference, name, fault, &source.digest);
	if (status != 0) {
		return status;
	}
	source.location = source.is_http ? text_copy(uri) : source_path(uri);
	if (source.location == NULL) {
		return invalid_uri(name, uri, fault);
	}
	source.shown = source.is_http ? shown_url(uri) : text_copy(source.location);
	const char *content_type = json_string_value(json_object_get(reference, "content_type"));
	source.content_type = content_type != NULL ? text_copy(content_type) : NULL;
	*ret_source = source;
	return 0;
}

void source_finish(struct source *source)
{
	free(source->location);
	free(source->shown);
	free(source->content_type);
	*source = (struct source){ 0 };
}
