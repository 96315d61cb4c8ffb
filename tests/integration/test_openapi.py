# SPDX-License-Identifier: MIT
"""The real answers against etc/openapi.json: status, media type, and each member of the body."""
import json
import os
import re

from world import SOURCE, World, envelope, unittest

with open(os.path.join(SOURCE, "etc/openapi.json"), encoding="utf-8") as file:
    DESCRIPTION = json.load(file)

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float),
         "boolean": bool, "null": type(None)}
KNOWN = {"$ref", "type", "properties", "required", "items", "enum", "const", "pattern", "minimum",
         "maximum", "minLength", "maxLength", "minItems", "oneOf", "anyOf", "allOf", "format",
         "description", "title", "examples", "example", "default", "additionalProperties"}


def resolve(schema):
    while "$ref" in schema:
        place = DESCRIPTION
        for name in schema["$ref"].removeprefix("#/").split("/"):
            place = place[name]
        schema = place
    return schema


def is_type(value, name):
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def faults_of_object(value, schema, at, is_part):
    known = schema.get("properties", {})
    faults = [f"{at}/{name} is missing" for name in schema.get("required", ())
              if name not in value]
    faults += [f"{at}/{name} is not described" for name in value
               if known and not is_part and name not in known
               and schema.get("additionalProperties") not in (True, {})]
    for name, inner in value.items():
        if name in known:
            faults += faults_of(inner, known[name], f"{at}/{name}")
    return faults


def faults_of(value, schema, at="", is_part=False):
    """What is wrong with a value, for the keywords that our description uses. A part (of allOf)
    need not describe every member."""
    schema = resolve(schema)
    assert set(schema) <= KNOWN, set(schema) - KNOWN
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    faults = []
    if types and not any(is_type(value, name) for name in types):
        return [f"{at} is {value!r}, not {types}"]
    if "enum" in schema and value not in schema["enum"]:
        faults.append(f"{at} is {value!r}, none of {schema['enum']}")
    if "const" in schema and value != schema["const"]:
        faults.append(f"{at} is {value!r}, not {schema['const']!r}")
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        faults.append(f"{at} is {value!r}, not like {schema['pattern']}")
    if "minimum" in schema and isinstance(value, (int, float)) and value < schema["minimum"]:
        faults.append(f"{at} is {value}, below {schema['minimum']}")
    for part in schema.get("allOf", ()):
        faults += faults_of(value, part, at, True)
    is_part = is_part or "allOf" in schema
    for word, wanted in (("oneOf", 1), ("anyOf", None)):
        if word in schema:
            n_fitting = sum(not faults_of(value, part, at) for part in schema[word])
            if n_fitting == 0 or (wanted and n_fitting != wanted):
                faults.append(f"{at} fits {n_fitting} of {word}: {value!r}")
    if isinstance(value, dict):
        faults += faults_of_object(value, schema, at, is_part)
    if isinstance(value, list) and "items" in schema:
        for i, inner in enumerate(value):
            faults += faults_of(inner, schema["items"], f"{at}/{i}")
    return faults


class OpenApi(World):
    def check(self, answer, method, path):
        described = DESCRIPTION["paths"][path][method.lower()]["responses"]
        self.assertIn(str(answer.status), described, answer.body)
        content = resolve(described[str(answer.status)]).get("content", {})
        media = answer.headers["Content-Type"]
        names = {name.split(";")[0]: body for name, body in content.items()}
        self.assertIn(media.split(";")[0], names, f"{method} {path} {answer.status}")
        value = answer.body.decode() if media.startswith("text/") else answer.json
        faults = faults_of(value, names[media.split(";")[0]].get("schema", {}))
        self.assertEqual(faults, [], f"{method} {path} {answer.status}")
        return answer

    def ask(self, lucius, method, path, query="", body=None, job_id="", **headers):
        real = path.replace("{jobId}", job_id) + query
        sent = {k.replace("_", "-"): v for k, v in headers.items()}
        return self.check(lucius.ask(method, real, body, sent), method, path)

    def test_real_answers_are_as_described(self):
        lucius = self.start({"LUCIUS_MAX_INFLIGHT_PER_TENANT": "1"})
        self.consume(lucius, "distributed-ocr", arguments=["--handler", "noop"])
        post = ("POST", "/v1/orchestrate")
        done = self.ask(lucius, *post, body=envelope(input_ref={"uri": "x", "size_bytes": 7})).json
        lucius.wait_state(done["jobId"], "SUCCEEDED")
        live = self.ask(lucius, *post, body=envelope(
            tenant_id="t2", request_type="EMBEDDING", idempotency_key="k")).json["jobId"]
        for answer_status, body in (
                (202, envelope(tenant_id="t2", request_type="EMBEDDING", idempotency_key="k")),
                (409, envelope(tenant_id="t2", request_type="SIS", idempotency_key="k")),
                (429, envelope(tenant_id="t2")), (422, envelope(payload=7)), (400, "nonsense"),
                (422, envelope(payload={"steps": {"no": {}}})), (400, envelope(request_type="?")),
                (400, envelope(mode="BURST")), (413, json.dumps("x" * (2 << 20)))):
            self.assertEqual(self.ask(lucius, *post, body=body).status, answer_status)
        self.ask(lucius, *post, body="{}", Content_Type="text/plain")
        for path in ("/v1/jobs/{jobId}", "/v1/jobs/{jobId}/steps", "/v1/jobs/{jobId}/events"):
            for job_id in (done["jobId"], "0" * 32):
                self.ask(lucius, "GET", path, "?tenant_id=t1", job_id=job_id)
        self.ask(lucius, "GET", "/v1/jobs/{jobId}/steps", "?step_id=ocr", job_id=done["jobId"])
        self.ask(lucius, "GET", "/v1/jobs/{jobId}", job_id=live)
        for query in ("", "?tenant_id=t1", "?tenant_id=t1&limit=0", "?tenant_id=t1&cursor=no"):
            self.ask(lucius, "GET", "/v1/jobs", query)
        for verb in ("pause", "resume", "cancel", "pause", "resume"):
            self.ask(lucius, "POST", "/v1/jobs/{jobId}:" + verb, "?tenant_id=t2", job_id=live)
        for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
            self.assertEqual(self.ask(lucius, "GET", path).status, 200)
        self.assertEqual(lucius.ask("GET", "/openapi.json").json, DESCRIPTION)

    def test_the_check_itself_can_fail(self):
        step = {"$ref": "#/components/schemas/Accepted"}
        self.assertEqual(faults_of({"jobId": "0" * 32}, step), [])
        for bad in ({}, {"jobId": 7}, {"jobId": "0" * 32, "more": 1}, {"jobId": "XYZ"}, []):
            self.assertNotEqual(faults_of(bad, step), [], bad)


if __name__ == "__main__":
    unittest.main(verbosity=2)
