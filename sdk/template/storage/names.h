/* SPDX-License-Identifier: MIT */
/* Names that one owner at a time may have (`own`). This one knows the owners of this process only;
 * a store that others share keeps them in the store, with a lease. */
#ifndef NAMES_H
#define NAMES_H

#include <lucius/storage.h>

struct claimant;

struct names {
	const struct lucius_host *host; /* borrowed */
	struct claimant *first; /* owned; in the order of asking */
};

void names_init(struct names *names, const struct lucius_host *host);
/* Takes the operation over: it gives the name once it is free. */
void names_ask(struct names *names, struct lucius_text name, struct lucius_op op);
/* Finishes all. */
void names_stop(struct names *names);

#endif
