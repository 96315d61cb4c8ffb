/* SPDX-License-Identifier: MIT */
/* A CA of an hour, and what it has signed. */
#include "tests/support/papers.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static X509 *certificate_for(const char *name, const char *alternative, EVP_PKEY *key)
{
	static long serial = 1;
	X509 *certificate = X509_new();
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
	        (const unsigned char *)name, -1, -1, 0);
	X509_EXTENSION *extension =
	        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternative);
	X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
	return certificate;
}

static void write_papers(const char *path, X509 *certificate, EVP_PKEY *key)
{
	FILE *file = fopen(path, "w");
	assert(file != NULL);
	PEM_write_X509(file, certificate);
	if (key != NULL) {
		PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
	}
	fclose(file);
}

static void issue(
        const char *path, const char *name, const char *alternative, X509 *ca, EVP_PKEY *ca_key)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = certificate_for(name, alternative, key);
	X509_set_issuer_name(certificate, X509_get_subject_name(ca));
	X509_sign(certificate, ca_key, EVP_sha256());
	write_papers(path, certificate, key);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

void papers_make(struct papers *papers)
{
	snprintf(papers->folder, sizeof(papers->folder), "%s/http-tls-XXXXXX", P_tmpdir);
	const char *made = mkdtemp(papers->folder);
	assert(made != NULL);
	(void)made;
	snprintf(papers->ca, sizeof(papers->ca), "%s/ca.pem", papers->folder);
	snprintf(papers->server, sizeof(papers->server), "%s/server.pem", papers->folder);
	snprintf(papers->client, sizeof(papers->client), "%s/client.pem", papers->folder);
	EVP_PKEY *ca_key = EVP_EC_gen("P-256");
	X509 *ca = certificate_for("test CA", "DNS:ca", ca_key);
	X509_EXTENSION *extension =
	        X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
	X509_add_ext(ca, extension, -1);
	X509_EXTENSION_free(extension);
	X509_set_issuer_name(ca, X509_get_subject_name(ca));
	X509_sign(ca, ca_key, EVP_sha256());
	write_papers(papers->ca, ca, NULL);
	issue(papers->server, "server", "IP:127.0.0.1", ca, ca_key);
	issue(papers->client, "client", "DNS:client", ca, ca_key);
	X509_free(ca);
	EVP_PKEY_free(ca_key);
}

void papers_remove(const struct papers *papers)
{
	unlink(papers->ca);
	unlink(papers->server);
	unlink(papers->client);
	rmdir(papers->folder);
}
