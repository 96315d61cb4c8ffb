#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What people who run it trip over: huge and odd stores, labels and values, and what is silently wrong
unless somebody says so."""
import os
import subprocess
import unittest

from source_world import (BOUND, BUS, LUCIUSD, PLAIN, PLUGINS, SourceWorld, clean_environment)


class Stores(SourceWorld):
    def put(self, name, value, **parts):
        self.server.store.put("Lucius:" + name, value, **parts)

    def read(self, lucius, after):
        lucius.wait_line("config.read", after=after, level="info")

    def lease(self, lucius, input_ref):
        job = lucius.orchestrate(input_ref=input_ref).json["jobId"]
        return lucius.job(job)["job"]["options"]["lease_seconds"] // 60

    def test_headers_are_read_whatever_the_case_of_their_names(self):
        for change in (str.upper, str.lower):
            def rename(_, reply, change=change):
                reply.headers = {change(name): value for name, value in reply.headers.items()}
            self.server.change_reply = rename
            self.server.clock_offset = 3000
            self.refused("behind the server's by", status=1)
            self.server.clock_offset = 0
            self.put("MaxAttempts", "2")
            self.server.fail(status=429, headers={change("Retry-After-MS"): "1500"})
            self.server.seen_headers.clear()
            self.server.times.clear()
            lucius = self.daemon()
            self.server.wait_count(len(self.server.requests) + 1)
            self.assertGreater(self.server.times[1] - self.server.times[0], 1.4)
            self.assertIn("zAJw6V16=", self.server.seen_headers[-1]["Sync-Token"])
            self.assertEqual(lucius.stop(), 0)

    def test_a_refusal_in_the_second_of_two_headers_is_understood(self):
        def split(_, reply):
            if "WWW-Authenticate" in reply.headers:
                first = reply.headers["WWW-Authenticate"].removesuffix(", Bearer")
                reply.headers["WWW-Authenticate"] = ["Bearer", first]
        self.server.change_reply = split
        connection = self.server.connection(secret="d3Jvbmc=")
        self.refused("Invalid Signature", "is wrong or has been regenerated", status=1,
                     environment={"LUCIUS_APPCONFIG_CONNECTION": connection})
        self.server.clock_offset = 3000
        self.refused("set the clock", status=1)

    def test_the_tokens_of_each_kind_go_back_and_none_where_none_came(self):
        def two(_, reply):
            if self.server.store.changes < 3:
                reply.headers["Sync-Token"] = "a=b;sn=5, zAJw6V16=c;sn=7"
            else:
                reply.headers.pop("Sync-Token", None)
        self.server.change_reply = two
        self.put("MaxAttempts", "2")
        self.daemon()
        self.server.wait_count(2)
        self.assertEqual(self.server.seen_headers[1]["Sync-Token"], "a=b,zAJw6V16=c")
        for _ in range(2):
            self.put("MaxAttempts", "2")
        count = len(self.server.requests)
        self.server.wait_count(count + 3)
        self.assertNotIn("Sync-Token", self.server.seen_headers[count + 2])

    def test_a_server_that_knows_no_etags_is_read_whole_and_believed_unchanged(self):
        def without(_, reply):
            reply.body = reply.body.replace(b'"etag"', b'"label_etag"')
            reply.headers.pop("ETag", None)
        self.put("MaxAttempts", "2")
        for change_headers, change_reply in (
                (lambda headers: {name: value for name, value in headers.items()
                                  if name != "If-None-Match"}, None), (None, without)):
            self.server.change_headers = change_headers and (
                lambda headers, change=change_headers: Lowered(change(headers)))
            self.server.change_reply = change_reply
            self.put("LeaseMinutes", "5")
            self.server.store.page_size = 1
            self.server.requests.clear()
            self.checked()
            self.assertEqual(len(self.server.requests), 4)  # until it is twice the same
            self.server.store.page_size = 100
            lucius = self.daemon()
            count = len(self.server.requests)
            self.server.wait_count(count + 4)
            self.assertEqual({status for _, _, status in self.server.requests}, {200})
            self.assertEqual(lucius.events("config.read"), [])
            mark = len(lucius.lines)
            self.put("LeaseMinutes", "6")
            self.read(lucius, mark)
            self.assertEqual(self.lease(lucius, "x"), 6)
            self.assertEqual(lucius.stop(), 0)

    def test_a_page_that_fails_is_asked_for_again_and_not_those_before_it(self):
        self.server.store.page_size = 1
        self.put("LeaseMinutes", "5")
        self.put("MaxAttempts", "6")
        self.server.fail(of="after=", status=503)
        found = self.checked()
        self.assertTrue(found["LUCIUS_MAX_ATTEMPTS"].startswith("6 "))
        self.assertEqual([status for _, _, status in self.server.requests],
                         [200, 503, 200, 304, 304])
        targets = [target for _, target, _ in self.server.requests]
        self.assertEqual(targets[1], targets[2])

    def test_a_wait_that_the_store_asks_for_is_kept_between_looks(self):
        self.put("LeaseMinutes", "5")
        self.daemon()
        count = len(self.server.requests)
        self.server.fail(status=429, headers={"retry-after-ms": "11000"})
        self.server.wait_count(count + 3)
        refused = [status for _, _, status in self.server.requests].index(429)
        self.assertGreater(self.server.times[refused + 1] - self.server.times[refused], 10.9)

    def test_pages_that_come_and_go_are_seen(self):
        self.server.store.page_size = 2
        self.put("LeaseMinutes", "5")
        lucius = self.daemon()
        steps = [lambda: [self.put(f"X{i}", "1") for i in range(4)],
                 lambda: self.put("ZLast", "1"),  # on a page of its own
                 lambda: self.server.store.remove("Lucius:ZLast"),
                 lambda: [self.server.store.remove(f"Lucius:X{i}") for i in range(4)]]
        for place, step in enumerate(steps):
            mark = len(lucius.lines)
            step()
            self.read(lucius, mark)
            self.put("LeaseMinutes", str(10 + place))
            self.wait_taken(lucius, "LUCIUS_LEASE_MINUTES", str(10 + place))
            self.assertEqual(self.lease(lucius, str(place)), 10 + place)

    def test_a_page_whose_keys_go_between_two_pages_leaves_what_is_there(self):
        self.server.store.page_size = 2
        for i in range(6):
            self.put(f"X{i}", "1")
        self.put("LeaseMinutes", "5")
        self.put("MaxAttempts", "6")

        def remove(after):
            if after is not None:
                self.server.before_page = None
                for i in range(6):
                    self.server.store.remove(f"Lucius:X{i}")
                self.put("LeaseMinutes", "7")
        self.server.before_page = remove
        found = self.checked()
        self.assertTrue(found["LUCIUS_MAX_ATTEMPTS"].startswith("6 "))
        self.assertTrue(found["LUCIUS_LEASE_MINUTES"].startswith("7 "))

    def test_a_key_that_is_removed_gives_way_to_the_file(self):
        conf = self.write("lucius.conf", "lease_minutes = 8;\n")
        self.put("LeaseMinutes", "5")
        lucius = self.daemon({"LUCIUS_CONFIG": conf})
        self.assertEqual(self.lease(lucius, "one"), 5)
        mark = len(lucius.lines)
        self.server.store.remove("Lucius:LeaseMinutes")
        self.read(lucius, mark)
        self.assertEqual(self.lease(lucius, "two"), 8)

    def test_an_empty_value_of_a_later_label_takes_an_earlier_one_away(self):
        conf = self.write("lucius.conf", "lease_minutes = 8;\n")
        self.put("LeaseMinutes", "5")
        self.put("LeaseMinutes", "", label="prod")
        found = self.checked({"LUCIUS_APPCONFIG_LABEL": "prod"}, ("--config", conf))
        self.assertTrue(found["LUCIUS_LEASE_MINUTES"].startswith(f"8 ({conf}:1"))

    def test_what_others_keep_in_the_store_is_not_asked_for(self):
        flag = "application/vnd.microsoft.appconfig.ff+json;charset=utf-8"
        self.server.store.put(".appconfig.featureflag/Lucius:MaxAttempts", "{}", content_type=flag)
        self.server.store.put("Other:MaxAttempts", "x")
        self.put("MaxAttempts", "4")
        status, _, err = self.command("--check-config")
        self.assertEqual((status, err), (0, ""))
        self.assertIn("key=Lucius%3A%2A&label=%00", self.server.requests[0][1])

    def test_many_keys_that_are_no_options_are_some_warnings(self):
        for i in range(1500):
            self.put(f"Other:Key{i}", "x" * 40)
        self.put("Http/MaxDepth", "5")
        self.put("ZMaxAttempts", "4")
        status, _, err = self.command("--check-config")
        self.assertEqual(status, 0, err)
        self.assertEqual(err.count("is no option"), 20, err)
        self.assertIn("Lucius:Http/MaxDepth is no option; is Lucius:Http:MaxDepth meant?", err)
        self.assertIn("1482 more keys of the source are no options", err)

    def test_a_store_with_too_many_pages_is_refused_and_not_cut(self):
        self.server.store.page_size = 1
        for i in range(501):
            self.put(f"A{i:03}", "1")
        self.put("MaxAttempts", "9")
        self.refused("more than 500 pages", status=1,
                     environment={"LUCIUS_APPCONFIG_STARTUP_SECONDS": "600"})

    def test_a_store_of_thousands_of_keys_is_kept_and_read_again(self):
        for i in range(1200):
            self.put(f"Other:Key{i}", "1")
        self.put("MaxAttempts", "9")
        kept = {"LUCIUS_APPCONFIG_CACHE_FILE": os.path.join(self.folder, "kept.json")}
        lucius = self.daemon(kept)
        self.assertEqual(lucius.stop(), 0)
        self.server.fail(status=503, times=100000)
        found = self.checked(kept)
        self.assertTrue(found["LUCIUS_MAX_ATTEMPTS"].startswith("9 "))


class Lowered(dict):
    """Headers of a request, to be asked for in any case."""

    def __init__(self, given):
        super().__init__({name.lower(): value for name, value in given.items()})

    def get(self, name, default=None):
        return super().get(name.lower(), default)

    def __getitem__(self, name):
        return super().__getitem__(name.lower())


class Labels(SourceWorld):
    def test_a_label_that_nothing_has_is_named(self):
        self.server.store.put("Lucius:MaxAttempts", "4")
        self.server.store.put("Lucius:LeaseMinutes", "4", "prod")
        lucius = self.daemon({"LUCIUS_APPCONFIG_LABEL": "prod, prd"})
        said = [line["message"] for line in lucius.events("config.nothing_found")]
        self.assertEqual(len(said), 1, said)
        self.assertIn("no key of Lucius has the label 'prd'", said[0])

    def test_a_store_that_gives_nothing_says_so(self):
        self.server.store.put("lucius:MaxAttempts", "4")
        self.server.store.put("Lucius:MaxAttempts", "4", "prod")
        lucius = self.daemon()
        said = [line["message"] for line in lucius.events("config.nothing_found")]
        self.assertEqual(len(said), 1, said)
        self.assertIn("no key begins with 'Lucius:'", said[0])

    def test_what_other_tools_call_no_label_is_refused(self):
        for label in ("\\0", "%00"):
            self.refused(f"LUCIUS_APPCONFIG_LABEL: '{label}' is not taken",
                         "keys without a label are read in any case",
                         environment={"LUCIUS_APPCONFIG_LABEL": f"prod,{label}"}, status=78)

    def test_a_label_given_twice_stands_where_it_stands_last(self):
        for label in ("a", "b"):
            self.server.store.put("Lucius:MaxAttempts", "1" if label == "a" else "2", label)
        found = self.checked({"LUCIUS_APPCONFIG_LABEL": "a,b,,a," + "b,a," * 20})
        self.assertTrue(found["LUCIUS_MAX_ATTEMPTS"].startswith("1 "))
        self.assertEqual(len(self.server.requests), 6)  # twice, as more than a page has come


class Values(SourceWorld):
    def test_what_is_not_seen_at_the_edge_of_a_value_is_said(self):
        put = self.server.store.put
        put("Lucius:Temporal:Address", "a:7233\n")
        put("Lucius:ServiceBus:ReplyPrefix", "\ufeffreplies")
        put("Lucius:Invoker:Token", PLAIN + "\u00a0")
        put("Lucius:ServiceBus:ReplySubscription", "fine inside")
        put("Lucius:LogLevel", "debug")
        status, out, err = self.command("--check-config", environment={
            "LUCIUS_HEALTH_LISTEN": " 127.0.0.1:0", "LUCIUS_STORAGE_BACKEND": "memory"})
        self.assertEqual(status, 0, out + err)
        said = [line for line in err.splitlines() if "white space" in line]
        self.assertEqual(len(said), 4, err)
        for name in ("LUCIUS_TEMPORAL_ADDRESS: its value from the key", "LUCIUS_SERVICEBUS_REPLY_PREFIX: its value from the key", "LUCIUS_INVOKER_TOKEN:",
                     "LUCIUS_HEALTH_LISTEN: its value from the environment variable"):
            self.assertIn(name, err)
        for value in ("5 ", "\ufeff5", "5\n", "0x5", "5s"):
            put("Lucius:MaxAttempts", value)
            self.refused("LUCIUS_MAX_ATTEMPTS: '" + value, "is not taken", status=78)

    def test_a_connection_string_in_the_wrong_place_is_shown_nowhere(self):
        connection = self.server.connection()
        said = self.refused("LUCIUS_APPCONFIG_ENDPOINTS: 'Endpoint=http", "is no endpoint",
                            environment={"LUCIUS_APPCONFIG_ENDPOINTS": connection}, status=78)
        self.assertNotIn("Secret", said)
        self.server.store.put("Lucius:Temporal:Address", connection)
        self.server.store.put("Lucius:ServiceBus:ReplyPrefix", BUS)
        found = self.checked({"LUCIUS_STORAGE_BACKEND": "memory"})
        for name in ("LUCIUS_TEMPORAL_ADDRESS", "LUCIUS_SERVICEBUS_REPLY_PREFIX"):
            self.assertTrue(found[name].startswith("****** (the key"), found[name])
        self.server.store.remove("Lucius:Temporal:Address")
        kept = os.path.join(self.folder, "kept.json")
        self.daemon({"LUCIUS_APPCONFIG_CACHE_FILE": kept}).stop()
        with open(kept, encoding="utf-8") as file:
            text = file.read()
        self.assertIn("Lucius:ServiceBus:ReplyPrefix", text)
        self.assertNotIn("AccessKey", text)

    def test_protocols_may_end_with_a_line_feed_and_begin_with_no_mark(self):
        with open(os.path.join(os.environ["LUCIUS_TEST_SOURCE"], "etc/protocols.json"),
                  encoding="utf-8") as file:
            text = file.read()
        self.server.store.put("Lucius:Protocols", "// ours\n" + text + "\n",
                              content_type="application/json")
        lucius = self.daemon()
        self.assertFalse(any("white space" in line for line in lucius.raw))
        self.assertEqual(lucius.orchestrate().status, 202)

    def test_print_env_leaves_no_file_beside_the_secret_that_was_in_it(self):
        path = self.write("token", PLAIN + "\n")
        script = (f'eval "$({LUCIUSD} --plugins-dir {PLUGINS} --print-env)" || exit 1\n'
                  f"exec {LUCIUSD} --check-config")
        self.server.store.put("Lucius:MaxAttempts", "4")
        done = subprocess.run(
            ["sh", "-c", script], capture_output=True, text=True, timeout=BOUND, check=False,
            env=clean_environment(self.environment({"LUCIUS_INVOKER_TOKEN_FILE": path})))
        self.said += [done.stdout, done.stderr]
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("LUCIUS_INVOKER_TOKEN = ****** (the environment variable", done.stdout)
        path = self.write("bus", BUS)
        for name in ("SERVICEBUS_CONNECTION", "LUCIUS_SERVICEBUS_CONNECTION"):
            out = self.command("--print-env", environment={
                "LUCIUS_SERVICEBUS_CONNECTION_FILE": path, "SERVICEBUS_CONNECTION_FILE": path})[1]
            self.assertIn(f"export {name}='{BUS}'\nexport {name}_FILE=''\n", out)


    def test_print_env_that_fails_fails_the_shell_that_evaluates_it(self):
        self.server.fail(status=503, times=1000)
        for extra in ({}, {"LUCIUS_MAX_ATTEMPTS": "many"}):
            done = subprocess.run(
                ["sh", "-c", f'eval "$({LUCIUSD} --plugins-dir {PLUGINS} --print-env)" || exit 9'],
                env=clean_environment(self.environment(extra)), capture_output=True, text=True,
                timeout=BOUND, check=False)
            self.said.append(done.stderr)
            self.assertEqual(done.returncode, 9, done.stderr)


if __name__ == "__main__":
    unittest.main()
