/* SPDX-License-Identifier: MIT */
/* Reads the command line and the environment; see options.h. */
#include "consumers/runtime/options.h"

#include "consumers/common/environment.h"
#include "consumers/common/text.h"
#include "consumers/runtime/launch.h"
#include "support/base/cleanup.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NOOP_CREDIT = 500, MAX_CONCURRENCY = 5000 };

const char options_help[] =
        "Usage: lucius-consumer [OPTION]... -- HANDLER [ARGUMENT]...\n"
        "       lucius-consumer [OPTION]... --handler noop\n"
        "\n"
        "Takes directives from Service Bus, acknowledges each, runs HANDLER with the directive on\n"
        "standard input, and answers with the RESULT: what the handler prints (JSON) is the "
        "reference\n"
        "to its result; exit status 0 is a success, 75 or a signal a failure that may be tried "
        "again,\n"
        "any other a final one, and the last line of standard error says why.\n"
        "\n"
        "  --step-type TYPE[,TYPE]  handle these step types, complete others untouched\n"
        "  --concurrency N          handlers at a time (1)\n"
        "  --handler noop           answer SUCCEEDED at once, for benchmarks\n"
        "  --version, --help\n"
        "\n"
        "  SERVICEBUS_CONNECTION    connection string, or SERVICEBUS_CONNECTION_FILE\n"
        "  SERVICEBUS_TOPIC         a topic, a comma list, or a range: global-bus-p0..15\n"
        "  SERVICEBUS_SUBSCRIPTION  subscription of each topic\n"
        "  SERVICEBUS_REPLY_PREFIX  reply topics without the lane's number (global-bus-replies-p)\n"
        "  SERVICEBUS_MAX_DELIVERY  deliveries after which a directive is given up (5)\n"
        "  SERVICEBUS_CA_FILE       certificates to trust besides the system's\n"
        "  LUCIUS_LOG_LEVEL         debug, info, warning or error (info)\n"
        "  LUCIUS_LOG_FORMAT        json, text, or auto: text on a terminal (json)\n";

static int usage(struct fault *fault, const char *remark, const char *value)
{
	(void)fault_setting(fault, "'%s' %s See --help.", value, remark);
	fault->exit_status = EX_USAGE;
	return EX_USAGE;
}

static int read_concurrency(const char *text, struct fault *fault, uint32_t *ret_concurrency)
{
	char *end = NULL;
	long value = strtol(text, &end, 10);
	if (end == text || *end != '\0' || value < 1 || value > MAX_CONCURRENCY) {
		return usage(fault, "is no --concurrency; give a number from 1 to 5000.", text);
	}
	*ret_concurrency = (uint32_t)value;
	return 0;
}

static int read_option(int option, struct fault *fault, struct options *options, bool *is_noop)
{
	switch (option) {
	case 's':
		options->step_types = optarg;
		return 0;
	case 'c':
		return read_concurrency(optarg, fault, &options->concurrency);
	case 'n':
		if (strcmp(optarg, "noop") != 0) {
			return usage(fault,
			        "is no built-in handler; there is 'noop', programs stand behind "
			        "'--'.",
			        optarg);
		}
		*is_noop = true;
		return 0;
	case 'h':
		options->is_help = true;
		return 0;
	case 'v':
		options->is_version = true;
		return 0;
	default:
		return -1;
	}
}

static int read_arguments(int argc, char **argv, struct fault *fault, struct options *options)
{
	static const struct option known[] = {
		{ "step-type", required_argument, NULL, 's' },
		{ "concurrency", required_argument, NULL, 'c' },
		{ "handler", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	bool is_noop = false;
	int option = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, "+:", known, NULL)) != -1) {
		int status = read_option(option, fault, options, &is_noop);
		if (status < 0) {
			return usage(fault, "is no option, or lacks its value.", argv[optind - 1]);
		}
		if (status != 0 || options->is_help || options->is_version) {
			return status;
		}
	}
	if (is_noop == (optind < argc)) {
		return usage(fault,
		        is_noop ? "stands beside --handler noop; give one of the two."
		                : "needs a handler: give a program behind '--', or --handler noop.",
		        is_noop ? argv[optind] : "lucius-consumer");
	}
	if (!is_noop && !launch_can_find(argv[optind])) {
		return usage(fault, "is no program that can be run: not found, or not executable.",
		        argv[optind]);
	}
	options->handler = is_noop ? NULL : (const char *const *)(argv + optind);
	if (options->concurrency == 0) {
		options->concurrency = is_noop ? NOOP_CREDIT : 1;
	}
	return 0;
}

static int read_connection(struct fault *fault, struct options *options)
{
	CLEANUP_FREE char *text = NULL;
	char error[256] = "";
	int status = environment_secret("SERVICEBUS_CONNECTION", fault, &text);
	(void)unsetenv("SERVICEBUS_CONNECTION");
	(void)unsetenv("SERVICEBUS_CONNECTION_FILE");
	if (status != 0) {
		return status;
	}
	if (text == NULL) {
		return fault_setting(fault,
		        "SERVICEBUS_CONNECTION is not set; give 'Endpoint=sb://...;"
		        "SharedAccessKeyName=...;SharedAccessKey=...', or the file that holds it "
		        "as "
		        "SERVICEBUS_CONNECTION_FILE.");
	}
	bool is_read = azure_servicebus_parse(text, &options->connection, error, sizeof(error));
	explicit_bzero(text, strlen(text));
	return is_read ? 0
	               : fault_setting(fault, "SERVICEBUS_CONNECTION cannot be used: %s", error);
}

/* A key that is good for one entity only names the topic too. */
static int read_topics(struct fault *fault, struct options *options)
{
	const char *topics = environment_text("SERVICEBUS_TOPIC");
	if (topics == NULL) {
		topics = options->connection.entity_path;
	}
	if (topics == NULL) {
		return fault_setting(fault,
		        "SERVICEBUS_TOPIC is not set; give a topic, a comma list, or a range such "
		        "as "
		        "'global-bus-p0..15'.");
	}
	return topics_read(topics, "SERVICEBUS_TOPIC", fault, &options->topics);
}

static int read_names(struct fault *fault, struct options *options)
{
	options->subscription = environment_text("SERVICEBUS_SUBSCRIPTION");
	options->reply_prefix = environment_text("SERVICEBUS_REPLY_PREFIX");
	options->ca_file = environment_text("SERVICEBUS_CA_FILE");
	if (options->reply_prefix == NULL) {
		options->reply_prefix = "global-bus-replies-p";
	}
	if (options->subscription == NULL) {
		return fault_setting(fault,
		        "SERVICEBUS_SUBSCRIPTION is not set; give the consumer group's "
		        "subscription, "
		        "such as 'distributed-ocr'.");
	}
	if (strchr(options->subscription, '/') != NULL || strlen(options->subscription) > 50) {
		return fault_setting(fault,
		        "SERVICEBUS_SUBSCRIPTION is '%s'; a name of up to 50 characters without "
		        "'/' "
		        "is accepted.",
		        options->subscription);
	}
	return 0;
}

/* The index of the text in names, -1 if it is none of them. */
static int choice(const char *text, const char *const *names, int n_names)
{
	for (int i = 0; i < n_names; i++) {
		if (strcasecmp(text, names[i]) == 0) {
			return i;
		}
	}
	return -1;
}

static int read_log(struct fault *fault, struct options *options)
{
	static const char *const levels[] = { "debug", "info", "warning", "error" };
	static const char *const formats[] = { "json", "text", "auto" };
	const char *level = environment_text("LUCIUS_LOG_LEVEL");
	const char *format = environment_text("LUCIUS_LOG_FORMAT");
	int level_index = level != NULL ? choice(level, levels, 4) : LOG_INFO;
	int format_index = format != NULL ? choice(format, formats, 3) : LOG_JSON;
	if (level_index < 0) {
		return fault_setting(fault,
		        "LUCIUS_LOG_LEVEL is '%s'; debug, info, warning or error is accepted.",
		        level);
	}
	if (format_index < 0) {
		return fault_setting(fault,
		        "LUCIUS_LOG_FORMAT is '%s'; json, text or auto is accepted.", format);
	}
	options->log_level = (enum log_level)level_index;
	options->log_format = (enum log_format)format_index;
	return 0;
}

static int read_environment(struct fault *fault, struct options *options)
{
	static const struct environment_range deliveries = { 5, 1, 1000 };
	int64_t max_deliveries = 0;
	int status = read_log(fault, options);
	if (status == 0) {
		status = read_connection(fault, options);
	}
	if (status == 0) {
		status = read_topics(fault, options);
	}
	if (status == 0) {
		status = read_names(fault, options);
	}
	if (status == 0) {
		status = environment_number(
		        "SERVICEBUS_MAX_DELIVERY", &deliveries, fault, &max_deliveries);
	}
	options->max_deliveries = (uint32_t)max_deliveries;
	return status;
}

int options_read(int argc, char **argv, struct fault *fault, struct options *ret_options)
{
	*ret_options = (struct options){ .usual_lease_seconds = 900 };
	int status = read_arguments(argc, argv, fault, ret_options);
	if (status != 0 || ret_options->is_help || ret_options->is_version) {
		return status;
	}
	return read_environment(fault, ret_options);
}

void options_finish(struct options *options)
{
	azure_servicebus_finish(&options->connection);
	topics_finish(&options->topics);
	*options = (struct options){ 0 };
}

bool options_has_step_type(const struct options *options, const char *step_type)
{
	if (options->step_types == NULL) {
		return true;
	}
	size_t length = step_type != NULL ? strlen(step_type) : 0;
	const char *at = options->step_types;
	while (length > 0 && at != NULL) {
		size_t item = strcspn(at, ",");
		if (item == length && strncmp(at, step_type, length) == 0) {
			return true;
		}
		at = at[item] == ',' ? at + item + 1 : NULL;
	}
	return false;
}
