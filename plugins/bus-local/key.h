/* SPDX-License-Identifier: MIT */
/* The key that peers prove to have. */
#ifndef BUS_LOCAL_KEY_H
#define BUS_LOCAL_KEY_H

#include <stddef.h>

struct bus;

/* Owned: from the options, from the key file (made if it does not exist), or the emulator's. NULL:
 * a sentence in error. */
char *key_find(const struct bus *bus, char *error, size_t error_size);

#endif
