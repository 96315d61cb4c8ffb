/* SPDX-License-Identifier: MIT */
/* The management API's listener: HTTP, signatures, limits. What is asked stands in answer.h. */
#ifndef BUS_LOCAL_ATOM_SERVER_H
#define BUS_LOCAL_ATOM_SERVER_H

#include <stddef.h>

struct bus;
struct bus_address;
struct atom_server;

/* Listens from now on. NULL: a sentence in error. */
struct atom_server *atom_server_create(
        struct bus *bus, const struct bus_address *address, char *error, size_t error_size);

/* Cuts all connections off; takes NULL. */
void atom_server_destroy(struct atom_server *server);

#endif
