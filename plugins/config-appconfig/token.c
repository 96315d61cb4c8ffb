/* SPDX-License-Identifier: MIT */
/*
 * The ways to a token, the first that is configured: a client secret, a federated token (workload
 * identity), the identity endpoint of an app service, and the one that every Azure machine has.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "plugins/config-appconfig/source.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define MAX_ASSERTION 65536

/* Percent-encoded; owned. */
static char *encoded(const char *text)
{
	char *curls = must_have(curl_easy_escape(NULL, text, (int)strlen(text)));
	char *copy = must_copy(curls, strlen(curls));
	curl_free(curls);
	return copy;
}

static int without_slash(const char *url)
{
	size_t size = strlen(url);
	return (int)(size != 0 && url[size - 1] == '/' ? size - 1 : size);
}

static char *read_assertion(const char *path)
{
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		return NULL;
	}
	char *text = must_calloc(1, MAX_ASSERTION + 1);
	size_t size = fread(text, 1, MAX_ASSERTION, file);
	(void)fclose(file);
	text[size] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	return text;
}

static void ask_authority(const struct appconfig_options *options, const char *resource,
        const char *proof, struct token_request *request)
{
	CLEANUP_FREE char *client = encoded(options->client_id);
	CLEANUP_FREE char *tenant = encoded(options->tenant_id);
	CLEANUP_FREE char *scope = encoded(resource);
	request->method = "POST";
	request->url = must_print("%.*s/%s/oauth2/v2.0/token",
	        without_slash(options->authority_host), options->authority_host, tenant);
	request->header = must_print("Content-Type: application/x-www-form-urlencoded");
	request->body = must_print("grant_type=client_credentials&client_id=%s&scope=%s%%2F.default"
	                           "&%s",
	        client, scope, proof);
}

static bool by_secret(const struct appconfig_options *options, const char *resource,
        struct token_request *request)
{
	CLEANUP_FREE char *secret = encoded(options->client_secret);
	CLEANUP_FREE char *proof = must_print("client_secret=%s", secret);
	ask_authority(options, resource, proof, request);
	request->way = "the client secret (AZURE_CLIENT_SECRET)";
	return true;
}

static bool by_assertion(const struct appconfig_options *options, const char *resource,
        struct token_request *request, char *error, size_t error_size)
{
	CLEANUP_FREE char *assertion = read_assertion(options->federated_token_file);
	if (assertion == NULL) {
		(void)snprintf(error, error_size, "AZURE_FEDERATED_TOKEN_FILE '%s' cannot be read",
		        options->federated_token_file);
		return false;
	}
	CLEANUP_FREE char *text = encoded(assertion);
	CLEANUP_FREE char *proof =
	        must_print("client_assertion_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3A"
	                   "client-assertion-type%%3Ajwt-bearer&client_assertion=%s",
	                text);
	ask_authority(options, resource, proof, request);
	request->way = "the federated token (AZURE_FEDERATED_TOKEN_FILE)";
	return true;
}

static bool by_identity(const struct appconfig_options *options, const char *resource,
        struct token_request *request)
{
	bool is_app_service = options->identity_endpoint != NULL;
	CLEANUP_FREE char *scope = encoded(resource);
	CLEANUP_FREE char *client = options->client_id != NULL ? encoded(options->client_id) : NULL;
	request->method = "GET";
	if (is_app_service) {
		request->url = must_print("%s?api-version=2019-08-01&resource=%s%s%s",
		        options->identity_endpoint, scope, client != NULL ? "&client_id=" : "",
		        client != NULL ? client : "");
		request->header = must_print("X-IDENTITY-HEADER: %s",
		        options->identity_header != NULL ? options->identity_header : "");
		request->way = "the managed identity (IDENTITY_ENDPOINT)";
		return true;
	}
	request->url =
	        must_print("%.*s/metadata/identity/oauth2/token?api-version=2018-02-01&resource=%s"
	                   "%s%s",
	                without_slash(options->machine_identity), options->machine_identity, scope,
	                client != NULL ? "&client_id=" : "", client != NULL ? client : "");
	request->header = must_print("Metadata: true");
	request->way = "the managed identity of this machine";
	return true;
}

bool token_request_make(const struct appconfig_options *options, const char *resource,
        struct token_request *ret_request, char *error, size_t error_size)
{
	bool has_client = options->tenant_id != NULL && options->client_id != NULL;
	if (options->client_secret != NULL && !has_client) {
		(void)snprintf(error, error_size,
		        "AZURE_CLIENT_SECRET needs AZURE_TENANT_ID and AZURE_CLIENT_ID beside it");
		return false;
	}
	bool has_proof = options->client_secret != NULL ||
	        (options->federated_token_file != NULL && has_client);
	if (has_proof && strncasecmp(options->authority_host, "https://", 8) != 0) {
		(void)snprintf(error, error_size,
		        "AZURE_AUTHORITY_HOST '%.200s' is no https:// address, and would see what "
		        "proves the client",
		        options->authority_host);
		return false;
	}
	if (options->client_secret != NULL) {
		return by_secret(options, resource, ret_request);
	}
	if (has_proof) {
		return by_assertion(options, resource, ret_request, error, error_size);
	}
	return by_identity(options, resource, ret_request);
}

void token_request_finish(struct token_request *request)
{
	free(request->url);
	free(request->header);
	if (request->body != NULL) {
		explicit_bzero(request->body, strlen(request->body));
	}
	free(request->body);
	*request = (struct token_request){ 0 };
}
