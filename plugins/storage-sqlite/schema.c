/* SPDX-License-Identifier: MIT */
/* Tables and statements. */
#include "schema.h"

/*
 * jobs.fields, steps.fields and events.fields are packed (support/rows/fields.h); what is searched
 * for stands in columns beside them. has_slot is 1 while the job counts against its tenant's limit.
 * tenants.n_slots is how many do; it changes in the same transaction.
 */
static const char first_schema[] =
        "CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), salt INTEGER NOT NULL,"
        "  n_opened INTEGER NOT NULL) STRICT;"
        "INSERT INTO meta VALUES (1, random(), 0);"
        "CREATE TABLE jobs (serial INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL,"
        "  tenant_id TEXT NOT NULL, tenant_bucket TEXT NOT NULL, created_at TEXT NOT NULL,"
        "  state TEXT NOT NULL, is_terminal INTEGER NOT NULL, has_slot INTEGER NOT NULL,"
        "  revision INTEGER NOT NULL, ended_us INTEGER NOT NULL, claim_is_key INTEGER NOT NULL,"
        "  claim_name TEXT NOT NULL, fields BLOB NOT NULL) STRICT;"
        "CREATE UNIQUE INDEX jobs_by_id ON jobs (job_id);"
        "CREATE INDEX jobs_by_tenant ON jobs (tenant_id);"
        "CREATE INDEX jobs_with_slot ON jobs (serial) WHERE has_slot = 1;"
        "CREATE INDEX jobs_by_end ON jobs (ended_us) WHERE has_slot = 0;"
        "CREATE TABLE steps (id INTEGER PRIMARY KEY, step_id TEXT NOT NULL, fields BLOB NOT NULL)"
        "  STRICT;"
        "CREATE TABLE events (serial INTEGER NOT NULL, seq INTEGER NOT NULL, fields BLOB NOT NULL,"
        "  PRIMARY KEY (serial, seq)) STRICT, WITHOUT ROWID;"
        "CREATE TABLE claims (tenant_id TEXT NOT NULL, is_key INTEGER NOT NULL, name TEXT NOT NULL,"
        "  hash TEXT NOT NULL, serial INTEGER NOT NULL, PRIMARY KEY (tenant_id, is_key, name))"
        "  STRICT, WITHOUT ROWID;"
        "CREATE TABLE tenants (tenant_id TEXT NOT NULL PRIMARY KEY, n_slots INTEGER NOT NULL)"
        "  STRICT, WITHOUT ROWID;"
        "CREATE TABLE owners (name TEXT NOT NULL PRIMARY KEY, owner TEXT NOT NULL,"
        "  beat INTEGER NOT NULL, is_locked INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

const char *const schema_upgrades[SCHEMA_VERSION] = { first_schema };

#define HEAD                                                                        \
	"j.serial, j.job_id, j.tenant_id, j.tenant_bucket, j.created_at, j.state, " \
	"j.is_terminal, j.has_slot, j.revision, j.ended_us, j.claim_is_key"

const char *const schema_queries[N_QUERIES] = {
	[QUERY_FIND_CLAIM] = "SELECT " HEAD ", c.hash FROM claims c JOIN jobs j "
	                     "ON j.serial = c.serial "
	                     "WHERE c.tenant_id = ?1 AND c.is_key = ?2 AND c.name = ?3",
	[QUERY_FIND_JOB] = "SELECT " HEAD " FROM jobs j WHERE j.job_id = ?1",
	[QUERY_ADD_JOB] = "INSERT INTO jobs (job_id, tenant_id, tenant_bucket, created_at, state, "
	                  "is_terminal, has_slot, revision, ended_us, claim_is_key, claim_name, "
	                  "fields) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, 1, 0, ?7, ?8, ?9) "
	                  "ON CONFLICT (job_id) DO NOTHING",
	[QUERY_ADD_STEP] = "INSERT INTO steps (id, step_id, fields) VALUES (?1, ?2, ?3)",
	[QUERY_ADD_EVENT] = "INSERT OR IGNORE INTO events (serial, seq, fields) "
	                    "VALUES (?1, ?2, ?3)",
	[QUERY_ADD_CLAIM] = "INSERT OR REPLACE INTO claims (tenant_id, is_key, name, hash, serial) "
	                    "VALUES (?1, ?2, ?3, ?4, ?5)",
	[QUERY_TAKE_SLOT] = "INSERT INTO tenants (tenant_id, n_slots) VALUES (?1, 1) "
	                    "ON CONFLICT (tenant_id) DO UPDATE SET n_slots = n_slots + 1 "
	                    "WHERE n_slots < ?2",
	[QUERY_CHANGE_JOB] = "UPDATE jobs SET state = ?2, is_terminal = ?3, ended_us = ?4, "
	                     "fields = ?5, revision = revision + 1 WHERE serial = ?1",
	[QUERY_STEP_FIELDS] = "SELECT fields FROM steps WHERE id = ?1",
	[QUERY_CHANGE_STEP] = "UPDATE steps SET fields = ?2 WHERE id = ?1",
	[QUERY_RELEASE_JOB] = "UPDATE jobs SET has_slot = 0 WHERE serial = ?1",
	[QUERY_FREE_SLOT] = "UPDATE tenants SET n_slots = n_slots - 1 WHERE tenant_id = ?1",
	[QUERY_DROP_TENANT] = "DELETE FROM tenants WHERE tenant_id = ?1 AND n_slots <= 0",
	[QUERY_OLD_JOB] = "SELECT serial, tenant_id, claim_is_key, claim_name FROM jobs "
	                  "WHERE has_slot = 0 AND ended_us <= ?1 ORDER BY ended_us LIMIT 1",
	[QUERY_DROP_CLAIM] = "DELETE FROM claims WHERE tenant_id = ?1 AND is_key = ?2 "
	                     "AND name = ?3 AND serial = ?4",
	[QUERY_DROP_STEPS] = "DELETE FROM steps WHERE id BETWEEN ?1 AND ?2",
	[QUERY_DROP_EVENTS] = "DELETE FROM events WHERE serial = ?1",
	[QUERY_DROP_JOB] = "DELETE FROM jobs WHERE serial = ?1",
	[QUERY_JOB] = "SELECT " HEAD ", j.fields FROM jobs j WHERE j.job_id = ?1",
	[QUERY_STEPS] = "SELECT id, step_id, fields FROM steps WHERE id BETWEEN ?1 AND ?2 "
	                "ORDER BY id",
	[QUERY_SCAN] = "SELECT " HEAD ", j.fields FROM jobs j INDEXED BY jobs_with_slot "
	               "WHERE j.has_slot = 1 AND j.serial > ?1 ORDER BY j.serial LIMIT ?2",
	[QUERY_LIST] = "SELECT " HEAD ", j.fields FROM jobs j INDEXED BY jobs_by_tenant "
	               "WHERE j.tenant_id = ?1 AND j.serial < ?2 ORDER BY j.serial DESC",
	[QUERY_EVENTS] = "SELECT seq, fields FROM events WHERE serial = ?1 ORDER BY seq",
	[QUERY_FIND_OWNER] = "SELECT owner, beat, is_locked FROM owners WHERE name = ?1",
	[QUERY_SET_OWNER] = "INSERT OR REPLACE INTO owners (name, owner, beat, is_locked) "
	                    "VALUES (?1, ?2, ?3, ?4)",
	[QUERY_DROP_OWNER] = "DELETE FROM owners WHERE name = ?1 AND owner = ?2",
	[QUERY_PROBE] = "UPDATE meta SET n_opened = n_opened + 1",
	[QUERY_SALT] = "SELECT salt FROM meta",
	[QUERY_VERSION] = "PRAGMA data_version",
};
