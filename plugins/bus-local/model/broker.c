/* SPDX-License-Identifier: MIT */
/* The broker as a whole: its time, and locks as others know them. */
#include "plugins/bus-local/model/broker.h"

#include "plugins/bus-local/model/topic.h"
#include "support/base/container.h"

void broker_init(struct broker *broker, const struct broker_limits *limits,
        const uint8_t random[BROKER_RANDOM_SIZE])
{
	*broker = (struct broker){ .limits = *limits };
	memcpy(&broker->key, random, sizeof(broker->key));
	memcpy(&broker->token_salt, random + sizeof(broker->key), sizeof(broker->token_salt));
}

void broker_finish(struct broker *broker)
{
	for (size_t i = 0; i < broker->topics.n_buckets; i++) {
		while (broker->topics.buckets[i] != NULL) {
			topic_destroy(CONTAINER(broker->topics.buckets[i], struct topic, by_name));
		}
	}
	hash_table_finish(&broker->topics);
	hash_table_finish(&broker->locks);
	heap_finish(&broker->alarms);
}

void broker_advance(struct broker *broker, int64_t now_ms, int64_t wall_ms)
{
	if (now_ms > broker->now_ms) {
		broker->now_ms = now_ms;
	}
	broker->wall_offset_ms = wall_ms - broker->now_ms;
	alarms_run(&broker->alarms, broker->now_ms);
}

int64_t broker_next_due(const struct broker *broker)
{
	return heap_first_key(&broker->alarms);
}

struct entry *broker_find_lock(const struct broker *broker, uint64_t lock)
{
	struct hash_link *node = hash_table_first(&broker->locks, lock);
	return node != NULL ? CONTAINER(node, struct entry, by_lock) : NULL;
}

void broker_lock_token(const struct broker *broker, uint64_t lock, uint8_t ret_token[16])
{
	memcpy(ret_token, &lock, sizeof(lock));
	memcpy(ret_token + sizeof(lock), &broker->token_salt, sizeof(broker->token_salt));
}

uint64_t broker_read_token(const struct broker *broker, const uint8_t token[16])
{
	uint64_t lock = 0;
	bool is_ours = memcmp(token + sizeof(lock), &broker->token_salt, sizeof(lock)) == 0;
	memcpy(&lock, token, sizeof(lock));
	return is_ours ? lock : 0;
}

static void put_hex(char digits[16], uint64_t number)
{
	for (int i = 15; i >= 0; i--) {
		digits[i] = "0123456789abcdef"[number & 15];
		number >>= 4;
	}
}

void broker_spare_id(struct broker *broker, char ret_id[33])
{
	broker->last_spare_id++;
	put_hex(ret_id, hash_bytes(&broker->key, "spare", 5));
	put_hex(ret_id + 16, broker->last_spare_id);
	ret_id[32] = '\0';
}
