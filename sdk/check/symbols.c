/* SPDX-License-Identifier: MIT */
/*
 * Reads the table of dynamic symbols of an ELF file of this machine's class. Everything in the file
 * is taken for hostile: each offset is held against its size.
 */
#include "sdk/check/symbols.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define N_NAMED 4 /* in the sentence; the others are counted */

struct image {
	const unsigned char *bytes;
	size_t size;
};

struct exported {
	char names[512];
	size_t n_others; /* beside the one that is wanted */
};

/* N things of that size at the offset; NULL: they are not all within the file. */
static const void *at(const struct image *image, uint64_t offset, uint64_t n, uint64_t size)
{
	bool is_within = offset <= image->size && n <= (image->size - offset) / size;
	return is_within && offset % 8 == 0 ? image->bytes + offset : NULL;
}

static const ElfW(Shdr) * section(const struct image *image, uint64_t n)
{
	const ElfW(Ehdr) *header = at(image, 0, 1, sizeof(*header));
	if (header == NULL || n >= header->e_shnum || header->e_shentsize != sizeof(ElfW(Shdr))) {
		return NULL;
	}
	const ElfW(Shdr) *sections = at(image, header->e_shoff, header->e_shnum, sizeof(*sections));
	return sections != NULL ? &sections[n] : NULL;
}

static const ElfW(Shdr) * find_section(const struct image *image, uint32_t type)
{
	const ElfW(Shdr) *found = NULL;
	for (uint64_t i = 0; (found = section(image, i)) != NULL; i++) {
		if (found->sh_type == type) {
			return found;
		}
	}
	return NULL;
}

/* The text at the place of the table; NULL: it does not end within the file. */
static const char *text_at(const struct image *image, const ElfW(Shdr) * texts, uint64_t place)
{
	if (texts->sh_offset > image->size || place > image->size - texts->sh_offset) {
		return NULL;
	}
	const char *text = (const char *)image->bytes + texts->sh_offset + place;
	return memchr(text, '\0', image->size - texts->sh_offset - place) != NULL ? text : NULL;
}

static bool is_exported(const ElfW(Sym) * symbol)
{
	unsigned binding = ELF64_ST_BIND(symbol->st_info);
	unsigned visibility = ELF64_ST_VISIBILITY(symbol->st_other);
	return symbol->st_shndx != SHN_UNDEF && binding != STB_LOCAL &&
	        (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

static void add(struct exported *exported, const char *name)
{
	size_t size = strlen(exported->names);
	if (strcmp(name, "lucius_plugin") == 0) {
		return;
	}
	if (exported->n_others++ < N_NAMED) {
		(void)snprintf(exported->names + size, sizeof(exported->names) - size, "%s'%.80s'",
		        size != 0 ? ", " : "", name);
	}
}

static bool read_symbols(const struct image *image, struct exported *ret_exported)
{
	const ElfW(Shdr) *table = find_section(image, SHT_DYNSYM);
	const ElfW(Shdr) *texts = table != NULL ? section(image, table->sh_link) : NULL;
	uint64_t n = table != NULL ? table->sh_size / sizeof(ElfW(Sym)) : 0;
	const ElfW(Sym) *symbols =
	        table != NULL ? at(image, table->sh_offset, n, sizeof(*symbols)) : NULL;
	if (texts == NULL || symbols == NULL) {
		return false;
	}
	for (uint64_t i = 0; i < n; i++) {
		const char *name = text_at(image, texts, symbols[i].st_name);
		if (name != NULL && is_exported(&symbols[i])) {
			add(ret_exported, name);
		}
	}
	return true;
}

static bool map(const char *path, struct image *ret_image)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) != 0 || status.st_size <= 0) {
		(void)close(fd);
		return false;
	}
	void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	(void)close(fd);
	*ret_image = (struct image){ bytes, (size_t)status.st_size };
	return bytes != MAP_FAILED;
}

bool symbols_check(const char *path, char *fault, size_t fault_size)
{
	struct image image;
	struct exported exported = { .n_others = 0 };
	if (!map(path, &image)) {
		(void)snprintf(fault, fault_size, "'%s' cannot be read: %s", path, strerror(errno));
		return false;
	}
	bool is_read = read_symbols(&image, &exported);
	(void)munmap((void *)(uintptr_t)image.bytes, image.size);
	if (!is_read) {
		(void)snprintf(fault, fault_size,
		        "'%s' has no table of sections to read its symbols from; do not strip it "
		        "of "
		        "that",
		        path);
	} else if (exported.n_others != 0) {
		(void)snprintf(fault, fault_size,
		        "'%s' exports %zu symbols beside 'lucius_plugin' (%s%s), which may meet "
		        "those "
		        "of others; link it with the version script: `pkg-config --libs lucius`",
		        path, exported.n_others, exported.names,
		        exported.n_others > N_NAMED ? ", …" : "");
	}
	return is_read && exported.n_others == 0;
}
