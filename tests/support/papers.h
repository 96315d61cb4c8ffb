/* SPDX-License-Identifier: MIT */
/* Certificates that a test makes for itself, in a folder of its own. */
#ifndef TESTS_SUPPORT_PAPERS_H
#define TESTS_SUPPORT_PAPERS_H

/* A folder with ca.pem, and a certificate for 127.0.0.1 and one for a client that it has signed. */
struct papers {
	char folder[64];
	char ca[96];
	char server[96]; /* certificate and key in one file */
	char client[96];
};

void papers_make(struct papers *papers);
void papers_remove(const struct papers *papers);

#endif
