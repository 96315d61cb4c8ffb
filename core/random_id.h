/* SPDX-License-Identifier: MIT */
/* Ids that nobody can guess: of jobs, of requests to an engine, of owners of a name. */
#ifndef CORE_RANDOM_ID_H
#define CORE_RANDOM_ID_H

struct loop;

#define RANDOM_ID_SIZE 33 /* 32 lower-case hexadecimal digits (128 bits) and a NUL */

void random_id(struct loop *loop, char ret_text[RANDOM_ID_SIZE]);

#endif
