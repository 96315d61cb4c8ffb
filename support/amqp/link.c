/* SPDX-License-Identifier: MIT */
/* Deliveries with their mark, attaches and their answers. */
#include "support/amqp/link.h"

#include "support/amqp/shim.h"

#include <assert.h>
#include <proton/codec.h>
#include <proton/terminus.h>

#define MAX_TAG 32

struct amqp_bytes amqp_delivery_tag(pn_delivery_t *delivery)
{
	pn_delivery_tag_t tag = pn_delivery_tag(delivery);
	if (tag.size == 0) {
		return amqp_bytes(NULL, 0);
	}
	return amqp_bytes(tag.start + 1, tag.size - 1);
}

bool amqp_delivery_is_batch(pn_delivery_t *delivery)
{
	pn_delivery_tag_t tag = pn_delivery_tag(delivery);
	return tag.size != 0 && tag.start[0] == AMQP_MARK_BATCH;
}

pn_delivery_t *amqp_delivery_start(pn_link_t *link, struct amqp_bytes tag, uint8_t mark)
{
	char marked[1 + MAX_TAG];
	assert(tag.size <= MAX_TAG);
	marked[0] = (char)mark;
	if (tag.size != 0) {
		memcpy(marked + 1, tag.start, tag.size);
	}
	return pn_delivery(link, pn_dtag(marked, tag.size + 1));
}

enum amqp_read_result amqp_delivery_read(
        pn_delivery_t *delivery, size_t max_size, struct amqp_buffer *buffer)
{
	pn_link_t *link = pn_delivery_link(delivery);
	size_t size = pn_delivery_pending(delivery);
	if (pn_delivery_aborted(delivery)) {
		(void)pn_link_advance(link);
		return AMQP_READ_ABORTED;
	}
	if (size > max_size) {
		return AMQP_READ_TOO_LARGE;
	}
	if (pn_delivery_partial(delivery)) {
		return AMQP_READ_PARTIAL;
	}
	amqp_buffer_clear(buffer);
	ssize_t n = pn_link_recv(link, (char *)amqp_buffer_reserve(buffer, size), size);
	buffer->size = n > 0 ? (size_t)n : 0;
	(void)pn_link_advance(link);
	return AMQP_READ_WHOLE;
}

void amqp_condition_set(pn_condition_t *condition, const char *name, const char *description)
{
	(void)pn_condition_set_name(condition, name);
	(void)pn_condition_set_description(condition, description);
	pn_data_t *info = pn_condition_info(condition);
	pn_data_clear(info);
	(void)pn_data_put_map(info);
}

static void copy_terminus(pn_terminus_t *to, pn_terminus_t *from)
{
	if (pn_terminus_get_type(from) != PN_UNSPECIFIED) {
		(void)pn_terminus_copy(to, from);
	}
}

void amqp_link_accept(pn_link_t *link, uint64_t max_message_size)
{
	copy_terminus(pn_link_source(link), pn_link_remote_source(link));
	copy_terminus(pn_link_target(link), pn_link_remote_target(link));
	pn_link_set_snd_settle_mode(link, pn_link_remote_snd_settle_mode(link));
	pn_link_set_rcv_settle_mode(link, pn_link_remote_rcv_settle_mode(link));
	pn_link_set_max_message_size(link, max_message_size);
	pn_link_open(link);
}

void amqp_link_refuse(pn_link_t *link, const char *condition, const char *description)
{
	(void)pn_terminus_set_type(pn_link_source(link), PN_UNSPECIFIED);
	(void)pn_terminus_set_type(pn_link_target(link), PN_UNSPECIFIED);
	pn_link_open(link);
	amqp_link_close(link, condition, description);
}

void amqp_link_close(pn_link_t *link, const char *condition, const char *description)
{
	if (condition != NULL) {
		amqp_condition_set(pn_link_condition(link), condition, description);
	}
	pn_link_close(link);
}
