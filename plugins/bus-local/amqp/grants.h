/* SPDX-License-Identifier: MIT */
/* What the tokens that a peer has shown allow it, and until when. */
#ifndef BUS_LOCAL_AMQP_GRANTS_H
#define BUS_LOCAL_AMQP_GRANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More entities than this at once a connection gets no tokens for. */
#define GRANTS_MAX 1024

struct grant {
	char *path; /* owned, lower case; empty: everything */
	int64_t expires_s; /* since 1970 */
};

struct grants {
	struct grant *list; /* owned */
	size_t n;
	size_t n_allocated;
	bool is_all; /* proved the key itself */
};

void grants_finish(struct grants *grants);

/* Audience: as the token's holder named it. A later one for the same takes the place of the
 * earlier. False: too many. */
bool grants_add(struct grants *grants, const char *audience, int64_t expires_s);

/* True if one that has not ended covers the path (address.h). */
bool grants_cover(const struct grants *grants, const char *path, int64_t now_s);

/* When the first of them ends; INT64_MAX: none does. */
int64_t grants_first_end(const struct grants *grants, int64_t now_s);

#endif
