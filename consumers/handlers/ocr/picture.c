/* SPDX-License-Identifier: MIT */
/* Reads the headers of pictures; see picture.h. */
#include "consumers/handlers/ocr/picture.h"

#include <string.h>
#include <unistd.h>

enum {
	TIFF_ENTRY_SIZE = 12,
	TIFF_TAG_WIDTH = 256,
	TIFF_TAG_HEIGHT = 257,
	TIFF_TYPE_SHORT = 3,
	TIFF_MAX_ENTRIES = 4096,
	PDF_HEADER_WITHIN = 1024, /* where readers look for %PDF- */
};

static bool read_at(int fd, uint64_t offset, void *bytes, size_t size)
{
	return offset < INT64_MAX && pread(fd, bytes, size, (off_t)offset) == (ssize_t)size;
}

static uint32_t big_endian(const unsigned char *bytes, size_t size)
{
	uint32_t value = 0;
	for (size_t i = 0; i < size; i++) {
		value = value << 8U | bytes[i];
	}
	return value;
}

static uint32_t little_endian(const unsigned char *bytes, size_t size)
{
	uint32_t value = 0;
	for (size_t i = size; i > 0; i--) {
		value = value << 8U | bytes[i - 1];
	}
	return value;
}

enum document_kind picture_kind(int fd)
{
	unsigned char head[PDF_HEADER_WITHIN] = { 0 };
	ssize_t size = pread(fd, head, sizeof(head), 0);
	if (size < 8) {
		return DOCUMENT_UNKNOWN;
	}
	if (memcmp(head, "\x89PNG\r\n\x1a\n", 8) == 0) {
		return DOCUMENT_PNG;
	}
	if (memcmp(head, "\xff\xd8\xff", 3) == 0) {
		return DOCUMENT_JPEG;
	}
	if (memcmp(head, "II*\0", 4) == 0 || memcmp(head, "MM\0*", 4) == 0) {
		return DOCUMENT_TIFF;
	}
	return memmem(head, (size_t)size, "%PDF-", 5) != NULL ? DOCUMENT_PDF : DOCUMENT_UNKNOWN;
}

const char *picture_kind_name(enum document_kind kind)
{
	static const char *const names[] = { "unknown", "PNG", "JPEG", "TIFF", "PDF" };
	return names[kind];
}

const char *picture_content_type(enum document_kind kind)
{
	static const char *const types[] = { "application/octet-stream", "image/png", "image/jpeg",
		"image/tiff", "application/pdf" };
	return types[kind];
}

/* The IHDR chunk is always the first (PNG specification, 5.6). */
static bool png_size(int fd, struct picture_size *ret_size)
{
	unsigned char head[16];
	if (!read_at(fd, 8, head, sizeof(head)) || memcmp(head + 4, "IHDR", 4) != 0) {
		return false;
	}
	ret_size->width = big_endian(head + 8, 4);
	ret_size->height = big_endian(head + 12, 4);
	return true;
}

static bool is_jpeg_frame(unsigned char marker)
{
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 &&
	        marker != 0xcc;
}

/* Goes from marker to marker up to the frame header (ITU-T T.81, B.2.2). */
static bool jpeg_size(int fd, struct picture_size *ret_size)
{
	uint64_t offset = 2;
	unsigned char head[9];
	while (read_at(fd, offset, head, sizeof(head)) && head[0] == 0xff) {
		if (head[1] == 0xff) {
			offset++;
			continue;
		}
		if (is_jpeg_frame(head[1])) {
			ret_size->height = big_endian(head + 5, 2);
			ret_size->width = big_endian(head + 7, 2);
			return true;
		}
		uint32_t length = big_endian(head + 2, 2);
		if (length < 2 || head[1] == 0xda) {
			return false;
		}
		offset += 2 + length;
	}
	return false;
}

struct tiff {
	int fd;
	bool is_big_endian;
	uint32_t directory; /* offset of the one that is looked at; 0 = past the last */
};

static uint32_t tiff_number(const struct tiff *tiff, const unsigned char *bytes, size_t size)
{
	return tiff->is_big_endian ? big_endian(bytes, size) : little_endian(bytes, size);
}

static bool tiff_open(int fd, struct tiff *ret_tiff)
{
	unsigned char head[8];
	if (!read_at(fd, 0, head, sizeof(head))) {
		return false;
	}
	*ret_tiff = (struct tiff){ .fd = fd, .is_big_endian = head[0] == 'M' };
	ret_tiff->directory = tiff_number(ret_tiff, head + 4, 4);
	return ret_tiff->directory != 0;
}

static bool tiff_n_entries(const struct tiff *tiff, uint32_t *ret_n_entries)
{
	unsigned char count[2];
	if (!read_at(tiff->fd, tiff->directory, count, sizeof(count))) {
		return false;
	}
	*ret_n_entries = tiff_number(tiff, count, 2);
	return *ret_n_entries > 0 && *ret_n_entries <= TIFF_MAX_ENTRIES;
}

/* Goes to the next directory; false if this one is broken. */
static bool tiff_next(struct tiff *tiff)
{
	uint32_t n_entries = 0;
	unsigned char next[4];
	if (!tiff_n_entries(tiff, &n_entries) ||
	        !read_at(tiff->fd,
	                (uint64_t)tiff->directory + 2 + (uint64_t)n_entries * TIFF_ENTRY_SIZE, next,
	                sizeof(next))) {
		return false;
	}
	tiff->directory = tiff_number(tiff, next, 4);
	return true;
}

static bool tiff_directory_size(const struct tiff *tiff, struct picture_size *ret_size)
{
	uint32_t n_entries = 0;
	if (!tiff_n_entries(tiff, &n_entries)) {
		return false;
	}
	for (uint32_t i = 0; i < n_entries; i++) {
		unsigned char entry[TIFF_ENTRY_SIZE];
		if (!read_at(tiff->fd,
		            (uint64_t)tiff->directory + 2 + (uint64_t)i * TIFF_ENTRY_SIZE, entry,
		            sizeof(entry))) {
			return false;
		}
		uint32_t tag = tiff_number(tiff, entry, 2);
		uint32_t type = tiff_number(tiff, entry + 2, 2);
		uint32_t value = tiff_number(tiff, entry + 8, type == TIFF_TYPE_SHORT ? 2 : 4);
		if (tag == TIFF_TAG_WIDTH) {
			ret_size->width = value;
		} else if (tag == TIFF_TAG_HEIGHT) {
			ret_size->height = value;
		}
	}
	return true;
}

/* The limit ends a chain of directories that leads back to itself. */
uint32_t picture_count_tiff(int fd, uint32_t limit)
{
	struct tiff tiff;
	uint32_t n_pictures = 0;
	if (!tiff_open(fd, &tiff)) {
		return 0;
	}
	while (tiff.directory != 0 && n_pictures < limit) {
		if (!tiff_next(&tiff)) {
			return 0;
		}
		n_pictures++;
	}
	return n_pictures;
}

static bool tiff_size(int fd, uint32_t number, struct picture_size *ret_size)
{
	struct tiff tiff;
	if (!tiff_open(fd, &tiff)) {
		return false;
	}
	for (uint32_t i = 1; i < number; i++) {
		if (!tiff_next(&tiff) || tiff.directory == 0) {
			return false;
		}
	}
	return tiff_directory_size(&tiff, ret_size);
}

bool picture_size(int fd, enum document_kind kind, uint32_t number, struct picture_size *ret_size)
{
	struct picture_size size = { 0 };
	bool is_read = false;
	switch (kind) {
	case DOCUMENT_PNG:
		is_read = number == 1 && png_size(fd, &size);
		break;
	case DOCUMENT_JPEG:
		is_read = number == 1 && jpeg_size(fd, &size);
		break;
	case DOCUMENT_TIFF:
		is_read = tiff_size(fd, number, &size);
		break;
	case DOCUMENT_PDF:
	case DOCUMENT_UNKNOWN:
		break;
	}
	if (!is_read || size.width == 0 || size.height == 0) {
		return false;
	}
	*ret_size = size;
	return true;
}
