/* SPDX-License-Identifier: MIT */
/* Inside of the envelope: how a refusal is filled. Both functions return the fault. */
#ifndef CORE_COMMAND_REFUSAL_H
#define CORE_COMMAND_REFUSAL_H

#include "core/envelope.h"

enum command_fault command_refuse(struct command_refusal *ret_refusal, enum command_fault fault,
        const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Takes the list over; `claim` is the start of the sentence, "The envelope is not valid". */
enum command_fault command_refuse_list(struct command_refusal *ret_refusal,
        enum command_fault fault, const char *claim, struct violations *violations);

#endif
