# SPDX-License-Identifier: MIT
"""Judges the stand-in with Microsoft's Python client and provider, unchanged."""
import base64
import os
import re
import time

from azure.appconfiguration import (AzureAppConfigurationClient, ConfigurationSetting,
                                    SecretReferenceConfigurationSetting)
from azure.appconfiguration.provider import SettingSelector, load
from azure.core import MatchConditions
from azure.core.exceptions import (HttpResponseError, ResourceModifiedError,
                                   ResourceNotFoundError)

CONNECTION = os.environ["CONNECTION"]
WRONG = re.sub("Secret=.*", "Secret=" + base64.b64encode(b"wrong").decode(), CONNECTION)


def refused(kind, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except kind as error:
        return error
    raise AssertionError(f"{call} was not refused")


def judge_client():
    client = AzureAppConfigurationClient.from_connection_string(CONNECTION)
    kept = client.set_configuration_setting(
        ConfigurationSetting(key="py:a b/c,d*e", label="prod", value="1", tags={"env": "prod"}))
    read = client.get_configuration_setting("py:a b/c,d*e", label="prod")
    assert (read.value, read.etag) == ("1", kept.etag)
    same = client.get_configuration_setting("py:a b/c,d*e", label="prod", etag=read.etag,
                                            match_condition=MatchConditions.IfModified)
    assert same is None
    refused(HttpResponseError, client.add_configuration_setting,
            ConfigurationSetting(key="py:a b/c,d*e", label="prod", value="2"))
    for i in range(7):
        client.set_configuration_setting(ConfigurationSetting(key=f"py:page:{i}", value=str(i)))
    found = client.list_configuration_settings(key_filter="py:page:*", label_filter="\0")
    assert [item.value for item in found] == list("0123456")
    tagged = client.list_configuration_settings(key_filter="py:*", tags_filter=["env=prod"])
    assert [item.key for item in tagged] == ["py:a b/c,d*e"]
    escaped = client.list_configuration_settings(key_filter="py:a b/c\\,d\\*e")
    assert [item.label for item in escaped] == ["prod"]
    refused(ResourceModifiedError, client.set_configuration_setting,
            ConfigurationSetting(key="py:page:1", value="x", etag="old"),
            match_condition=MatchConditions.IfNotModified, etag="old")
    client.set_read_only(client.get_configuration_setting("py:page:1"), True)
    refused(HttpResponseError, client.delete_configuration_setting, "py:page:1")
    client.set_read_only(client.get_configuration_setting("py:page:1"), False)
    client.delete_configuration_setting("py:page:1")
    refused(ResourceNotFoundError, client.get_configuration_setting, "py:page:1")
    error = refused(HttpResponseError,
                    AzureAppConfigurationClient.from_connection_string(
                        WRONG).get_configuration_setting, "py:page:2")
    assert error.status_code == 401
    client.set_configuration_setting(
        SecretReferenceConfigurationSetting(key="py:vault",
                                            secret_id="https://v.vault.azure.net/secrets/s"))
    return client


def judge_provider(client):
    for label, value in ((None, "base"), ("prod", "prod")):
        client.set_configuration_setting(ConfigurationSetting(key="q:one", label=label,
                                                              value=value))
    client.set_configuration_setting(ConfigurationSetting(key="q:two", value="base"))
    client.set_configuration_setting(ConfigurationSetting(
        key="q:json", value='{"a": [1]}', content_type="application/json"))
    settings = load(connection_string=CONNECTION, trim_prefixes=["q:"],
                    selects=[SettingSelector(key_filter="*"),
                             SettingSelector(key_filter="q:*", label_filter="prod")],
                    secret_resolver=lambda uri: "resolved " + uri, refresh_enabled=True,
                    refresh_interval=1, replica_discovery_enabled=False)
    assert settings["one"] == "prod", settings["one"]
    assert settings["two"] == "base"
    assert settings["json"] == {"a": [1]}
    assert settings["py:vault"] == "resolved https://v.vault.azure.net/secrets/s"
    client.set_configuration_setting(ConfigurationSetting(key="q:two", value="changed"))
    end = time.monotonic() + 20
    while settings["two"] != "changed" and time.monotonic() < end:
        settings.refresh()
        time.sleep(0.1)  # the provider asks at most once a second
    assert settings["two"] == "changed"


judge_provider(judge_client())
print("good")
