# SPDX-License-Identifier: MIT
"""What the stand-in keeps: key-values by key and label, selected, cut into pages and given ETags as
Azure App Configuration does (REST reference, api-version 2023-11-01). Knows nothing of HTTP."""
import base64
import datetime
import hashlib
import json

NO_LABEL = "\0"


class BadFilter(Exception):
    """A key or label filter that the service refuses; the text is the detail."""


def read_filter(text):
    """A filter as (name, is a prefix) pairs; None: everything."""
    if text in (None, "*"):
        return None
    parts, part, escaped, is_prefix = [], "", False, False
    for place, letter in enumerate(text):
        if escaped:
            part, escaped = part + letter, False
        elif letter == "\\":
            escaped = True
        elif letter == "*":
            if place + 1 < len(text) and text[place + 1] != ",":
                raise BadFilter(f"({place + 1}): Invalid character")
            is_prefix = True
        elif letter == ",":
            parts.append((part, is_prefix))
            part, is_prefix = "", False
        else:
            part += letter
    parts.append((part, is_prefix))
    if len(parts) > 5 or (len(parts) > 1 and any(prefix for _, prefix in parts)):
        raise BadFilter("(1): Too many values")
    return parts


def matches(parts, text):
    return parts is None or any(text.startswith(name) if is_prefix else text == name
                                for name, is_prefix in parts)


class Store:
    def __init__(self, page_size=100):
        self.items = {}
        self.page_size = page_size
        self.changes = 0

    def put(self, key, value, label=None, content_type=None, tags=None):
        """Writes one key-value and returns it; a value that is no text becomes JSON."""
        self.changes += 1
        if not isinstance(value, str) and value is not None:
            value = json.dumps(value)
        etag = hashlib.sha256(f"{self.changes}:{key}:{label}".encode()).hexdigest()[:27]
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        self.items[key, label] = {
            "etag": etag, "key": key, "label": label, "content_type": content_type or "",
            "value": value, "tags": tags or {}, "locked": False, "last_modified": now}
        return self.items[key, label]

    def remove(self, key, label=None):
        """Takes one away and returns it; None: it is not there."""
        item = self.items.pop((key, label), None)
        if item is not None:
            self.changes += 1
        return item

    def select(self, key=None, label=None, tags=()):
        """All that the filters let through, in the service's order."""
        keys = read_filter(key)
        labels = read_filter(label)
        wanted = [tuple(tag.split("=", 1)) for tag in tags]
        found = [item for item in self.items.values()
                 if matches(keys, item["key"]) and matches(labels, item["label"] or NO_LABEL)
                 and all(item["tags"].get(name) == value for name, value in wanted)]
        return sorted(found, key=lambda item: (item["key"], item["label"] or ""))

    def page(self, found, after):
        """(items, the next `after` or None, ETag) of the page that begins behind `after`."""
        if after is not None:
            try:
                last = tuple(json.loads(base64.urlsafe_b64decode(after)))
            except ValueError as error:
                raise BadFilter("(1): Invalid token") from error
            found = [item for item in found if (item["key"], item["label"] or "") > last]
        items, more = found[:self.page_size], found[self.page_size:]
        token = None
        if more:
            last = [items[-1]["key"], items[-1]["label"] or ""]
            token = base64.urlsafe_b64encode(json.dumps(last).encode()).decode()
        marks = "".join(item["etag"] for item in items) + str(token)
        return items, token, hashlib.sha256(marks.encode()).hexdigest()[:43]
