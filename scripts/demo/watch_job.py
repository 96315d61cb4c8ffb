#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows a job's progress step by step, then the job, the recognised text and the vector.

    watch_job.py http://127.0.0.1:8000 JOB_ID [TENANT]
"""
import json
import sys
import time
import urllib.parse
import urllib.request

BOUND_SECONDS = 180


def read_reference(reference):
    """The bytes that a result_ref names, if it is a file of this machine."""
    uri = reference.get("uri", "") if isinstance(reference, dict) else reference or ""
    parts = urllib.parse.urlparse(uri)
    if parts.scheme not in ("", "file"):
        return None
    with open(urllib.parse.unquote(parts.path), encoding="utf-8") as file:
        return file.read()


def watch(base, job_id, tenant):
    url = f"{base}/v1/jobs/{job_id}?tenant_id={urllib.parse.quote(tenant)}"
    shown = {}
    end = time.monotonic() + BOUND_SECONDS
    while time.monotonic() < end:
        with urllib.request.urlopen(url, timeout=10) as reply:
            whole = json.load(reply)
        for step in whole["steps"]:
            state = f"{step['state']} (attempt {step['attempt_no']}, lane {step['lane']})"
            if shown.get(step["step_id"]) != state:
                shown[step["step_id"]] = state
                print(f"  {step['step_id']:<10} {state}", flush=True)
        if whole["job"]["state"] in ("SUCCEEDED", "FAILED_FINAL", "CANCELLED"):
            return whole
        time.sleep(0.05)
    sys.exit(f"the job did not end within {BOUND_SECONDS} s")


def show(whole):
    job = whole["job"]
    print(json.dumps(job, indent=2, ensure_ascii=False))
    if job["state"] != "SUCCEEDED":
        sys.exit(f"the job ended {job['state']}: {job['error_code']}: {job['error_message']}")
    text = read_reference(whole["steps"][0]["result_ref"])
    print("\nRecognised text:\n")
    print("\n".join("    " + line for line in text.strip().splitlines()))
    vectors = json.loads(read_reference(whole["steps"][-1]["result_ref"]))
    first = vectors["chunks"][0]["embedding"]
    head = ", ".join(f"{x:.4f}" for x in first[:6])
    print(f"\n{len(vectors['chunks'])} vector(s) of {len(first)} dimensions by "
          f"{vectors['model']}; the first: [{head}, ...]")


if __name__ == "__main__":
    show(watch(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "t1"))
