/* SPDX-License-Identifier: MIT */
/* The client: its life, and the connection that senders and receivers share. */
#include "support/servicebus/client.h"
