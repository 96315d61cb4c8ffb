/* SPDX-License-Identifier: MIT */
/* lucius-consumer: the runtime of platform consumers. */
#include "consumers/runtime/consumer.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* Later descriptors must not take the numbers of the standard ones. */
static void open_standard_descriptors(void)
{
	int fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO) {
		fd = open("/dev/null", O_RDWR);
	}
	if (fd >= 0) {
		(void)close(fd);
	}
}

static int run(int argc, char **argv)
{
	struct options options;
	struct fault fault = { 0 };
	int status = options_read(argc, argv, &fault, &options);
	if (status != 0) {
		fprintf(stderr, "lucius-consumer: %s\n", fault.message);
	} else if (options.is_help) {
		printf("%s", options_help);
	} else if (options.is_version) {
		printf("lucius-consumer %s\n", LUCIUS_VERSION);
	} else {
		log_configure(options.log_level, options.log_format);
		status = consumer_main(&options);
	}
	fault_finish(&fault);
	options_finish(&options);
	return status;
}

int main(int argc, char **argv)
{
	open_standard_descriptors();
	(void)signal(SIGPIPE, SIG_IGN);
	return run(argc, argv);
}
