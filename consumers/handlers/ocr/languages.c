/* SPDX-License-Identifier: MIT */
/* Language hints: the codes that people write, and what is installed. */
#include "consumers/common/text.h"
#include "consumers/handlers/common/child.h"
#include "consumers/handlers/ocr/tesseract.h"
#include "consumers/handlers/ocr/tool.h"
#include "support/base/cleanup.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { LANGUAGE_MAX_LENGTH = 32 };

/* ISO 639-1 and the name of tesseract's model, which is mostly ISO 639-2/T. */
static const char *const translations[][2] = {
	{ "ar", "ara" },
	{ "bg", "bul" },
	{ "ca", "cat" },
	{ "cs", "ces" },
	{ "da", "dan" },
	{ "de", "deu" },
	{ "el", "ell" },
	{ "en", "eng" },
	{ "es", "spa" },
	{ "et", "est" },
	{ "fa", "fas" },
	{ "fi", "fin" },
	{ "fr", "fra" },
	{ "he", "heb" },
	{ "hi", "hin" },
	{ "hr", "hrv" },
	{ "hu", "hun" },
	{ "id", "ind" },
	{ "it", "ita" },
	{ "ja", "jpn" },
	{ "ko", "kor" },
	{ "lt", "lit" },
	{ "lv", "lav" },
	{ "nl", "nld" },
	{ "no", "nor" },
	{ "pl", "pol" },
	{ "pt", "por" },
	{ "ro", "ron" },
	{ "ru", "rus" },
	{ "sk", "slk" },
	{ "sl", "slv" },
	{ "sr", "srp" },
	{ "sv", "swe" },
	{ "th", "tha" },
	{ "tr", "tur" },
	{ "uk", "ukr" },
	{ "vi", "vie" },
	{ "zh", "chi_sim" },
	{ "zh-cn", "chi_sim" },
	{ "zh-tw", "chi_tra" },
};

static const char *translate(const char *language)
{
	const char *found = NULL;
	size_t primary = strcspn(language, "-");
	for (size_t i = 0; i < sizeof(translations) / sizeof(translations[0]); i++) {
		const char *code = translations[i][0];
		if (strcasecmp(code, language) == 0) {
			return translations[i][1];
		}
		if (strlen(code) == primary && strncasecmp(code, language, primary) == 0) {
			found = translations[i][1];
		}
	}
	return found != NULL ? found : language;
}

/* Nothing but a plain name may reach a program that makes a path of it. */
static bool is_plain(const char *language)
{
	size_t length = 0;
	for (; language[length] != '\0'; length++) {
		unsigned char byte = (unsigned char)language[length];
		if (!isalnum(byte) && byte != '_' && byte != '-') {
			return false;
		}
	}
	return length > 0 && length <= LANGUAGE_MAX_LENGTH && language[0] != '-';
}

static bool is_installed(const char *list, const char *language)
{
	size_t length = strlen(language);
	for (const char *at = list; (at = strstr(at, language)) != NULL; at += length) {
		bool is_begin = at == list || at[-1] == '\n';
		if (is_begin && (at[length] == '\n' || at[length] == '\0')) {
			return true;
		}
	}
	return false;
}

static int list_installed(
        const struct settings *settings, struct child_end *end, struct fault *fault)
{
	const char *const argv[] = { "tesseract", "--list-langs", NULL };
	struct child_limits limits = tool_limits(settings);
	child_run(argv, &limits, end);
	int status = tool_check("tesseract", end, "its list of languages", fault);
	if (status == 0 && end->value != 0) {
		status =
		        fault_setting(fault, "'tesseract --list-langs' fails: %s.", end->complaint);
	}
	return status;
}

static int add_language(const char *language, const char *hint, const char *installed,
        struct fault *fault, char **languages)
{
	if (!is_plain(language)) {
		return fault_final(fault, "LANGUAGE_INVALID",
		        "language_hint '%s' is not a language code, such as 'eng', 'de' or "
		        "'deu+eng'.",
		        hint);
	}
	const char *name = translate(language);
	if (!is_installed(installed, name)) {
		return fault_final(fault, "LANGUAGE_UNAVAILABLE",
		        "The language '%s' of language_hint '%s' is not installed for tesseract "
		        "here.",
		        name, hint);
	}
	char *longer =
	        *languages == NULL ? text_copy(name) : text_format("%s+%s", *languages, name);
	free(*languages);
	*languages = longer;
	return 0;
}

int tesseract_languages(const char *hint, const struct settings *settings, struct fault *fault,
        char **ret_languages)
{
	CLEANUP(child_end_finish) struct child_end end;
	int status = list_installed(settings, &end, fault);
	if (status != 0) {
		return status;
	}
	CLEANUP_FREE char *copy = text_copy(hint);
	CLEANUP_FREE char *languages = NULL;
	char *rest = copy;
	for (char *language = strsep(&rest, "+,"); language != NULL;
	        language = strsep(&rest, "+,")) {
		status = add_language(language, hint, end.output, fault, &languages);
		if (status != 0) {
			return status;
		}
	}
	*ret_languages = steal(languages);
	return 0;
}
