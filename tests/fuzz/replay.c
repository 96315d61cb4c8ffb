/* SPDX-License-Identifier: MIT */
/* Runs a fuzz entry over each file of a corpus folder, so that what was found once stays mended. */
#include <dirent.h>
#include <stdio.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/fuzz/fuzz.h"

enum { LARGEST_INPUT = 1 << 20 };

static void close_folder(DIR **folder)
{
	if (*folder != NULL) {
		(void)closedir(*folder);
	}
}

static void close_file(FILE **file)
{
	if (*file != NULL) {
		(void)fclose(*file);
	}
}

/* The input lies in a block of just its size, so that reading beyond it is seen. */
static int replay(const char *path)
{
	FILE *file CLEANUP(close_file) = fopen(path, "re");
	if (file == NULL) {
		perror(path);
		return 1;
	}
	uint8_t *room CLEANUP_FREE = must_calloc(LARGEST_INPUT, 1);
	size_t size = fread(room, 1, LARGEST_INPUT, file);
	uint8_t *bytes CLEANUP_FREE = must_resize(NULL, size, 1);
	memcpy(bytes, room, size);
	return LLVMFuzzerTestOneInput(bytes, size);
}

static int replay_folder(const char *path)
{
	DIR *folder CLEANUP(close_folder) = opendir(path);
	if (folder == NULL) {
		perror(path);
		return 1;
	}
	int n_inputs = 0;
	int status = 0;
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		if (entry->d_name[0] != '.') {
			char *file CLEANUP_FREE = must_print("%s/%s", path, entry->d_name);
			status |= replay(file);
			n_inputs++;
		}
	}
	printf("%s: %d inputs\n", path, n_inputs);
	return n_inputs == 0 ? 1 : status;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s CORPUS-FOLDER...\n", argv[0]);
		return 2;
	}
	int status = 0;
	for (int i = 1; i < argc; i++) {
		status |= replay_folder(argv[i]);
	}
	return status;
}
