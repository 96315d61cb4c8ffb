/* SPDX-License-Identifier: MIT */
/* Owning names: a row that its owner renews, and that others take over when it stands still. */
#ifndef SUPPORT_JOBTABLES_OWN_H
#define SUPPORT_JOBTABLES_OWN_H

#include <lucius/storage.h>

struct jobtables;

void ownership_ask(
        struct jobtables *backend, const struct lucius_ownership *asked, struct lucius_op op);
/* The service answers again: those that had to wait for it ask at once. */
void ownership_wake(struct jobtables *backend);
/* Every claimant lets go; each calls backend_check_stop when it has gone. */
void ownership_stop(struct jobtables *backend);
/* Those that are left, when the client is gone. */
void ownership_drop(struct jobtables *backend);

#endif
