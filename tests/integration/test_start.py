# SPDX-License-Identifier: MIT
"""What stops a start, and in which words: options, plugins, ports, roles."""
import os
import shutil
import socket
import subprocess

from world import (BOUND, LUCIUSD, PLUGINS, World, clean_environment, secrets_of, signal,
                   unittest)


class Start(World):
    def run_daemon(self, arguments=(), environment=None, plugins=PLUGINS):
        """Runs a start that must fail; its exit status and all that it said."""
        settings = {"LUCIUS_HTTP_LISTEN": "127.0.0.1:0", "LUCIUS_INVOKER_LISTEN": "127.0.0.1:0",
                    "LUCIUS_BUS_LISTEN": "127.0.0.1:0"}
        settings.update(environment or {})
        done = subprocess.run([LUCIUSD, "--plugins-dir", plugins, *arguments], timeout=BOUND,
                              env=clean_environment(settings), stdin=subprocess.DEVNULL,
                              capture_output=True, check=False)
        said = (done.stdout + done.stderr).decode()
        for secret in secrets_of(settings):
            self.assertNotIn(secret, said)
        return done.returncode, said

    def refused(self, words, arguments=(), environment=None, plugins=PLUGINS):
        status, said = self.run_daemon(arguments, environment, plugins)
        self.assertNotEqual(status, 0, said)
        self.assertLess(status, 128, said)
        for word in [words] if isinstance(words, str) else words:
            self.assertIn(word, said)
        return said

    def config(self, text):
        path = os.path.join(self.folder, "lucius.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_unknown_option_on_the_command_line_is_named_with_the_nearest(self):
        self.refused(["max-atempts", "max-attempts"], ["--max-atempts", "3"])

    def test_unknown_option_in_the_file_is_named_with_file_line_and_the_nearest(self):
        path = self.config("max_attempts = 3;\nmax_atempts = 4;\n")
        self.refused([f"{path}:2", "max_attempts"], ["--config", path])

    def test_unknown_variable_is_a_warning_only(self):
        lucius = self.start({"LUCIUS_MAX_ATEMPTS": "3"})
        line = lucius.wait_line("config.option")
        self.assertIn("LUCIUS_MAX_ATEMPTS is no option; is LUCIUS_MAX_ATTEMPTS meant?",
                      line["message"])
        self.assertEqual(line["level"], "warning")

    def test_wrong_value_names_option_origin_and_what_is_accepted(self):
        self.refused(["LUCIUS_MAX_ATTEMPTS", "many"], environment={"LUCIUS_MAX_ATTEMPTS": "many"})
        path = self.config("lease_minutes = 0;\n")
        self.refused([f"{path}:1", "1"], ["--config", path])

    def test_missing_plugin_is_named(self):
        self.refused("storage-nothing", environment={"LUCIUS_STORAGE_BACKEND": "nothing"})

    def copied_plugins(self):
        folder = os.path.join(self.folder, "plugins")
        shutil.copytree(PLUGINS, folder, ignore=lambda d, names: [
            n for n in names if not n.endswith(".so")])
        return folder

    def test_unreadable_plugin_is_refused_with_the_linkers_words(self):
        folder = self.copied_plugins()
        path = os.path.join(folder, "storage-memory.so")
        with open(path, "wb") as file:
            file.write(b"this is no shared object")
        self.refused([path], plugins=folder)

    def test_plugin_of_another_kind_is_refused(self):
        folder = self.copied_plugins()
        shutil.copy(os.path.join(folder, "bus-local.so"),
                    os.path.join(folder, "storage-memory.so"))
        self.refused(["storage-memory.so", "bus"], plugins=folder)

    def test_plugin_that_others_may_write_is_refused(self):
        folder = self.copied_plugins()
        path = os.path.join(folder, "storage-memory.so")
        os.chmod(path, 0o757)
        self.refused([path, "writ"], plugins=folder)

    def test_port_in_use_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            for option in ("LUCIUS_HTTP_LISTEN", "LUCIUS_INVOKER_LISTEN", "LUCIUS_BUS_LISTEN"):
                said = self.refused([address], environment={option: address})
                self.assertRegex(said, "in use|another process listens there")

    def test_split_roles_on_backends_of_one_process_are_refused(self):
        self.refused(["one process"], environment={"LUCIUS_ROLE": "orchestrator"})
        self.refused(["LUCIUS_ROLE"], environment={"LUCIUS_ROLE": "conductor"})

    def test_health_says_whether_the_process_is_ready(self):
        lucius = self.start()
        asked = [LUCIUSD, "--plugins-dir", PLUGINS, "--health",
                 "--http-listen", f"127.0.0.1:{lucius.port}"]
        self.assertEqual(subprocess.run(asked, timeout=BOUND, check=False,
                                        env=clean_environment({})).returncode, 0)
        self.assertEqual(lucius.stop(), 0)
        self.assertEqual(subprocess.run(asked, timeout=BOUND, check=False,
                                        env=clean_environment({})).returncode, 1)

    def test_check_config_masks_secrets_and_names_origins(self):
        secret = "token-that-nobody-may-see"
        status, said = self.run_daemon(["--check-config"], {
            "LUCIUS_INVOKER_TOKEN": secret, "LUCIUS_MAX_ATTEMPTS": "5"})
        self.assertEqual(status, 0, said)
        self.assertNotIn(secret, said)
        self.assertRegex(said, r"LUCIUS_MAX_ATTEMPTS = 5 .*LUCIUS_MAX_ATTEMPTS")

    def test_tokens_decide_who_may_do_what(self):
        path = os.path.join(self.folder, "tokens")
        with open(path, "w", encoding="utf-8") as file:
            file.write("one t1\nall *\n")
        lucius = self.start({"LUCIUS_API_TOKENS_FILE": path})
        no_token = lucius.orchestrate()
        self.assert_problem(no_token, 401, "unauthorized")
        self.assertEqual(no_token.headers["WWW-Authenticate"], "Bearer")
        one = {"Authorization": "Bearer one"}
        from world import envelope
        job = lucius.ask("POST", "/v1/orchestrate", envelope(), one)
        self.assertEqual(job.status, 202)
        other = lucius.ask("POST", "/v1/orchestrate", envelope(tenant_id="t2"), one)
        self.assert_problem(other, 403, "forbidden")
        job_id = lucius.ask("POST", "/v1/orchestrate", envelope(tenant_id="t2"),
                            {"Authorization": "Bearer all"}).json["jobId"]
        steps = lucius.ask("GET", f"/v1/jobs/{job_id}/steps", headers=one)
        self.assert_problem(steps, 404, "not-found")
        self.assertEqual(lucius.ask("GET", "/healthz").status, 200)
        self.assertFalse(any("Bearer" in line or '"one"' in line for line in lucius.raw))

    def test_sighup_reads_the_tokens_file_anew(self):
        path = os.path.join(self.folder, "tokens")
        with open(path, "w", encoding="utf-8") as file:
            file.write("one t1\n")
        lucius = self.start({"LUCIUS_API_TOKENS_FILE": path})
        two = {"Authorization": "Bearer two"}
        self.assertEqual(lucius.ask("GET", "/v1/jobs?tenant_id=t1", headers=two).status, 401)
        with open(path, "a", encoding="utf-8") as file:
            file.write("two t1\n")
        lucius.signal(signal.SIGHUP)
        lucius.wait_line("config.read")
        self.assertEqual(lucius.ask("GET", "/v1/jobs?tenant_id=t1", headers=two).status, 200)
        with open(path, "a", encoding="utf-8") as file:
            file.write("nonsense\n")
        n_before = len(lucius.lines)
        lucius.signal(signal.SIGHUP)
        self.assertIn(":3:", lucius.wait_line("service.not_reconfigured", after=n_before)["message"])
        self.assertEqual(lucius.ask("GET", "/v1/jobs?tenant_id=t1", headers=two).status, 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
