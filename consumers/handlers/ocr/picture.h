/* SPDX-License-Identifier: MIT */
/*
 * What kind of document a file is and how large its pictures are, read from the file's own
 * headers, before any program is asked to unpack it.
 */
#ifndef CONSUMERS_HANDLERS_OCR_PICTURE_H
#define CONSUMERS_HANDLERS_OCR_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

enum document_kind {
	DOCUMENT_UNKNOWN,
	DOCUMENT_PNG,
	DOCUMENT_JPEG,
	DOCUMENT_TIFF,
	DOCUMENT_PDF,
};

struct picture_size {
	uint32_t width;
	uint32_t height;
};

enum document_kind picture_kind(int fd);

/* "PNG" and "image/png"; literals. */
const char *picture_kind_name(enum document_kind kind);
const char *picture_content_type(enum document_kind kind);

/*
 * The size of the picture with that number, from 1 (PNG and JPEG have one). False if there is no
 * such picture or the file is broken.
 */
bool picture_size(int fd, enum document_kind kind, uint32_t number, struct picture_size *ret_size);

/* The pictures of a TIFF, at most limit; 0 if it is broken. */
uint32_t picture_count_tiff(int fd, uint32_t limit);

#endif
