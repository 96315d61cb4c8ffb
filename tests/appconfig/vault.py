# SPDX-License-Identifier: MIT
"""Azure Key Vault as far as references need it, and the places that tokens come from: the identity
endpoints of machines and of app services, and the authority for client secrets and assertions."""
import urllib.parse

JSON = "application/json; charset=utf-8"


class Vault:
    def __init__(self):
        self.secrets = {}  # (name, version or "") → value
        self.tokens = {"a token of the tests"}  # that the vault takes
        self.token = "a token of the tests"  # that is given out
        self.client = ("tenant", "client", "a client secret of the tests")
        self.identity_header = "a header of the tests"
        self.asked = []  # (who, resource or scope)
        self.disabled = set()  # (name, version) of those that are not given

    def answer(self, method, path, query, headers, body):
        """(status, JSON, content type)"""
        if path.startswith("/secrets/") and method == "GET":
            return self.secret(path, query, headers)
        if path == "/metadata/identity/oauth2/token" and method == "GET":
            return self.machine(query, headers)
        if path == "/identity" and method == "GET":
            return self.app_service(query, headers)
        if path.startswith("/tenants/") and method == "POST":
            return self.authority(path, urllib.parse.parse_qs(body.decode()))
        return 404, {"error": {"code": "NotFound", "message": "no such path"}}, JSON

    def secret(self, path, query, headers):
        if headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return 401, {"error": {"code": "Unauthorized", "message": "no valid token"}}, JSON
        if not query.get("api-version"):
            return 400, {"error": {"code": "BadParameter", "message": "api-version"}}, JSON
        name, _, version = path[len("/secrets/"):].partition("/")
        value = self.secrets.get((name, version))
        if (name, version) in self.disabled:
            return 403, {"error": {"code": "Forbidden", "message":
                                   "Operation get is not allowed on a disabled secret.",
                                   "innererror": {"code": "SecretDisabled"}}}, JSON
        if value is None:
            return 404, {"error": {"code": "SecretNotFound",
                                   "message": f"A secret with (name/id) {name} was not found in "
                                   "this key vault."}}, JSON
        return 200, {"value": value, "id": f"https://test.vault.azure.net/secrets/{name}"}, JSON

    def given(self, who, wanted):
        self.asked.append((who, wanted))
        return 200, {"access_token": self.token, "expires_in": "3600",
                     "resource": wanted, "token_type": "Bearer"}, JSON

    def machine(self, query, headers):
        if headers.get("Metadata") != "true":
            return 400, {"error": "invalid_request"}, JSON
        return self.given("machine", query.get("resource", [""])[0])

    def app_service(self, query, headers):
        if headers.get("X-IDENTITY-HEADER") != self.identity_header:
            return 401, {"error": "invalid_header"}, JSON
        return self.given("app service", query.get("resource", [""])[0])

    def authority(self, path, form):
        tenant, client, secret = self.client
        is_right = path == f"/tenants/{tenant}/oauth2/v2.0/token" and \
            form.get("grant_type") == ["client_credentials"] and form.get("client_id") == [client]
        is_assertion = form.get("client_assertion") == ["an assertion of the tests"]
        if not is_right or (form.get("client_secret") != [secret] and not is_assertion):
            return 401, {"error": "invalid_client", "error_description":
                         "AADSTS7000215: Invalid client secret provided."}, JSON
        return self.given("assertion" if is_assertion else "client", form["scope"][0])
