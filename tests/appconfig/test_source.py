#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The daemon's options from App Configuration, and which source wins: commands that end by themselves."""
import os
import subprocess
import unittest

import certificates
from proxy import Proxy
from source_world import (BOUND, BUS, PLAIN, PLUGINS, TABLE, SourceWorld, clean_environment)

REFERENCE = "application/vnd.microsoft.appconfig.keyvaultref+json;charset=utf-8"
# key, variable, libconfig, three values, whether it is a secret, the plugin that has it (or None)
MAPPING = [
    ("Lucius:ServiceBus:Connection", "LUCIUS_SERVICEBUS_CONNECTION", "servicebus.connection",
     [BUS, BUS + ";EntityPath=b", BUS + ";EntityPath=c"], True, "bus-servicebus"),
    ("Lucius:ServiceBus:ReplyPrefix", "LUCIUS_SERVICEBUS_REPLY_PREFIX", "servicebus.reply_prefix",
     ["replies-a", "replies-b", "replies-c"], False, None),
    ("Lucius:ServiceBus:ReplySubscription", "LUCIUS_SERVICEBUS_REPLY_SUBSCRIPTION",
     "servicebus.reply_subscription", ["one", "two", "three"], False, None),
    ("Lucius:Ledger:Table", "LUCIUS_LEDGER_TABLE", "ledger.table", ["la", "lb", "lc"], False,
     "storage-ledger"),
    ("Lucius:Table:Connection", "LUCIUS_TABLE_CONNECTION", "table.connection",
     [TABLE, TABLE + ";A=b", TABLE + ";A=c"], True, "storage-table"),
    ("Lucius:Temporal:Address", "LUCIUS_TEMPORAL_ADDRESS", "temporal.address",
     ["a:7233", "b:7233", "c:7233"], False, None),
    ("Lucius:Temporal:Namespace", "LUCIUS_TEMPORAL_NAMESPACE", "temporal.namespace",
     ["na", "nb", "nc"], False, "workflow-temporal"),
    ("Lucius:Temporal:TaskQueue", "LUCIUS_TEMPORAL_TASK_QUEUE", "temporal.task_queue",
     ["qa", "qb", "qc"], False, "workflow-temporal"),
]


def rows():
    """The rows whose plugin is in this tree."""
    return [row for row in MAPPING
            if row[5] is None or os.path.exists(os.path.join(PLUGINS, row[5] + ".so"))]


class Mapping(SourceWorld):
    def conf(self, place):
        groups = {}
        for _, _, path, values, _, _ in rows():
            group, name = path.split(".")
            groups.setdefault(group, []).append(f'  {name} = "{values[place]}";')
        lines = []
        for group, members in groups.items():
            lines += [f"{group} = {{", *members, "};"]
        return self.write("lucius.conf", "\n".join(lines) + "\n")

    def put(self, place):
        for key, _, _, values, _, _ in rows():
            self.server.store.put(key, values[place])

    def variables(self, place):
        return {row[1]: row[3][place] for row in rows()}

    def assert_all(self, found, place, origin):
        for key, variable, _, values, is_secret, _ in rows():
            value, _, where = found[variable].partition(" (")
            self.assertEqual(value, "******" if is_secret else values[place], variable)
            self.assertIn(origin.format(key=key, variable=variable), where)

    def test_each_of_the_eight_rows_is_there_and_its_plugin_too(self):
        self.assertEqual([row for row in MAPPING if row not in rows()], [],
                         "a plugin that has the option is not built")

    def test_the_store_alone_gives_every_row(self):
        self.put(0)
        self.assert_all(self.checked(), 0, "the key '{key}' of config-appconfig")

    def test_the_file_alone_gives_every_row_with_its_line(self):
        conf = self.conf(1)
        found = self.checked(arguments=("--config", conf))
        self.assert_all(found, 1, conf + ":")
        with open(conf, encoding="utf-8") as file:
            text = file.read().splitlines()
        for _, variable, path, values, _, _ in rows():
            line = int(found[variable].rsplit(":", 1)[1].rstrip(")"))
            self.assertEqual(text[line - 1].strip(),
                             f'{path.split(".")[1]} = "{values[1]}";')

    def test_the_environment_alone_gives_every_row(self):
        self.assert_all(self.checked(self.variables(2)), 2, "the environment variable {variable}")

    def test_of_all_three_the_environment_wins_then_the_store(self):
        self.put(0)
        conf = self.conf(1)
        self.assert_all(self.checked(self.variables(2), ("--config", conf)), 2,
                        "the environment variable {variable}")
        self.assert_all(self.checked(arguments=("--config", conf)), 0, "the key '{key}'")

    def test_the_command_line_wins_over_all(self):
        self.put(0)
        found = self.checked(self.variables(2), ("--temporal-address", "line:7233"))
        self.assertEqual(found["LUCIUS_TEMPORAL_ADDRESS"],
                         "line:7233 (the command line (--temporal-address))")

    def test_every_known_option_is_taken_from_the_store_by_its_key(self):
        described = self.command("--describe", "core")[1]
        names = [line for line in described.splitlines() if line.startswith("LUCIUS_")]
        keys = [line.split("key ")[1] for line in described.splitlines() if "`, key " in line or
                "in the file, key " in line]
        self.assertEqual(len(names), len(keys))
        self.assertGreater(len(names), 40)
        values = {name: line.split(" (")[0] for name, line in self.checked().items()}
        closed = ("LUCIUS_CONFIG", "LUCIUS_CONFIG_SOURCE", "LUCIUS_PLUGINS_DIR")
        given = {}
        for name, key in zip(names, keys, strict=True):
            if values.get(name, "******") != "******" and name not in closed:
                self.server.store.put(key, values[name])
                given[name] = key
        found = self.checked()
        for name, key in given.items():
            self.assertIn(f"the key '{key}'", found[name])


class Labels(SourceWorld):
    def test_later_labels_win_and_say_so(self):
        for label, value in ((None, "1"), ("env", "2"), ("host", "3"), ("other", "9")):
            self.server.store.put("Lucius:MaxAttempts", value, label)
        self.server.store.put("Lucius:LeaseMinutes", "7", "env")
        found = self.checked({"LUCIUS_APPCONFIG_LABEL": "env, host"})
        self.assertEqual(found["LUCIUS_MAX_ATTEMPTS"], "3 (the key 'Lucius:MaxAttempts' with the "
                         "label 'host' of config-appconfig)")
        self.assertTrue(found["LUCIUS_LEASE_MINUTES"].startswith("7 "))
        self.assertTrue(self.checked()["LUCIUS_MAX_ATTEMPTS"].startswith("1 "))

    def test_labels_with_odd_letters_are_meant_as_they_are(self):
        label = "a b/ü\\&=?"
        self.server.store.put("Lucius:MaxAttempts", "5", label)
        found = self.checked({"LUCIUS_APPCONFIG_LABEL": label})
        self.assertTrue(found["LUCIUS_MAX_ATTEMPTS"].startswith("5 "))
        self.refused("LUCIUS_APPCONFIG_LABEL", "without '*'",
                     environment={"LUCIUS_APPCONFIG_LABEL": "prod*"}, status=78)

    def test_an_option_of_the_source_itself_cannot_come_from_it(self):
        self.server.store.put("Lucius:AppConfig:Label", "prod")
        self.server.store.put("Lucius:AppConfig:RefreshSeconds", "7")
        self.server.store.put("Lucius:PluginsDir", "/nowhere")
        status, out, err = self.command("--check-config")
        self.assertEqual(status, 0, err)
        self.assertIn("LUCIUS_APPCONFIG_LABEL is not set", out)
        self.assertIn("LUCIUS_APPCONFIG_REFRESH_SECONDS = 7", out)
        for key in ("Lucius:AppConfig:Label", "Lucius:PluginsDir"):
            self.assertIn(f"the key '{key}' of config-appconfig is not taken: what leads to the "
                          "source cannot come from it", err)


class Values(SourceWorld):
    def test_json_values_become_what_options_take(self):
        put = self.server.store.put
        put("Lucius:MaxAttempts", "5", content_type="application/json")
        put("Lucius:Role", '["orchestrator", "worker", "invoker"]',
            content_type="application/json; charset=utf-8")
        put("Lucius:LogLevel", '"debug"', content_type="application/vnd.mine+json")
        put("Lucius:ServiceBus:ReplyPrefix", "{not json", content_type="application/json")
        found = self.checked()
        self.assertTrue(found["LUCIUS_MAX_ATTEMPTS"].startswith("5 "))
        self.assertTrue(found["LUCIUS_ROLE"].startswith("orchestrator,worker,invoker "))
        self.assertTrue(found["LUCIUS_LOG_LEVEL"].startswith("debug "))
        self.assertTrue(found["LUCIUS_SERVICEBUS_REPLY_PREFIX"].startswith("{not json "))

    def test_a_value_that_does_not_parse_names_key_label_and_what_is_accepted(self):
        self.server.store.put("Lucius:MaxAttempts", "many", "prod")
        self.refused("LUCIUS_MAX_ATTEMPTS: 'many' from the key 'Lucius:MaxAttempts' with the label "
                     "'prod' of config-appconfig is not taken; accepted is a whole number of "
                     "attempts from 1 to 1000",
                     environment={"LUCIUS_APPCONFIG_LABEL": "prod"}, status=78)

    def test_an_unknown_key_is_a_warning_with_the_nearest(self):
        self.server.store.put("Lucius:MaxAtempts", "4")
        status, _, err = self.command("--check-config")
        self.assertEqual(status, 0, err)
        self.assertIn("is Lucius:MaxAttempts meant?", err)

    def test_protocols_from_the_store_are_used(self):
        self.server.store.put("Lucius:Protocols", "{}", content_type="application/json")
        lucius = self.daemon(ready=False)
        self.assertEqual(lucius.wait_end(), 78)
        self.assertTrue(any("LUCIUS_PROTOCOLS" in line and "schema_version" in line
                            for line in lucius.raw), lucius.raw)

    def test_print_env_starts_a_consumer_and_the_daemon_with_the_same_options(self):
        self.server.store.put("Lucius:ServiceBus:Connection", BUS)
        self.server.store.put("Lucius:Invoker:Token", "it's \"quoted\" $HOME `x`")
        self.server.store.put("Lucius:MaxAttempts", "9")
        status, out, err = self.command("--print-env")
        self.assertEqual(status, 0, err)
        environment = clean_environment({"SERVICEBUS_TOPIC": "global-bus-p0"})
        shell = out + ('\nprintf "%s\\n" "$LUCIUS_MAX_ATTEMPTS" "$LUCIUS_INVOKER_TOKEN" '
                       '"$LUCIUS_SERVICEBUS_CONNECTION"')
        done = subprocess.run(["sh", "-c", shell], env=environment, capture_output=True, text=True,
                              timeout=BOUND, check=True)
        self.assertEqual(done.stdout.splitlines(), ["9", "it's \"quoted\" $HOME `x`", BUS])


class Failures(SourceWorld):
    def test_a_store_that_is_down_ends_the_start_after_its_time(self):
        self.server.stop()
        self.server.stop = lambda: None
        self.refused("options cannot be fetched from config-appconfig", "is not reached",
                     f":{self.server.port}", "given up (tries: 1", "LUCIUS_APPCONFIG_STARTUP_SECONDS", status=1)

    def test_a_store_that_comes_late_is_waited_for(self):
        self.server.store.put("Lucius:MaxAttempts", "6")
        self.server.fail(status=503, times=3)
        found = self.checked({"LUCIUS_APPCONFIG_STARTUP_SECONDS": "30"})
        self.assertTrue(found["LUCIUS_MAX_ATTEMPTS"].startswith("6 "))
        self.assertEqual([status for _, _, status in self.server.requests], [503, 503, 503, 200])
        times = self.server.times
        self.assertGreater(times[3] - times[2], 4.9)  # a try is three requests; the next 5 s later

    def test_a_wrong_secret_ends_the_start_at_once(self):
        connection = self.server.connection(secret="d3Jvbmc=")
        self.refused("Invalid Signature", "the Secret of LUCIUS_APPCONFIG_CONNECTION is wrong",
                     environment={"LUCIUS_APPCONFIG_CONNECTION": connection,
                                  "LUCIUS_APPCONFIG_STARTUP_SECONDS": "100"}, status=1)
        self.assertEqual(len(self.server.requests), 1)
        for text, words in (("Endpoint=https://x;Id=a", "lacks a part"),
                            ("Endpoint=x;Id=a;Secret=YQ==", "Endpoint is no URL"),
                            ("Endpoint=https://x;Id=a;Secret=YQ", "Secret is not base64")):
            self.refused(words, environment={"LUCIUS_APPCONFIG_CONNECTION": text}, status=78)

    def test_a_clock_that_is_off_is_named_with_the_minutes(self):
        for offset, words in ((3000, "behind the server's by 50 minutes"),
                              (-3000, "ahead of the server's by 50 minutes")):
            self.server.clock_offset = offset + (5 if offset > 0 else -5)
            self.refused(words, "set the clock", status=1)

    def test_a_storm_of_429_is_waited_out_as_the_store_asks(self):
        self.server.store.put("Lucius:MaxAttempts", "6")
        self.server.fail(status=429, times=2, headers={"retry-after-ms": "300"})
        self.assertTrue(self.checked()["LUCIUS_MAX_ATTEMPTS"].startswith("6 "))
        self.server.requests.clear()
        self.server.fail(status=429, times=1000, headers={"retry-after-ms": "60000"})
        self.refused("429", "throttled", status=1)
        self.assertEqual(len(self.server.requests), 1)

    def test_a_page_that_goes_between_pages_makes_it_begin_anew(self):
        self.server.store.page_size = 2
        for i in range(6):
            self.server.store.put(f"Lucius:X{i}", "1")
        self.server.store.put("Lucius:MaxAttempts", "6")
        self.server.fail(of="after=", status=404, times=1, then=self.remove_some)
        self.assertTrue(self.checked()["LUCIUS_MAX_ATTEMPTS"].startswith("6 "))

    def remove_some(self):
        for i in range(5):
            self.server.store.remove(f"Lucius:X{i}")

    def test_two_values_that_change_between_pages_are_taken_together(self):
        self.server.store.page_size = 1
        for key in ("Lucius:LeaseMinutes", "Lucius:MaxAttempts"):
            self.server.store.put(key, "5")

        def change(after):
            if after is not None:
                self.server.before_page = None
                for key in ("Lucius:LeaseMinutes", "Lucius:MaxAttempts"):
                    self.server.store.put(key, "8")
        self.server.before_page = change
        found = self.checked()
        self.assertEqual([found[name][0] for name in ("LUCIUS_LEASE_MINUTES",
                                                      "LUCIUS_MAX_ATTEMPTS")], ["8", "8"])

    def test_a_replica_is_asked_when_the_store_is_away(self):
        replica = self.serve()
        replica.store.put("Lucius:MaxAttempts", "6")
        for fault in ({"status": 500}, {"status": 403}, {"status": 0}):
            self.server.fail(times=9, **fault)
            found = self.checked({"LUCIUS_APPCONFIG_ENDPOINTS": replica.endpoint})
            self.assertTrue(found["LUCIUS_MAX_ATTEMPTS"].startswith("6 "))
            self.server.faults.clear()
        self.refused("LUCIUS_APPCONFIG_ENDPOINTS", "is no endpoint",
                     environment={"LUCIUS_APPCONFIG_ENDPOINTS": "replica"}, status=78)

    def test_an_answer_that_is_none_is_a_sentence(self):
        self.server.answer = lambda *request: type(self).Odd()
        self.refused("does not answer as App Configuration does", status=1)

    class Odd:
        status, headers, body = 200, {"Content-Type": "text/html"}, b"<html>"


class Vaults(SourceWorld):
    def setUp(self):
        super().setUp()
        context, self.authority = certificates.make(self.folder)
        self.server = self.serve(tls=context)
        self.proxy = Proxy(self.server.port)
        self.addCleanup(self.proxy.stop)
        self.server.vault.secrets["token", ""] = "secret-of-the-vault"
        self.refer("Lucius:Invoker:Token", "https://test.vault.azure.net/secrets/token")

    def refer(self, key, uri):
        self.server.store.put(key, {"uri": uri}, content_type=REFERENCE)

    def environment(self, extra=None):
        """With the service's own names, through the proxy."""
        return {**super().environment(), "https_proxy": self.proxy.url, "no_proxy": "127.0.0.1",
                "LUCIUS_APPCONFIG_CONNECTION":
                    self.server.connection("https://test.azconfig.io"),
                "LUCIUS_APPCONFIG_CA_FILE": self.authority, **(extra or {})}

    def client(self, secret="a client secret of the tests"):
        return {"AZURE_TENANT_ID": "tenant", "AZURE_CLIENT_ID": "client",
                "AZURE_CLIENT_SECRET": secret,
                "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/tenants"}

    def assert_resolved(self, environment, who):
        out = self.command("--print-env", environment=environment)[1]
        self.assertIn("export LUCIUS_INVOKER_TOKEN='secret-of-the-vault'", out)
        self.assertEqual(self.server.vault.asked[-1][0], who)
        self.assertTrue(self.server.vault.asked[-1][1].startswith("https://vault.azure.net"))
        found = self.checked(environment)
        self.assertTrue(found["LUCIUS_INVOKER_TOKEN"].startswith("****** (the key"))

    def test_each_way_to_a_token_is_gone(self):
        local = self.serve()
        local.vault = self.server.vault
        assertion = self.write("assertion", "an assertion of the tests\n")
        client = self.client()
        self.assert_resolved(client, "client")
        self.assertIn("test.vault.azure.net:443", self.proxy.targets)
        self.assertIn("login.microsoftonline.com:443", self.proxy.targets)
        client.pop("AZURE_CLIENT_SECRET")
        self.assert_resolved({**client, "AZURE_FEDERATED_TOKEN_FILE": assertion}, "assertion")
        self.assert_resolved({"IDENTITY_ENDPOINT": local.endpoint + "/identity",
                              "IDENTITY_HEADER": "a header of the tests"}, "app service")
        self.assert_resolved({"AZURE_POD_IDENTITY_AUTHORITY_HOST": local.endpoint}, "machine")

    def test_a_value_from_a_vault_is_masked_whatever_its_option_is(self):
        self.server.vault.secrets["address", "1"] = "secret-of-the-vault"
        self.refer("Lucius:ServiceBus:ReplyPrefix",
                   "https://test.vault.azure.net/secrets/address/1")
        found = self.checked(self.client())
        self.assertTrue(found["LUCIUS_SERVICEBUS_REPLY_PREFIX"].startswith("****** (the key"))
        self.server.vault.secrets["number", ""] = "secret-of-the-vault"
        self.refer("Lucius:MaxAttempts", "https://test.vault.azure.net/secrets/number")
        self.refused("LUCIUS_MAX_ATTEMPTS: '******'", environment=self.client(), status=78)

    def test_a_reference_that_cannot_be_resolved_is_named_and_stops_the_start(self):
        wrong = self.client("another")
        said = self.refused("LUCIUS_INVOKER_TOKEN: the key 'Lucius:Invoker:Token'",
                            "https://test.vault.azure.net/secrets/token",
                            "the client secret (AZURE_CLIENT_SECRET) gives no token",
                            "AADSTS7000215", environment=wrong, status=78)
        self.assertNotIn("another", said)
        self.refer("Lucius:Invoker:Token", "https://test.vault.azure.net/secrets/none")
        self.refused("is not given (404)", "was not found", environment=self.client(), status=78)
        self.refused("AZURE_CLIENT_SECRET needs AZURE_TENANT_ID",
                     environment={"AZURE_CLIENT_SECRET": "x"}, status=78)
        # What is stronger makes it unimportant.
        found = self.checked({**wrong, "LUCIUS_INVOKER_TOKEN": PLAIN})
        self.assertIn("environment variable", found["LUCIUS_INVOKER_TOKEN"])

    def test_a_token_goes_to_vaults_of_azure_only(self):
        for uri in ("https://vault.azure.net.example.org/secrets/a", "https://localhost/secrets/a",
                    "https://user@test.vault.azure.net/secrets/a", "https://vault.azure.net/secrets/a",
                    "http://test.vault.azure.net/secrets/a",
                    "https://test.vault.azure.net:8443/secrets/a",
                    "https://test.vault.azure.net/keys/a", "https://test.vault.azure.net/secrets/a?b"):
            self.proxy.targets.clear()
            self.refer("Lucius:Invoker:Token", uri)
            self.refused("LUCIUS_INVOKER_TOKEN", "Key Vault reference",
                         environment=self.client(), status=78)
            self.assertEqual(set(self.proxy.targets), {"test.azconfig.io:443"})


if __name__ == "__main__":
    unittest.main()
