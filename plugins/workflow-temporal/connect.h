/* SPDX-License-Identifier: MIT */
/* From the options to a client of the server. */
#ifndef WORKFLOW_TEMPORAL_CONNECT_H
#define WORKFLOW_TEMPORAL_CONNECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;
struct engine_options;
struct grpc_client;

/* True: the options go together. Else a sentence. No I/O. */
bool connect_check(const struct engine_options *options, char *error, size_t error_size);
/* NULL: a sentence. The client connects by itself. */
struct grpc_client *connect_create(struct engine *engine, char *error, size_t error_size);
/* "host:port", "[address]:port", or a host alone, which gets Temporal's port. Owned host. */
bool connect_parse(const char *address, char **ret_host, uint16_t *ret_port);

#endif
