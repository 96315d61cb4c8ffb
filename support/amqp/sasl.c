/* SPDX-License-Identifier: MIT */
/* The SASL frames: mechanisms, init and outcome are sent and read here, challenges never. */
#include "support/amqp/sasl.h"

#include "support/amqp/decode.h"
#include "support/amqp/encode.h"

#include <stdio.h>

#define SASL_MECHANISMS 0x40
#define SASL_INIT 0x41
#define SASL_OUTCOME 0x44

#define OUTCOME_OK 0
#define OUTCOME_AUTH 1

static const uint8_t sasl_header[8] = { 'A', 'M', 'Q', 'P', 3, 1, 0, 0 };
static const uint8_t amqp_header[8] = { 'A', 'M', 'Q', 'P', 0, 1, 0, 0 };

static void fail(struct amqp_sasl *sasl, const char *sentence)
{
	snprintf(sasl->error, sizeof(sasl->error), "%s", sentence);
	sasl->state = AMQP_SASL_FAILED;
}

static size_t begin_frame(struct amqp_buffer *out, uint8_t performative)
{
	static const uint8_t head[8] = { 0, 0, 0, 0, 2, 1, 0, 0 };
	size_t mark = out->size;
	amqp_buffer_append(out, head, sizeof(head));
	amqp_put_descriptor(out, performative);
	return mark;
}

static void end_frame(struct amqp_buffer *out, size_t mark)
{
	size_t size = out->size - mark;
	for (int i = 3; i >= 0; i--) {
		out->start[mark + (size_t)i] = (uint8_t)size;
		size >>= 8;
	}
}

/* As the service sends them, byte for byte: frame head, then a symbol array. EXTERNAL is refused
 * when it is chosen: no client chooses it without a certificate, but the list is expected as it is.
 */
static const uint8_t mechanisms_frame[] = {
	0, 0, 0, 0x33, 2, 1, 0, 0, 0x00, 0x53, 0x40, 0xc0, 0x26, 1, 0xe0, 0x23, 4, 0xa3, /* array */
	9, 'A', 'N', 'O', 'N', 'Y', 'M', 'O', 'U', 'S', /* 1st */
	7, 'M', 'S', 'S', 'B', 'C', 'B', 'S', /* 2nd */
	5, 'P', 'L', 'A', 'I', 'N', /* 3rd */
	8, 'E', 'X', 'T', 'E', 'R', 'N', 'A', 'L', /* 4th */
};

static void put_outcome(struct amqp_buffer *out, uint8_t code)
{
	const uint8_t frame[16] = { 0, 0, 0, 16, 2, 1, 0, 0, 0, 0x53, 0x44, 0xc0, 3, 1, 0x50,
		code };
	amqp_buffer_append(out, frame, sizeof(frame));
}

static void put_init(const struct amqp_sasl *sasl, const char *mechanism, struct amqp_buffer *out)
{
	size_t frame = begin_frame(out, SASL_INIT);
	size_t list = amqp_begin_list(out);
	amqp_put_symbol(out, amqp_text(mechanism));
	struct amqp_buffer response = { 0 };
	if (sasl->plain_name != NULL) {
		amqp_buffer_append(&response, "", 1);
		amqp_buffer_append(&response, sasl->plain_name, strlen(sasl->plain_name) + 1);
		amqp_buffer_append(&response, sasl->plain_password, strlen(sasl->plain_password));
	} else {
		amqp_buffer_append(&response, "anonymous", strlen("anonymous"));
	}
	amqp_put_binary(out, amqp_buffer_bytes(&response));
	amqp_buffer_finish(&response);
	if (sasl->hostname != NULL) {
		amqp_put_string(out, amqp_text(sasl->hostname));
	} else {
		amqp_put_null(out);
	}
	amqp_end(out, list, 3);
	end_frame(out, frame);
}

static bool offers(const struct amqp_value *mechanisms, const char *name)
{
	if (mechanisms->type != AMQP_ARRAY) {
		return amqp_value_is_text(mechanisms, name);
	}
	struct amqp_reader reader = amqp_reader(mechanisms->bytes);
	struct amqp_value element;
	while (amqp_read_element(&reader, mechanisms->element_code, &element)) {
		if (amqp_value_is_text(&element, name)) {
			return true;
		}
	}
	return false;
}

static void on_mechanisms(
        struct amqp_sasl *sasl, const struct amqp_value *mechanisms, struct amqp_buffer *out)
{
	const char *chosen = NULL;
	if (sasl->plain_name != NULL) {
		chosen = offers(mechanisms, "PLAIN") ? "PLAIN" : NULL;
	} else if (offers(mechanisms, "ANONYMOUS")) {
		chosen = "ANONYMOUS";
	} else if (offers(mechanisms, "MSSBCBS")) {
		chosen = "MSSBCBS";
	}
	if (chosen == NULL) {
		fail(sasl, "the server offers no SASL mechanism that we have");
		return;
	}
	put_init(sasl, chosen, out);
	sasl->state = AMQP_SASL_WAITS_OUTCOME;
}

static void on_outcome(struct amqp_sasl *sasl, const struct amqp_value *code)
{
	if (code->type == AMQP_UNSIGNED && code->unsigned_ == OUTCOME_OK) {
		sasl->state = AMQP_SASL_DONE;
		return;
	}
	fail(sasl, "the server refused the SASL log-in: check name and key");
}

/* authorization-id NUL name NUL password (RFC 4616). */
static bool is_plain_good(struct amqp_sasl *sasl, const struct amqp_value *response)
{
	if (sasl->check == NULL || response->type != AMQP_BINARY || response->bytes.size == 0) {
		return false;
	}
	const uint8_t *end = response->bytes.start + response->bytes.size;
	const uint8_t *first = memchr(response->bytes.start, 0, response->bytes.size);
	if (first == NULL) {
		return false;
	}
	const uint8_t *name = first + 1;
	const uint8_t *second = memchr(name, 0, (size_t)(end - name));
	if (second == NULL) {
		return false;
	}
	struct amqp_bytes password = amqp_bytes(second + 1, (size_t)(end - second - 1));
	return sasl->check(sasl->user, amqp_bytes(name, (size_t)(second - name)), password);
}

static void on_init(struct amqp_sasl *sasl, const struct amqp_value *mechanism,
        const struct amqp_value *response, struct amqp_buffer *out)
{
	bool is_good = false;
	if (amqp_value_is_text(mechanism, "ANONYMOUS") ||
	        amqp_value_is_text(mechanism, "MSSBCBS")) {
		is_good = true;
	} else if (amqp_value_is_text(mechanism, "PLAIN")) {
		is_good = is_plain_good(sasl, response);
		sasl->is_authenticated = is_good;
	}
	put_outcome(out, is_good ? OUTCOME_OK : OUTCOME_AUTH);
	if (is_good) {
		sasl->state = AMQP_SASL_DONE;
	} else {
		fail(sasl, "the client's SASL mechanism or password was refused");
	}
}

static void on_frame(struct amqp_sasl *sasl, struct amqp_bytes body, struct amqp_buffer *out)
{
	struct amqp_reader reader = amqp_reader(body);
	struct amqp_value list;
	struct amqp_value first = { .type = AMQP_NULL };
	struct amqp_value second = { .type = AMQP_NULL };
	uint64_t code;
	if (!amqp_read_described(&reader, &code, &list) || list.type != AMQP_LIST) {
		fail(sasl, "a SASL frame is malformed");
		return;
	}
	struct amqp_reader fields = amqp_reader(list.bytes);
	if (!amqp_read(&fields, &first)) {
		fail(sasl, "a SASL frame lacks its first field");
		return;
	}
	if (!amqp_reader_is_empty(&fields) && !amqp_read(&fields, &second)) {
		fail(sasl, "a SASL frame is malformed");
	} else if (code == SASL_MECHANISMS && sasl->state == AMQP_SASL_WAITS_MECHANISMS) {
		on_mechanisms(sasl, &first, out);
	} else if (code == SASL_OUTCOME && sasl->state == AMQP_SASL_WAITS_OUTCOME) {
		on_outcome(sasl, &first);
	} else if (code == SASL_INIT && sasl->state == AMQP_SASL_WAITS_INIT) {
		on_init(sasl, &first, &second, out);
	} else {
		fail(sasl, "a SASL frame came out of its order");
	}
}

static size_t take_header(struct amqp_sasl *sasl, struct amqp_bytes input, struct amqp_buffer *out)
{
	if (input.size < sizeof(sasl_header)) {
		/* What can no longer become a header is refused at once. */
		if (input.size > 0 &&
		        memcmp(input.start, sasl_header, input.size < 4 ? input.size : 4) != 0) {
			fail(sasl, "the peer does not speak AMQP");
		}
		return 0;
	}
	if (sasl->is_server && memcmp(input.start, amqp_header, sizeof(amqp_header)) == 0) {
		sasl->state = AMQP_SASL_DONE;
		return 0;
	}
	if (memcmp(input.start, sasl_header, sizeof(sasl_header)) != 0) {
		fail(sasl, "the peer does not speak AMQP 1.0 with SASL (is the port a TLS port?)");
		/* The standard's answer to a wrong header is the right one. */
		if (sasl->is_server) {
			amqp_buffer_append(out, sasl_header, sizeof(sasl_header));
		}
		return 0;
	}
	if (sasl->is_server) {
		amqp_buffer_append(out, sasl_header, sizeof(sasl_header));
		amqp_buffer_append(out, mechanisms_frame, sizeof(mechanisms_frame));
	}
	sasl->state = sasl->is_server ? AMQP_SASL_WAITS_INIT : AMQP_SASL_WAITS_MECHANISMS;
	return sizeof(sasl_header);
}

static size_t take_frame(struct amqp_sasl *sasl, struct amqp_bytes input, struct amqp_buffer *out)
{
	if (input.size < 8) {
		return 0;
	}
	const uint8_t *at = input.start;
	size_t size = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
	size_t start = (size_t)at[4] * 4;
	if (size < 8 || size > AMQP_SASL_MAX_FRAME || start < 8 || start > size || at[5] != 1) {
		fail(sasl, "a SASL frame has a bad head");
		return 0;
	}
	if (input.size < size) {
		return 0;
	}
	on_frame(sasl, amqp_bytes(at + start, size - start), out);
	return size;
}

void amqp_sasl_start(struct amqp_sasl *sasl, struct amqp_buffer *out)
{
	sasl->state = AMQP_SASL_WAITS_HEADER;
	if (!sasl->is_server) {
		amqp_buffer_append(out, sasl_header, sizeof(sasl_header));
	}
}

size_t amqp_sasl_take(struct amqp_sasl *sasl, struct amqp_bytes input, struct amqp_buffer *out)
{
	size_t taken = 0;
	while (sasl->state != AMQP_SASL_DONE && sasl->state != AMQP_SASL_FAILED) {
		struct amqp_bytes rest = amqp_bytes(input.start + taken, input.size - taken);
		enum amqp_sasl_state before = sasl->state;
		taken += before == AMQP_SASL_WAITS_HEADER ? take_header(sasl, rest, out)
		                                          : take_frame(sasl, rest, out);
		if (sasl->state == before) {
			break;
		}
	}
	return taken;
}
