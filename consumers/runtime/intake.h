/* SPDX-License-Identifier: MIT */
/* Decides what is done with a delivery: run, joined, repeated, passed over, given up. */
#ifndef CONSUMERS_RUNTIME_INTAKE_H
#define CONSUMERS_RUNTIME_INTAKE_H

#include "consumers/runtime/consumer.h"

/* `user` is the lane_reader; for servicebus_receiver_settings.on_delivery. */
void intake_delivery(void *user, const struct servicebus_delivery *delivery);

#endif
