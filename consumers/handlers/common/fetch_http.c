/* SPDX-License-Identifier: MIT */
/* Downloads a document; what the server says decides whether trying again may help. */
#include "consumers/common/text.h"
#include "consumers/handlers/common/fetch.h"
#include "consumers/handlers/common/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

struct download {
	CURL *curl;
	struct fetch_target *target;
	bool is_refused; /* an address that documents may not come from */
};

/*
 * Link-local addresses are where clouds keep the credentials of their machines; a client must not
 * be able to have them read out as a document.
 */
static bool is_link_local(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
		return (ntohl(v4->sin_addr.s_addr) >> 16U) == 0xa9fe;
	}
	if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
		const uint8_t *bytes = v6->sin6_addr.s6_addr;
		bool is_mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && bytes[12] == 169 &&
		        bytes[13] == 254;
		return IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) || is_mapped;
	}
	return false;
}

static curl_socket_t on_socket(void *self, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct download *download = self;
	(void)purpose;
	if (is_link_local(&address->addr)) {
		download->is_refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t on_bytes(char *bytes, size_t one, size_t size, void *self)
{
	struct download *download = self;
	(void)one;
	/* The page that explains a refusal is nobody's document. */
	long status = http_status(download->curl);
	if (status >= 300) {
		return size;
	}
	return fetch_append(download->target, bytes, size) ? size : 0;
}

static int refused(const struct source *source, long status, struct fault *fault)
{
	if (status == 404 || status == 410) {
		return fault_final(fault, "DOCUMENT_NOT_FOUND",
		        "There is no document at '%s': the server answered %ld.", source->shown,
		        status);
	}
	if (status == 401 || status == 403) {
		return fault_final(fault, "DOCUMENT_FORBIDDEN",
		        "The server of '%s' answered %ld; give a URL that this program may read.",
		        source->shown, status);
	}
	if (http_status_may_pass(status)) {
		return fault_temporary(fault, "DOCUMENT_UNAVAILABLE",
		        "The server of '%s' answered %ld.", source->shown, status);
	}
	return fault_final(fault, "DOCUMENT_REFUSED", "The server of '%s' answered %ld.",
	        source->shown, status);
}

static int not_fetched(const struct source *source, const struct download *download,
        CURLcode result, struct fault *fault)
{
	const struct fetch_target *target = download->target;
	if (download->is_refused) {
		return fault_final(fault, "DOCUMENT_FORBIDDEN",
		        "The host of '%s' has a link-local address, documents are not read from "
		        "there.",
		        source->shown);
	}
	if (result == CURLE_FILESIZE_EXCEEDED || target->size > target->limits->max_bytes) {
		return fetch_too_large(source, target->limits, fault);
	}
	if (result == CURLE_WRITE_ERROR) {
		return fetch_not_written(source, fault);
	}
	if (http_may_pass(result)) {
		return fault_temporary(fault, "DOCUMENT_UNAVAILABLE", "'%s' cannot be fetched: %s.",
		        source->shown, http_reason(result));
	}
	return fault_final(fault, "DOCUMENT_UNREACHABLE", "'%s' cannot be fetched: %s.",
	        source->shown, http_reason(result));
}

static void keep_content_type(struct source *source, CURL *curl)
{
	const char *content_type = NULL;
	if (source->content_type == NULL &&
	        curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &content_type) == CURLE_OK &&
	        content_type != NULL) {
		source->content_type = text_copy(content_type);
	}
}

int fetch_http(struct source *source, struct fetch_target *target, struct fault *fault)
{
	CLEANUP(cleanup_curl)
	CURL *curl = http_create(source->location, target->limits->deadline_ms);
	struct download download = { .curl = curl, .target = target };
	curl_off_t max_bytes = (curl_off_t)target->limits->max_bytes;
	if (curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L) != CURLE_OK ||
	        curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, max_bytes) != CURLE_OK ||
	        curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_socket) != CURLE_OK ||
	        curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &download) != CURLE_OK ||
	        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes) != CURLE_OK ||
	        curl_easy_setopt(curl, CURLOPT_WRITEDATA, &download) != CURLE_OK) {
		text_abort_no_memory();
	}
	CURLcode result = curl_easy_perform(curl);
	long status = http_status(curl);
	if (result != CURLE_OK) {
		return not_fetched(source, &download, result, fault);
	}
	if (status < 200 || status >= 300) {
		return refused(source, status, fault);
	}
	keep_content_type(source, curl);
	return 0;
}
