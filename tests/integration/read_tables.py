# SPDX-License-Identifier: MIT
"""Reads tables with Microsoft's client, in its own environment: all rows of the named ones as JSON.

    read_tables.py CONNECTION TABLE…
"""
import json
import sys

from azure.data.tables import TableServiceClient


def main(connection, *names):
    service = TableServiceClient.from_connection_string(connection)
    found = {name: [dict(row) for row in service.get_table_client(name).list_entities()]
             for name in names}
    json.dump(found, sys.stdout, default=str)


if __name__ == "__main__":
    main(*sys.argv[1:])
