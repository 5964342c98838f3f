"""`alimock env`: prints the lines that point an SDK at the emulator: over http, over https, and through a proxy setting."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from alimock.client.connection import default_url, without_token


@dataclass(frozen=True)
class _Lines:
    """How one SDK is pointed here; `{endpoint}` is host and port, `{url}` the whole of it, `{ca}` the authority's file."""

    http: str
    https: str
    proxy: str


_NO_PROXY = "# speaks https by default, which a proxy only tunnels; use the endpoint instead"
_RESOLVE = "# let domain.aliyuncs.com resolve to the emulator, with --tls-port 443 and"

SDKS = {
    "python": _Lines(
        'Config(endpoint="{endpoint}", protocol="http", access_key_id="testid", access_key_secret="testsecret")',
        f"{_RESOLVE}\nexport SSL_CERT_FILE={{ca}} REQUESTS_CA_BUNDLE={{ca}}  # which of them counts depends on the SDK's version",
        'Config(protocol="http", http_proxy="{url}", access_key_id="testid", access_key_secret="testsecret")',
    ),
    "python-core": _Lines(
        'request.set_endpoint("{endpoint}")',
        f"{_RESOLVE}\nexport ALIBABA_CLOUD_CA_BUNDLE={{ca}}\nrequest.set_protocol_type(aliyunsdkcore.http.protocol_type.HTTPS)",
        "export HTTP_PROXY={url}",
    ),
    "node": _Lines(
        "new RPCClient({{endpoint: '{url}', apiVersion: '2018-01-29', accessKeyId: 'testid', accessKeySecret: 'testsecret'}})"
        "  // @alicloud/pop-core\n"
        "new Config({{endpoint: '{endpoint}', protocol: 'http', accessKeyId: 'testid', accessKeySecret: 'testsecret'}})"
        "  // @alicloud/openapi-client",
        f"{_RESOLVE}\nexport NODE_EXTRA_CA_CERTS={{ca}}",
        _NO_PROXY,
    ),
    "java": _Lines(
        'request.setSysEndpoint("{endpoint}");',
        f"{_RESOLVE}\nkeytool -importcert -noprompt -alias alimock -file {{ca}} -keystore alimock.jks -storepass changeit\n"
        "java -Djavax.net.ssl.trustStore=alimock.jks ...\nrequest.setSysProtocol(ProtocolType.HTTPS);",
        "export HTTP_PROXY={url}",
    ),
    "go": _Lines(
        'request.Domain, request.Scheme = "{endpoint}", "http"',
        f'{_RESOLVE}\nexport SSL_CERT_FILE={{ca}}\nrequest.Scheme = "https"',
        "export HTTP_PROXY={url}",
    ),
    "cli": _Lines(
        "export ALIBABA_CLOUD_ENDPOINT={endpoint}\naliyun domain ... --insecure",
        f"{_RESOLVE}\nexport SSL_CERT_FILE={{ca}}",
        _NO_PROXY,
    ),
}


def run(arguments: Sequence[str]) -> int:
    """Prints the lines of one SDK."""
    parser = argparse.ArgumentParser("alimock env", description="Prints the lines that point an SDK at the emulator.")
    parser.add_argument("--sdk", choices=SDKS, required=True)
    parser.add_argument("--url", default=default_url(), help="where the emulator is; default: %(default)s")
    options = parser.parse_args(arguments)
    # The emulated API needs no token.
    url = without_token(options.url)
    values = {"url": url, "endpoint": urlsplit(url).netloc or url, "ca": "alimock-ca.pem"}
    lines = SDKS[options.sdk]
    print(f"# over http\n{lines.http.format(**values)}\n")
    print(f"# over https: alimock ca --output alimock-ca.pem\n{lines.https.format(**values)}\n")
    print(f"# through a proxy setting, with the SDK's own endpoint\n{lines.proxy.format(**values)}")
    return 0
