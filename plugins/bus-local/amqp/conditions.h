/* SPDX-License-Identifier: MIT */
/* The AMQP error conditions that Service Bus uses and its SDKs tell apart. */
#ifndef BUS_LOCAL_AMQP_CONDITIONS_H
#define BUS_LOCAL_AMQP_CONDITIONS_H

#define CONDITION_NOT_FOUND "amqp:not-found"
#define CONDITION_NOT_ALLOWED "amqp:not-allowed"
#define CONDITION_NOT_IMPLEMENTED "amqp:not-implemented"
#define CONDITION_UNAUTHORIZED "amqp:unauthorized-access"
#define CONDITION_LIMIT "amqp:resource-limit-exceeded"
#define CONDITION_TOO_LARGE "amqp:link:message-size-exceeded"
#define CONDITION_DETACHED "amqp:link:detach-forced"
#define CONDITION_FORCED "amqp:connection:forced"
#define CONDITION_INTERNAL "amqp:internal-error"
#define CONDITION_ARGUMENT "com.microsoft:argument-error"
#define CONDITION_BUSY "com.microsoft:server-busy"
#define CONDITION_LOCK_LOST "com.microsoft:message-lock-lost"
#define CONDITION_MESSAGE_NOT_FOUND "com.microsoft:message-not-found"

/* SDKs look at these very words. */
#define LOCK_LOST_TEXT                                                                            \
	"The lock supplied is invalid. Either the lock expired, or the message has already been " \
	"removed from the queue."

#endif
