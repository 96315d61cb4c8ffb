/* SPDX-License-Identifier: MIT */
/* Signatures of Azure Storage against vectors that other implementations made. */
#include "support/azure/shared_key.h"

#include <stdlib.h>

#include "support/azure/storage_connection.h"
#include "support/base/cleanup.h"
#include "tests/support/suite.h"

#define DATE "Mon, 01 Jan 2024 00:00:00 GMT"

static struct azure_storage emulator(void)
{
	struct azure_storage storage = { 0 };
	char error[300];
	CHECK(azure_storage_parse("UseDevelopmentStorage=true", &storage, error, sizeof(error)));
	return storage;
}

/* The vectors are of an emulator, whose paths begin with the account. */
static void check_key(const struct azure_signed *request, const char *expected)
{
	struct azure_storage storage = emulator();
	CLEANUP_FREE char *value = azure_shared_key(&storage, request);
	CHECK(strncmp(value, "SharedKey devstoreaccount1:", 27) == 0);
	CHECK_TEXT(value + 27, expected);
	azure_storage_finish(&storage);
}

static void shared_key_signs_as_others_do(void)
{
	check_key(&(struct azure_signed){ "POST", "application/json", DATE,
	                  "/devstoreaccount1/jobs" },
	        "3qNYQhzPwnyhEL9Nh6E+SmQASGivdnzAoRmhPrYqrVE=");
	check_key(&(struct azure_signed){ "POST", "multipart/mixed; boundary=batch_1", DATE,
	                  "/devstoreaccount1/$batch" },
	        "jAXTl+DbAlrbuImJOMUXJV4EoFWW8mMfaAWByFaJb7Q=");
	check_key(&(struct azure_signed){ "GET", "", DATE,
	                  "/devstoreaccount1/jobs(PartitionKey='p%20q',RowKey='r''1%25')" },
	        "YUMVPZR/SRVwyd90CDtyApGr4S3nC1EleSvg/BBlkoU=");
}

static void shared_key_lite_signs_as_others_do(void)
{
	struct azure_storage storage = emulator();
	struct azure_signed request = { "POST", "", DATE, "/devstoreaccount1/jobs" };
	CLEANUP_FREE char *value = azure_shared_key_lite(&storage, &request);
	CHECK_TEXT(value,
	        "SharedKeyLite devstoreaccount1:lsYuV5tj9jAhSqunjiz2rZFXAlL+jeXq8eTtcYxNoWo=");
	azure_storage_finish(&storage);
}

static void dates_are_written_in_english_and_utc(void)
{
	char date[AZURE_DATE_SIZE];
	azure_date_write(date, 1704067200);
	CHECK_TEXT(date, DATE);
	azure_date_write(date, 951827696);
	CHECK_TEXT(date, "Tue, 29 Feb 2000 12:34:56 GMT");
}

/* Signatures made with Python's hmac over the text of "Create an account SAS". */
static void account_sas_is_a_query_with_its_signature_last(void)
{
	struct azure_storage storage = emulator();
	struct azure_account_sas sas = { .permissions = "raud",
		.services = "t",
		.resource_types = "sco",
		.expiry = "2030-01-01T00:00:00Z",
		.version = "2019-02-02" };
	CLEANUP_FREE char *old = azure_account_sas_make(&storage, &sas);
	CHECK_TEXT(old,
	        "sv=2019-02-02&ss=t&srt=sco&sp=raud&se=2030-01-01T00%3A00%3A00Z&sig=i0O%"
	        "2BtVR3HBpmfgvpk5SyVw8hYWDe%2BBhJN3sHSFs%2FXx8%3D");
	sas.version = "2020-12-06";
	sas.protocol = "https,http";
	CLEANUP_FREE char *new = azure_account_sas_make(&storage, &sas);
	CHECK_TEXT(new,
	        "sv=2020-12-06&ss=t&srt=sco&sp=raud&se=2030-01-01T00%3A00%3A00Z&"
	        "spr=https%2Chttp&sig=%2BXHc3ogR4jAJDG7gEibewLHxilu74wgVbYW7uh86kK4%3D");
	azure_storage_finish(&storage);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(shared_key_signs_as_others_do),
		SUITE_TEST(shared_key_lite_signs_as_others_do),
		SUITE_TEST(dates_are_written_in_english_and_utc),
		SUITE_TEST(account_sas_is_a_query_with_its_signature_last),
	};
	return suite_run("shared_key", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
