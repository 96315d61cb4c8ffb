/* SPDX-License-Identifier: MIT */
/* What the parts of the simulated world share: time, chance, processes, and who tells whom what. */
#ifndef TESTS_SIM_SYSTEM_WORLD_H
#define TESTS_SIM_SYSTEM_WORLD_H

#include <jansson.h>

#include "core/arena.h"
#include "core/backend.h"
#include "core/job.h"
#include "core/service.h"
#include "core/settings.h"
#include "tests/sim/random.h"
#include "tests/sim/system/sim.h"

struct world;
struct topic;
struct shadow;
struct reply_note;
struct temporal;

#define MAX_PROCESSES 4u
#define MAX_LANES 16u
#define MAX_COMMANDS 12u
#define MAX_JOBS 32u
#define N_TENANTS 2u
#define EPOCH_US INT64_C(1772366400000000)
#define NEVER_MS UINT64_MAX

/* Things that are to happen (clock.c). User is owned: freed after fn, or when the world ends. */
typedef void (*happening_fn)(struct world *world, void *user);
struct happening {
	uint64_t due_ms;
	uint64_t order;
	happening_fn fn;
	void *user;
	void (*drop)(void *user); /* NULL: free */
};

/* How bad the world is; in percent unless the name says otherwise (make.c). */
struct climate {
	unsigned storage_refuses, storage_loses_answer, storage_is_slow;
	unsigned bus_refuses, bus_loses_answer, lock_lost, repeated, bus_is_slow;
	unsigned engine_refuses, engine_loses_answer;
	unsigned network_fails; /* HTTP: unsent, or the answer lost */
	unsigned consumer_dead, consumer_slow, consumer_retries, consumer_fails, consumer_lies,
	        consumer_doubles, consumer_skips_ack;
	unsigned task_repeated; /* Temporal: tasks given twice */
	uint64_t faults_end_ms; /* from then on nothing fails any more */
	uint64_t slow_ms;
	bool is_storage_shared, is_bus_durable;
	bool has_kills, has_stalls, has_outages, has_skew, has_ends_from_outside;
};

/* A process of luciusd, up or down. */
struct process {
	struct world *world;
	unsigned index;
	unsigned life; /* counts starts; what belongs to another life is void */
	bool is_up;
	bool is_spectator; /* reads the tables for the watchers */
	void *table_options; /* owned; of the plugin on the Table service */
	struct tables *tables_client; /* of the Table service */
	bool is_zombie; /* being taken down: nothing of it reaches the world */
	bool is_dying; /* it has raised SIGTERM */
	bool is_stopping; /* in an orderly way */
	bool has_lost_name; /* of the engine */
	uint64_t stalled_until_ms;
	uint64_t restart_ms; /* not before */
	int64_t skew_us;
	uint32_t roles;
	struct loop *loop;
	uint64_t loop_ms; /* world time up to which the loop has run */
	struct settings settings;
	struct backend *storage, *bus, *workflow;
	struct service *service;
	struct http_router *routers[2];
	struct backend *memory; /* storage that dies with the process; NULL: it is shared */
	struct loop *memory_loop;
	struct store_request *requests; /* of storage, open */
	struct ownership_claim *claims;
	struct receiver *receivers; /* of the bus, open */
	struct bus_request *bus_requests;
	struct exchange *exchanges; /* HTTP requests that it has not answered */
	struct http_client *client; /* the worker's */
	struct engine *engine; /* Temporal's worker */
	struct engine_request *engine_requests;
	uint64_t last_scan_ms; /* begun */
	uint64_t scanned_ms; /* what it has read of the jobs is of then */
	bool is_active;
};

/* The store behind storage.c, with its own clock. */
struct server {
	struct loop *loop;
	struct backend *backend; /* real storage-memory */
	char owner[64]; /* of the engine's name; empty: nobody */
	uint64_t owned_until_ms;
};

/* One command that clients send, with its own life (client.c). */
struct command {
	unsigned index;
	unsigned tenant;
	char *body; /* owned */
	char job_id[33]; /* of the last 202; empty: none yet */
	bool has_key;
	unsigned n_sent;
	uint64_t begin_ms; /* when it is sent first */
};

struct world {
	struct sim_request request;
	struct sim_random random;
	struct climate climate;
	uint64_t now_ms; /* since the world began */
	struct happening *queue; /* owned; a heap */
	size_t n_queue, queue_room;
	uint64_t n_ordered;
	struct process processes[MAX_PROCESSES];
	unsigned n_processes;
	struct process *running; /* whose code runs now; NULL: none's */
	bool is_temporal;
	struct server server;
	const char *tables_kind; /* "table" or "ledger" on the Table service; NULL: the server */
	struct table_service *tables;
	struct process spectator;
	struct sim_random token_random;
	struct bus *bus;
	struct temporal *temporal; /* NULL: engine local */
	struct command commands[MAX_COMMANDS];
	unsigned n_commands;
	unsigned n_walks_open; /* of readers, through lists */
	unsigned max_inflight;
	unsigned n_lanes;
	unsigned max_deliveries; /* of the bus, of one message */
	struct shadow *shadows; /* of all jobs ever seen in the store (watch.c) */
	struct machine_record *machines; /* that are open (engine.c) */
	struct run_record *runs; /* of all jobs */
	struct sim_outcome *outcome;
	char protocols_file[512];
	char invoker_urls[256];
	size_t log_size;
	FILE *log_file;
	size_t transitions_size;
	FILE *transitions_file;
};

/* clock.c */
void world_at(struct world *world, uint64_t after_ms, happening_fn fn, void *user);
void world_at_with(struct world *world, uint64_t after_ms, happening_fn fn, void *user,
        void (*drop)(void *user));
bool world_is(struct world *world, unsigned percent);
/* Percent while faults last, never afterwards. */
bool world_fails(struct world *world, unsigned percent);
uint64_t world_within(struct world *world, uint64_t n); /* 0 to n */
/* Short mostly, now and then long enough to be overtaken. */
uint64_t world_latency(struct world *world, unsigned slow_percent);
bool world_is_calm(const struct world *world);
/* Job_id: which job it is about; NULL: all. */
void world_say(struct world *world, const char *job_id, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void world_violate(struct world *world, const char *job_id, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* A line of the log that both engines must agree in. */
void world_note_transition(struct world *world, const struct job *job, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
bool world_is_broken(const struct world *world);
/* Takes and runs the earliest; false: there is none. */
uint64_t world_next_due_ms(const struct world *world);
void world_run_next(struct world *world);
void world_drop_queue(struct world *world);

/* process.c */
void process_start(struct process *process);
void process_kill(struct process *process);
/* An orderly stop, then down. */
void process_stop(struct process *process);
/* Runs all of the process that is due now. */
void process_run(struct process *process);
uint64_t process_next_due_ms(const struct process *process);
bool process_is_here(const struct process *process, unsigned life);
/* Before anything is told to it: its clock is moved to now. */
void process_enter(struct process *process);
struct process *process_of_base(struct world *world, const struct event_base *base);
/* Nothing is being done for anybody at this moment. */
bool process_is_idle(const struct process *process);
void process_check_rest(struct process *process);

/* storage.c, storage_own.c */
extern const struct lucius_plugin sim_storage_plugin;
struct backend *storage_make_tables(struct process *process);
void storage_start_spectator(struct world *world);
void storage_finish_spectator(struct world *world);
void storage_server_start(struct world *world);
void storage_server_finish(struct world *world);
void storage_drop_requests(struct process *process);
void storage_drop_claims(struct process *process);
/* As the drop functions of a process that cannot be told any more. */
void storage_bury_requests(struct process *process);
void bus_bury_process(struct process *process);
void network_bury_process(struct process *process);
void engine_bury_process(struct process *process);
void storage_claim_name(struct process *process, const struct lucius_host *host,
        const struct lucius_ownership *asked, struct lucius_op op);
/* The job as it stands in the store; owned; NULL: there is none. */
struct job *storage_peek(struct process *process, const char *job_id);
/* How many jobs hold a slot. */
size_t storage_count_slots(struct world *world);

/* watch.c: what the store does, held against what it may do. */
struct version;
struct shadow {
	struct shadow *next; /* the one that was committed before */
	char job_id[33];
	struct job *job; /* owned; as last seen */
	const struct process *home; /* whose memory it is in; NULL: shared */
	bool is_gone; /* with its process */
	bool is_accepted; /* a 202 has named it, first at accepted_ms */
	bool is_disturbed; /* its run was ended from outside */
	bool is_released; /* its slot has been freed */
	unsigned n_in_pause; /* attempts started in the pause that is */
	uint64_t closed_ms;
	uint64_t accepted_ms;
	uint64_t changed_ms;
	uint64_t answered_ms; /* when a step changed last */
	struct version *versions; /* owned; the newest first, where lists are read */
};
struct shadow *watch_find(struct world *world, const char *job_id);
void watch_created(struct world *world, struct process *process, const char *job_id, bool has_key);
/* Created or saved, whichever it was, if the job is one that is shown. */
void watch_written(struct world *world, struct process *process, const char *job_id);
void watch_saved(struct world *world, struct process *process, const char *job_id);
void watch_released(struct world *world, const struct process *process, const char *job_id);
void watch_settled(
        struct world *world, const struct process *process, const struct reply_note *note);
void watch_memory_gone(struct world *world, const struct process *process);
void watch_accepted(struct world *world, const char *job_id);
void watch_finish(struct world *world);
void watch_check_rest(struct world *world);
bool watch_all_terminal(const struct world *world);
/* watch_lists.c: the shadow's job is what is committed now; what has been noted goes. */
void lists_note(const struct world *world, struct shadow *shadow);
void lists_forget(struct shadow *shadow);

/* bus.c: a broker with topics for directives and replies; bus_plugin.c: how processes reach it. */
extern const struct lucius_plugin sim_bus_plugin;

/* What a reply is about, for those who watch its settlement. */
struct reply_note {
	char job_id[33];
	char step_id[16];
	char lease_id[65];
	int64_t attempt_no;
	bool is_result;
	bool is_honest; /* matched it would count */
};
struct message {
	struct message *next;
	uint64_t number;
	char *body; /* owned */
	size_t body_size;
	char message_id[192];
	uint64_t expires_ms; /* NEVER_MS: never */
	unsigned delivery_count;
	struct receiver *receiver; /* who has it locked; NULL: nobody */
	uint64_t token; /* of the lock */
	char dead_reason[64]; /* empty: the bus gave it up itself */
	struct reply_note note;
};
struct queue {
	unsigned lane;
	bool is_replies;
	struct message *messages; /* owned; in the order of arrival */
	struct message *dead;
};
struct bus {
	struct queue directives[MAX_LANES], replies[MAX_LANES];
	uint64_t n_numbers; /* of messages and tokens */
	uint64_t out_until_ms;
	uint64_t unroutable_until_ms;
};
/* A subscription of a process. */
struct receiver {
	struct receiver *next;
	struct process *process;
	unsigned life;
	uint64_t number;
	const struct lucius_host *host;
	struct lucius_op op, unsubscribe;
	struct queue *queue;
	bool is_dead_letters;
	bool is_closing;
	uint32_t credit, n_held;
};
void bus_start(struct world *world);
void bus_finish(struct world *world);
/* A bus that does not survive its process begins anew. */
void bus_forget(struct world *world);
/* Puts it into the queue; note may be NULL. */
void bus_put(struct world *world, struct queue *queue, const char *body, size_t size,
        const char *message_id, uint64_t ttl_ms, const struct reply_note *note);
bool bus_holds(const struct queue *queue, const char *message_id);
/* Gives what is ready to whoever has credit. */
void bus_pump(struct world *world, struct queue *queue);
/* LUCIUS_OK or LUCIUS_LOCK_LOST. */
uint32_t bus_settle_message(struct world *world, const struct process *process,
        const struct lucius_settlement *settlement);
void bus_begin_outage(struct world *world, uint64_t ms, bool ends_subscriptions);
void bus_forget_receiver(struct receiver *receiver);
void bus_check_rest(struct world *world);
/* bus_plugin.c */
void bus_hand_over(struct receiver *receiver, const struct message *message);
void bus_end_receiver(struct receiver *receiver, uint32_t status);
void bus_receiver_let_go(struct receiver *receiver);
void bus_drop_process(struct process *process);

/* consumer.c */
void consumer_take(struct world *world, struct queue *queue, struct message *message);

/* engine.c */
extern const struct lucius_plugin sim_local_plugin; /* engine_local.c */
extern const struct lucius_plugin sim_temporal_plugin; /* temporal_plugin.c */
void engine_drop_process(struct process *process);
/* The signal with the reply to this lease has reached a run of the job, or there is none, or it was
 * taken up from rows that had it, or (local) it is in another process, whose sweeper will find out.
 */
bool engine_knows_answer(struct world *world, const struct process *process,
        const struct reply_note *note, uint64_t since_ms);
bool engine_has_run(struct world *world, const char *job_id);

/* The job is closed, and its run (local: in that process) goes on and knows nothing of it. */
bool engine_is_untold(
        struct world *world, const struct process *process, const struct shadow *shadow);
void engine_check(struct world *world);
void engine_check_rest(struct world *world);
void engine_finish(struct world *world);
/* temporal.c */
void temporal_start_service(struct world *world);
void temporal_finish(struct world *world);
void temporal_plan_ends(struct world *world);

/* client.c */
void client_plan(struct world *world);
void client_calm(struct world *world);
void client_finish(struct world *world);
/* One that has the API, up or not. */
struct process *client_choose_process(struct world *world);

/* reader.c */
void readers_plan(struct world *world);
/* All is as it will stay: each list is walked once more, and then all walks are over. */
void readers_come_to_rest(struct world *world);
void readers_check_rest(struct world *world);

/* network.c */
typedef void (*network_fn)(struct world *world, void *user, unsigned status, const char *body);
/* A request to a process; status 0: no answer. User is the caller's. */
/* Before processes are made: who asks for a client is found by its event base. */
void network_prepare(struct world *world);
void network_drop_process(struct process *process);
void network_call(struct process *process, unsigned listener, const char *method,
        const char *target, const char *body, network_fn fn, void *user);

/* make.c */
void world_make(struct world *world);
/* User: a process, which stands still for a while. */
void world_stall(struct world *world, void *user);

#endif
