# SPDX-License-Identifier: MIT
"""An authority of the tests' own and a certificate for the names of Azure's services."""
import os
import ssl
import subprocess

NAMES = ("DNS:localhost,IP:127.0.0.1,DNS:*.azconfig.io,DNS:*.vault.azure.net,"
         "DNS:login.microsoftonline.com")


def make(folder):
    """(context for servers, path of the authority's certificate)"""
    ca, key = os.path.join(folder, "ca.pem"), os.path.join(folder, "ca.key")
    leaf, leaf_key = os.path.join(folder, "leaf.pem"), os.path.join(folder, "leaf.key")
    request = os.path.join(folder, "leaf.csr")
    extensions = os.path.join(folder, "leaf.ext")
    with open(extensions, "w", encoding="ascii") as file:
        file.write(f"subjectAltName={NAMES}\nbasicConstraints=CA:FALSE\n")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)

    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *curve, "-keyout", key, "-out", ca, "-days", "2",
            "-subj", "/CN=authority of the tests", "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", *curve, "-keyout", leaf_key, "-out", request, "-subj", "/CN=localhost")
    openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", key, "-CAcreateserial",
            "-out", leaf, "-days", "2", "-extfile", extensions)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf, leaf_key)
    return context, ca
