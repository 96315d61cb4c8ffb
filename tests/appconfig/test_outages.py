#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stores, vaults and networks that are slow, silent or odd, and stops at a bad moment."""
import os
import signal
import time
import unittest

import certificates
from proxy import Proxy
from source_world import LUCIUSD, PLAIN, PLUGINS, SourceWorld
from world import Process

REFERENCE = "application/vnd.microsoft.appconfig.keyvaultref+json;charset=utf-8"


class Running(SourceWorld):
    def test_an_option_that_the_core_and_a_plugin_have_is_said_once(self):
        lucius = self.daemon()
        self.server.store.put("Lucius:ServiceBus:ReplyPrefix", "others ")
        for value in ("5", "6"):
            mark = len(lucius.lines)
            self.server.store.put("Lucius:MaxAttempts", value)
            lucius.wait_line("config.read", after=mark)
        said = [line for line in lucius.raw if "LUCIUS_SERVICEBUS_REPLY_PREFIX is now" in line]
        self.assertEqual(len(said), 1, lucius.raw)

    def test_what_would_bring_another_backend_is_said_once(self):
        lucius = self.daemon()
        self.server.store.put("Lucius:Table:Connection", PLAIN)
        for value in ("4", "5"):
            mark = len(lucius.lines)
            self.server.store.put("Lucius:Temporal:Address", "there:7233")
            self.server.store.put("Lucius:MaxAttempts", value)
            lucius.wait_line("config.read", after=mark)
        for words in ("LUCIUS_TEMPORAL_ADDRESS is now 'there:7233' (from the key",
                      "LUCIUS_TABLE_CONNECTION is now '******' (from the key"):
            said = [line for line in lucius.raw if words in line]
            self.assertEqual(len(said), 1, lucius.raw)
            self.assertIn("a plugin that is not in use", said[0])
        mark = len(lucius.lines)
        self.server.store.remove("Lucius:Temporal:Address")
        self.server.store.put("Lucius:MaxAttempts", "6")
        lucius.wait_line("config.read", after=mark)
        self.assertEqual(sum("LUCIUS_TEMPORAL_ADDRESS is now" in line for line in lucius.raw), 1)

    def test_a_stop_ends_while_the_store_is_silent(self):
        lucius = self.daemon()
        self.server.fail(stall=True, times=1000)
        count = len(self.server.requests)
        lucius.signal(signal.SIGHUP)
        self.server.wait_count(count + 1)
        self.assertEqual(lucius.ask("GET", "/readyz").status, 200)
        self.assertEqual(lucius.stop(), 0)

    def test_a_stop_ends_a_start_that_waits_for_the_store(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            self.server.fail(stall=True, times=1000)
            count = len(self.server.requests)
            lucius = self.daemon({"LUCIUS_APPCONFIG_STARTUP_SECONDS": "100"}, ready=False)
            self.server.wait_count(count + 1)
            lucius.signal(signal.SIGHUP)  # means nothing yet
            lucius.signal(number)
            self.assertEqual(lucius.wait_end(), 0)
        self.assertEqual(lucius.events("daemon.ready"), [])
        # A command that prints must not look as if it had printed all.
        child = Process([LUCIUSD, "--plugins-dir", PLUGINS, "--print-env"],
                        self.environment({"LUCIUS_APPCONFIG_STARTUP_SECONDS": "100"}))
        self.addCleanup(self._end, child)
        self.server.wait_count(count + 2)
        child.signal(signal.SIGTERM)
        self.assertEqual(child.wait_end(), -signal.SIGTERM)

    def test_the_file_is_taken_after_two_tries_however_long_a_start_may_wait(self):
        kept = {"LUCIUS_APPCONFIG_CACHE_FILE": os.path.join(self.folder, "kept.json"),
                "LUCIUS_APPCONFIG_STARTUP_SECONDS": "600"}
        self.server.store.put("Lucius:MaxAttempts", "4")
        self.assertEqual(self.daemon(kept).stop(), 0)
        count = len(self.server.requests)
        self.server.fail(status=503, times=1000)
        found = self.checked(kept)
        self.assertTrue(found["LUCIUS_MAX_ATTEMPTS"].startswith("4 "))
        self.assertEqual(len(self.server.requests), count + 6)  # each try is three

    def test_a_start_that_fails_at_once_lingers_so_that_restarts_do_no_harm(self):
        wrong = {"LUCIUS_APPCONFIG_CONNECTION": self.server.connection(secret="d3Jvbmc=")}
        began = time.monotonic()
        lucius = self.daemon(wrong, ready=False)
        self.assertIn("Invalid Signature",
                      lucius.wait_line("config.option", level="error")["message"])
        self.assertEqual(lucius.wait_end(), 1)
        self.assertGreater(time.monotonic() - began, 4.9)
        self.assertEqual(len(self.server.requests), 1)
        lucius = self.daemon(wrong, ready=False)
        lucius.wait_line("config.option", level="error")
        self.assertEqual(lucius.stop(), 1)

    def test_a_start_with_a_store_that_is_too_slow_ends_or_goes_on_with_the_file(self):
        kept = {"LUCIUS_APPCONFIG_CACHE_FILE": os.path.join(self.folder, "kept.json")}
        for i in range(60):
            self.server.store.put(f"Lucius:X{i}", "1")
        self.assertEqual(self.daemon(kept).stop(), 0)
        self.server.store.page_size = 1
        self.server.change_reply = lambda *_: self.server.stopping.wait(0.5)
        said = self.command("--check-config", environment=kept)
        self.assertEqual(said[0], 0, said)
        self.assertIn("starting with the last-known-good file", said[2])
        self.assertIn("App Configuration has not answered in full after 1", said[2])
        self.refused("App Configuration has not answered in full after 1", status=1)


    def test_a_look_at_a_store_that_is_too_slow_ends_and_is_said_once(self):
        for i in range(60):
            self.server.store.put(f"Lucius:X{i}", "1")
        self.server.store.page_size = 1
        lucius = self.daemon()
        self.server.change_reply = lambda *_: self.server.stopping.wait(0.5)
        said = lucius.wait_line("config.not_seen")["message"]
        self.assertIn("App Configuration has not answered in full after 10 s", said)
        self.server.change_reply = None
        lucius.wait_line("config.seen_again")
        self.assertEqual(len(lucius.events("config.not_seen")), 1)

    def test_a_hangup_does_not_wait_for_a_look_under_way(self):
        lucius = self.daemon({"LUCIUS_APPCONFIG_REFRESH_SECONDS": "4"})
        count = len(self.server.requests)
        self.server.fail(stall=True, times=1)
        self.server.wait_count(count + 1)
        self.server.store.put("Lucius:MaxAttempts", "7")
        mark = len(lucius.lines)
        lucius.signal(signal.SIGHUP)
        lucius.wait_line("config.read", after=mark)
        # The request that was silent would have been given up, and made again, after ten seconds.
        silent, answered = self.server.times[count:count + 2]
        self.assertLess(answered - silent, 9.9)
        self.assertTrue(any("LUCIUS_MAX_ATTEMPTS is now '7'" in line for line in lucius.raw))


class Network(SourceWorld):
    def test_a_certificate_that_nobody_vouches_for_is_said(self):
        context, authority = certificates.make(self.folder)
        self.server = self.serve(tls=context)
        self.refused("App Configuration is not reached", "certificate", status=1)
        self.assertEqual(self.server.requests, [])
        self.checked({"LUCIUS_APPCONFIG_CA_FILE": authority})

    def test_a_name_that_does_not_exist_is_said(self):
        connection = self.server.connection("http://store.invalid")
        self.refused("store.invalid", "esolv", "other.invalid", status=1, environment={
            "LUCIUS_APPCONFIG_CONNECTION": connection,
            "LUCIUS_APPCONFIG_ENDPOINTS": "http://other.invalid"})

    def test_a_proxy_that_answers_itself_is_said(self):
        proxy = Proxy(self.server.port)
        self.addCleanup(proxy.stop)
        proxy.refusal = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>"
        connection = self.server.connection("https://test.azconfig.io")
        self.refused("test.azconfig.io", "502", status=1, environment={
            "LUCIUS_APPCONFIG_CONNECTION": connection, "https_proxy": proxy.url, "no_proxy": ""})

    def test_pages_of_two_replicas_are_never_mixed(self):
        behind = self.serve()
        for server, value in ((self.server, "9"), (behind, "5")):
            server.store.page_size = 1
            server.store.put("Lucius:LeaseMinutes", value)
            server.store.put("Lucius:MaxAttempts", value)
        self.server.fail(of="after=", status=503, times=1000)
        found = self.checked({"LUCIUS_APPCONFIG_ENDPOINTS": behind.endpoint})
        self.assertEqual([found[name][0] for name in ("LUCIUS_LEASE_MINUTES",
                                                      "LUCIUS_MAX_ATTEMPTS")], ["5", "5"])

    def test_each_endpoint_that_fails_says_why(self):
        away = self.serve()
        away.fail(status=503, times=1000)
        connection = self.server.connection(secret="d3Jvbmc=")
        self.refused("Invalid Signature", "answers with 503", status=1, environment={
            "LUCIUS_APPCONFIG_CONNECTION": connection,
            "LUCIUS_APPCONFIG_ENDPOINTS": away.endpoint})

    def test_the_identity_of_the_machine_is_asked_without_a_proxy(self):
        proxy = Proxy(self.server.port)
        self.addCleanup(proxy.stop)
        self.server.store.put("Lucius:Invoker:Token",
                              {"uri": "https://test.vault.azure.net/secrets/token"},
                              content_type=REFERENCE)
        self.refused("LUCIUS_INVOKER_TOKEN", "managed identity of this machine", environment={
            "http_proxy": proxy.url, "ALL_PROXY": proxy.url, "no_proxy": ""})
        self.assertEqual(proxy.targets, [])


class Vaults(SourceWorld):
    def setUp(self):
        super().setUp()
        context, self.authority = certificates.make(self.folder)
        self.server = self.serve(tls=context)
        self.proxy = Proxy(self.server.port)
        self.addCleanup(self.proxy.stop)
        self.server.store.put("Lucius:Invoker:Token",
                              {"uri": "https://test.vault.azure.net/secrets/token/1"},
                              content_type=REFERENCE)
        self.server.vault.secrets["token", "1"] = "secret-of-the-vault"

    def environment(self, extra=None):
        return {**super().environment(), "https_proxy": self.proxy.url, "no_proxy": "127.0.0.1",
                "LUCIUS_APPCONFIG_CONNECTION": self.server.connection("https://test.azconfig.io"),
                "LUCIUS_APPCONFIG_CA_FILE": self.authority, "AZURE_TENANT_ID": "tenant",
                "AZURE_CLIENT_ID": "client", "AZURE_CLIENT_SECRET": "a client secret of the tests",
                "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/tenants",
                **(extra or {})}

    def test_a_version_that_is_disabled_is_named_with_the_vaults_words(self):
        self.server.vault.disabled.add(("token", "1"))
        self.refused("LUCIUS_INVOKER_TOKEN", "https://test.vault.azure.net/secrets/token/1",
                     "not allowed on a disabled secret", status=78)

    def test_what_proves_the_client_goes_to_no_authority_in_the_clear(self):
        self.refused("LUCIUS_INVOKER_TOKEN", "AZURE_AUTHORITY_HOST", "is no https:// address",
                     environment={"AZURE_AUTHORITY_HOST": "http://login.microsoftonline.com"},
                     status=78)
        self.assertEqual(set(self.proxy.targets), {"test.azconfig.io:443"})

    def test_a_vault_that_throttles_is_waited_for(self):
        self.server.fail(of="/secrets/", status=429, headers={"Retry-After": "1"})
        self.checked()
        times = [when for when, (_, target, _) in zip(self.server.times, self.server.requests,
                                                      strict=True) if "/secrets/" in target]
        self.assertGreater(times[1] - times[0], 0.9)

    def test_a_vault_that_leads_elsewhere_is_not_followed(self):
        def lead(target, reply):
            if "/secrets/" in target:
                reply.status = 302
                reply.headers["Location"] = "https://elsewhere.azconfig.io/secrets/token"
        self.server.change_reply = lead
        self.refused("LUCIUS_INVOKER_TOKEN", "is not given (302)", status=78)
        self.assertNotIn("elsewhere.azconfig.io:443", self.proxy.targets)

    def test_a_token_that_expires_between_two_secrets_is_fetched_once_more(self):
        vault = self.server.vault
        self.server.store.put("Lucius:ServiceBus:ReplyPrefix",
                              {"uri": "https://test.vault.azure.net/secrets/token/2"},
                              content_type=REFERENCE)
        vault.secrets["token", "2"] = "secret-of-the-vault"

        def expire(target, _):
            if "/secrets/token/1" in target:
                vault.tokens = {"a token of the tests, the second"}
                vault.token = "a token of the tests, the second"
        self.server.change_reply = expire
        self.checked()
        self.assertEqual(len(vault.asked), 2)
        self.server.change_reply = None
        vault.token = "a token of the tests, the third"
        self.refused("LUCIUS_INVOKER_TOKEN", "is not given (401): no valid token", status=78)

    def test_an_answer_that_is_no_secret_is_named(self):
        self.server.vault.secrets["token", "1"] = ""
        self.refused("LUCIUS_INVOKER_TOKEN", "is empty", status=78)

        def page(target, reply):
            if "/secrets/" in target:
                reply.body = b"<html>"
        self.server.change_reply = page
        self.refused("LUCIUS_INVOKER_TOKEN", "has no text in the vault's answer", status=78)

        def sign_in(target, reply):
            if "/oauth2/" in target:
                reply.body = b"<html>"
        self.server.change_reply = sign_in
        self.refused("LUCIUS_INVOKER_TOKEN", "gives no token", status=78)

    def test_a_vault_that_is_away_ends_the_start_and_changes_nothing_while_running(self):
        self.server.store.put("Lucius:MaxAttempts", "4")
        lucius = self.daemon()
        self.server.fail(of="/secrets/", status=503, times=1000)
        mark = len(lucius.lines)
        self.server.store.put("Lucius:MaxAttempts", "5")
        lucius.wait_line("config.read", after=mark, level="error")
        job = lucius.orchestrate().json["jobId"]
        self.assertEqual(lucius.job(job)["job"]["options"]["max_attempts"], 4)
        self.refused("Lucius:Invoker:Token", "is not given (503)", status=1)
        self.server.faults.clear()
        mark = len(lucius.lines)
        lucius.wait_line("config.read", after=mark, level="info")
        job = lucius.orchestrate(input_ref="other").json["jobId"]
        self.assertEqual(lucius.job(job)["job"]["options"]["max_attempts"], 5)


if __name__ == "__main__":
    unittest.main()
