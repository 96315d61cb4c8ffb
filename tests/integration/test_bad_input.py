# SPDX-License-Identifier: MIT
"""What a client can get wrong: each gets its problem, and a job that is fine still goes through."""
import json
import socket

from world import World, envelope, unittest


class BadInput(World):
    @classmethod
    def setUpClass(cls):
        from world import Lucius
        cls.lucius = Lucius({"LUCIUS_MAX_INFLIGHT_PER_TENANT": "3"}).wait_ready()

    @classmethod
    def tearDownClass(cls):
        assert cls.lucius.stop() == 0, "\n".join(cls.lucius.raw[-50:])

    def post(self, body, **headers):
        return self.lucius.ask("POST", "/v1/orchestrate", body,
                               {k.replace("_", "-"): v for k, v in headers.items()})

    def test_body_that_is_not_json_is_400(self):
        for body in (b"", b"{", b"nonsense", b"{}{}", b"\xff\xfe", b'{"a": "\xc3"}'):
            self.assert_problem(self.post(body), 400, "malformed-json")

    def test_duplicate_members_are_400(self):
        body = json.dumps(envelope())[:-1] + ', "tenant_id": "t2"}'
        self.assert_problem(self.post(body), 400, "malformed-json", "tenant_id")

    def test_nul_and_lone_surrogates_are_400(self):
        for text in ('"a\\u0000b"', '"\\ud800"', '"\\udc00x"'):
            body = json.dumps(envelope()).replace('"in"', text)
            self.assert_problem(self.post(body), 400, "malformed-json")

    def test_numbers_beyond_64_bits_and_doubles_are_400(self):
        for number in ("18446744073709551616", "-9223372036854775809", "1e400"):
            body = json.dumps(envelope()).replace("{}", '{"n": %s}' % number)
            self.assert_problem(self.post(body), 400, "malformed-json")

    def test_ten_thousand_brackets_are_400(self):
        self.assert_problem(self.post(b"[" * 10000), 400, "malformed-json", "deep")

    def test_two_mebibytes_are_413(self):
        answer = self.post(b'{"a": "' + b"x" * (2 << 20) + b'"}')
        self.assert_problem(answer, 413, "body-too-large")

    def test_other_media_types_are_415(self):
        answer = self.lucius.ask("POST", "/v1/orchestrate", b"{}", {"Content-Type": "text/plain"})
        self.assert_problem(answer, 415, "unsupported-media-type")

    def test_every_missing_member_is_listed_at_once(self):
        problem = self.assert_problem(self.post({}), 422, "invalid-envelope")
        pointers = {error["pointer"] for error in problem["errors"]}
        self.assertEqual(pointers, {"/tenant_id", "/request_type", "/input_ref", "/output_ref",
                                    "/payload", "/schema_version"})

    def test_wrong_types_are_listed_at_once(self):
        body = envelope(tenant_id=7, payload=[], input_ref={"size_bytes": -1}, mode="FAST",
                        schema_version="v2", doc_id=" ", traceparent=1)
        problem = self.assert_problem(self.post(body), 422, "invalid-envelope")
        pointers = {error["pointer"] for error in problem["errors"]}
        self.assertLessEqual({"/tenant_id", "/payload", "/mode", "/schema_version", "/doc_id"},
                             pointers)

    def test_unknown_request_type_is_400(self):
        answer = self.post(envelope(request_type="TRANSLATE"))
        self.assert_problem(answer, 400, "unknown-request-type", "TRANSLATE")

    def test_burst_without_doc_id_is_400(self):
        self.assert_problem(self.post(envelope(mode="BURST")), 400, "missing-doc-id")

    def test_unknown_step_in_payload_is_422(self):
        answer = self.post(envelope(payload={"steps": {"ocr": {}, "sis": {}}}))
        problem = self.assert_problem(answer, 422, "invalid-steps")
        self.assertEqual(problem["errors"][0]["pointer"], "/payload/steps/sis")

    def test_step_payload_that_breaks_its_schema_is_422(self):
        answer = self.post(envelope(payload={"steps": {"ocr": {"output_format": "PDF"}}}))
        problem = self.assert_problem(answer, 422, "invalid-steps")
        self.assertEqual(problem["errors"][0]["pointer"], "/payload/steps/ocr/output_format")

    def test_unknown_paths_and_methods(self):
        self.assert_problem(self.lucius.ask("GET", "/nothing"), 404, "not-found")
        answer = self.lucius.ask("DELETE", "/v1/orchestrate")
        self.assert_problem(answer, 405, "method-not-allowed")
        self.assertEqual(answer.headers["Allow"], "POST")

    def test_job_that_is_missing_malformed_or_anothers_is_404_in_the_same_words(self):
        job_id = self.lucius.orchestrate(tenant_id="owner").json["jobId"]
        self.assertEqual(self.lucius.job(job_id, "owner")["job"]["tenant_id"], "owner")
        bodies = {
            self.lucius.ask("GET", path).body
            for path in (f"/v1/jobs/{job_id}?tenant_id=other", "/v1/jobs/nonsense?tenant_id=other",
                         "/v1/jobs/" + "0" * 32 + "?tenant_id=other",
                         f"/v1/jobs/{job_id}/steps?tenant_id=other",
                         f"/v1/jobs/{job_id}/steps?step_id=none",
                         f"/v1/jobs/{job_id}/events?tenant_id=other")}
        self.assertEqual(len(bodies), 1, bodies)
        answer = self.lucius.ask("POST", f"/v1/jobs/{job_id}:cancel?tenant_id=other")
        self.assertEqual(answer.status, 404)

    def test_missing_tenant_is_422_and_bad_queries_are_400(self):
        self.assert_problem(self.lucius.ask("GET", "/v1/jobs"), 422, "invalid-query", "tenant_id")
        for query in ("limit=0", "limit=201", "limit=x", "state=DONE", "limit="):
            answer = self.lucius.ask("GET", "/v1/jobs?tenant_id=t1&" + query)
            self.assertEqual(answer.status, 400, query)
        answer = self.lucius.ask("GET", "/v1/jobs?tenant_id=t1&cursor=nonsense")
        self.assert_problem(answer, 400, "invalid-cursor")

    def test_same_key_with_another_command_is_409(self):
        first = self.lucius.orchestrate(tenant_id="k", idempotency_key="one")
        again = self.lucius.orchestrate(tenant_id="k", idempotency_key="one")
        self.assertEqual(again.status, 202)
        self.assertEqual(again.json["jobId"], first.json["jobId"])
        self.assertIs(again.json["duplicate"], True)
        self.assertEqual(again.json["state"], "QUEUED")
        other = self.lucius.orchestrate(tenant_id="k", idempotency_key="one", input_ref="other")
        self.assert_problem(other, 409, "idempotency-conflict")

    def test_tenant_at_its_limit_is_429_but_a_repeat_is_recognised(self):
        for i in range(3):
            self.assertEqual(self.lucius.orchestrate(tenant_id="full", input_ref=str(i)).status,
                             202)
        answer = self.lucius.orchestrate(tenant_id="full", input_ref="more")
        self.assert_problem(answer, 429, "tenant-limit")
        self.assertGreater(int(answer.headers["Retry-After"]), 0)
        self.assertIs(self.lucius.orchestrate(tenant_id="full", input_ref="0").json["duplicate"],
                      True)
        rejected = self.lucius.wait_line("rate_limit.rejected")
        self.assertEqual(rejected["tenant_id"], "full")

    def test_two_content_lengths_never_run_a_second_request(self):
        smuggled = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        head = (b"POST /v1/orchestrate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(smuggled))
        with socket.create_connection(("127.0.0.1", self.lucius.port), timeout=30) as peer:
            peer.sendall(head + smuggled)
            received = b""
            while chunk := peer.recv(4096):
                received += chunk
        self.assertTrue(received.startswith(b"HTTP/1.1 400"), received)
        self.assertEqual(received.count(b"HTTP/1.1"), 1, received)


if __name__ == "__main__":
    unittest.main(verbosity=2)
