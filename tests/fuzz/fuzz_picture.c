/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a document through what tells kinds and sizes apart before any program unpacks it.
 * Nothing may depend on bytes that are not there, and what has a size has a side.
 */
#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

#include "consumers/handlers/ocr/picture.h"
#include "tests/fuzz/fuzz.h"

enum { MAX_PICTURES = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	int fd = memfd_create("picture", MFD_CLOEXEC);
	assert(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	enum document_kind kind = picture_kind(fd);
	struct picture_size found = { 0 };
	uint32_t n_pictures = kind == DOCUMENT_TIFF ? picture_count_tiff(fd, MAX_PICTURES) : 2;
	assert(n_pictures <= MAX_PICTURES);
	for (uint32_t number = 1; number <= n_pictures; number++) {
		if (picture_size(fd, kind, number, &found)) {
			assert(found.width > 0 && found.height > 0);
			assert(kind == DOCUMENT_TIFF || number == 1);
		}
	}
	close(fd);
	return 0;
}
