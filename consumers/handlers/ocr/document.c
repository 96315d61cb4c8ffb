/* SPDX-License-Identifier: MIT */
/* Tells documents apart and hands out their pages; see document.h. */
#include "consumers/handlers/ocr/document.h"

#include "consumers/common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	TIFF_MAX_PICTURES = 65536,
	LONGEST_SIDE = 32767, /* tesseract reads no longer ones */
};

static int unsupported(const struct document *document, struct fault *fault)
{
	return fault_final(fault, "UNSUPPORTED_FORMAT",
	        "'%s' is not a PNG, JPEG, TIFF or PDF by its first bytes.", document->shown);
}

static int broken(const struct document *document, struct fault *fault)
{
	return fault_final(fault, "BROKEN_DOCUMENT",
	        "'%s' begins like a %s, but its headers are broken or cut.", document->shown,
	        picture_kind_name(document->kind));
}

int document_open(struct document *document, struct fault *fault)
{
	document->fd = open(document->path, O_RDONLY | O_CLOEXEC);
	if (document->fd < 0) {
		return fault_temporary(fault, "NO_WORKSPACE", "The copy of '%s' is gone: %s.",
		        document->shown, strerror(errno));
	}
	document->kind = picture_kind(document->fd);
	switch (document->kind) {
	case DOCUMENT_PDF:
		return pdf_count_pages(document, fault);
	case DOCUMENT_TIFF:
		document->n_pages = picture_count_tiff(document->fd, TIFF_MAX_PICTURES);
		break;
	case DOCUMENT_PNG:
	case DOCUMENT_JPEG:
		document->n_pages = 1;
		break;
	case DOCUMENT_UNKNOWN:
		return unsupported(document, fault);
	}
	return document->n_pages > 0 ? 0 : broken(document, fault);
}

void document_close(struct document *document)
{
	if (document->fd >= 0) {
		close(document->fd);
	}
	document->fd = -1;
}

int document_check_size(const struct document *document, uint32_t number,
        const struct picture_size *size, struct fault *fault)
{
	const struct settings *settings = document->settings;
	int64_t n_pixels = (int64_t)size->width * size->height;
	if (size->width <= LONGEST_SIDE && size->height <= LONGEST_SIDE &&
	        n_pixels <= settings->max_pixels) {
		return 0;
	}
	return fault_final(fault, "PAGE_TOO_LARGE",
	        "Page %" PRIu32 " of '%s' has %" PRIu32 " x %" PRIu32 " pixels; %" PRId64
	        " megapixels (LUCIUS_OCR_MAX_MEGAPIXELS) and %d a side are read at most.",
	        number, document->shown, size->width, size->height, settings->max_pixels / 1000000,
	        LONGEST_SIDE);
}

int document_page(const struct document *document, uint32_t number, struct fault *fault,
        struct page_picture *ret_picture)
{
	struct page_picture picture = {
		.number = number, .kind = document->kind, .picture_number = number
	};
	int status = 0;
	if (document->kind == DOCUMENT_PDF) {
		status = pdf_draw_page(document, number, fault, &picture);
	} else if (picture_size(document->fd, document->kind, number, &picture.size)) {
		picture.path = text_copy(document->path);
	} else {
		status = broken(document, fault);
	}
	if (status == 0) {
		status = document_check_size(document, number, &picture.size, fault);
	}
	if (status != 0) {
		page_picture_finish(&picture);
		return status;
	}
	*ret_picture = picture;
	return 0;
}

void page_picture_finish(struct page_picture *picture)
{
	if (picture->is_temporary && picture->path != NULL) {
		(void)unlink(picture->path);
	}
	free(picture->path);
	*picture = (struct page_picture){ 0 };
}
