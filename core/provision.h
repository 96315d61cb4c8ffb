/* SPDX-License-Identifier: MIT */
/* --provision: makes the topics of all lanes and the subscriptions that replies are read from. */
#ifndef CORE_PROVISION_H
#define CORE_PROVISION_H

struct backend;
struct loop;
struct settings;

/* Starts the bus, provisions, stops it. True (1) if all is there now; else a sentence is printed.
 */
int provision_run(struct loop *loop, const struct settings *settings, struct backend *bus);

#endif
