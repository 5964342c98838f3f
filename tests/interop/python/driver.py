"""Call alimock through one of the Python SDKs: read one {"action", "parameters"} per line, write one {"body"} or {"error"} per line.

usage: driver.py tea|tea-v1|core  MODULE (the package of the product, such as alibabacloud_domain20180129)
"""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
from collections.abc import Callable
from typing import Any

ENDPOINT, KEY, SECRET = (os.environ[name] for name in ("ENDPOINT", "ACCESS_KEY_ID", "ACCESS_KEY_SECRET"))
VERSION = os.environ["VERSION"]
Call = Callable[[str, dict[str, str]], Any]


def snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def typed(value: str) -> object:
    if value in ("true", "false"):
        return value == "true"
    return int(value) if value.isdigit() else value


def tea(module: str, signature_algorithm: str | None) -> Call:
    openapi = importlib.import_module("alibabacloud_tea_openapi.models")
    models = importlib.import_module(f"{module}.models")
    config = openapi.Config(access_key_id=KEY, access_key_secret=SECRET, endpoint=ENDPOINT, protocol="http")
    config.signature_algorithm = signature_algorithm
    client = importlib.import_module(f"{module}.client").Client(config)

    def call(action: str, parameters: dict[str, str]) -> Any:
        request = getattr(models, f"{action}Request")()
        for name, value in parameters.items():
            setattr(request, snake_case(name), typed(value))
        return getattr(client, snake_case(action))(request).body.to_map()

    return call


def core(module: str) -> Call:
    client = importlib.import_module("aliyunsdkcore.client").AcsClient(KEY, SECRET, "cn-hangzhou")
    common = importlib.import_module("aliyunsdkcore.request").CommonRequest

    def call(action: str, parameters: dict[str, str]) -> Any:
        try:
            package = importlib.import_module(f"{module}.request.v{VERSION.replace('-', '')}.{action}Request")
            request = getattr(package, f"{action}Request")()
            request.set_endpoint(ENDPOINT)
            for name, value in parameters.items():
                getattr(request, f"set_{name}")(value)
        except ModuleNotFoundError:
            request = common(domain=ENDPOINT, version=VERSION, action_name=action, product="Domain")
        return json.loads(client.do_action_with_exception(request))

    return call


def describe_error(error: Exception) -> dict[str, object]:
    code = getattr(error, "error_code", None) or getattr(error, "code", None)
    status = getattr(error, "http_status", None) or getattr(error, "status_code", None) or getattr(error, "statusCode", None)
    data = getattr(error, "data", None)
    if status is None and isinstance(data, dict):
        status = data.get("statusCode")
    return {"code": code, "status": status, "message": str(error)}


def main() -> None:
    kind, module = sys.argv[1:]
    call = core(module) if kind == "core" else tea(module, "v2" if kind == "tea-v1" else None)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            response: dict[str, Any] = {"body": call(request["action"], request["parameters"])}
        except AttributeError as error:
            # A typed client has no method for an operation that does not exist.
            response = {"error": {"code": "no such method", "status": None, "message": str(error)}}
        except Exception as error:
            response = {"error": describe_error(error)}
        print(json.dumps(response), flush=True)


main()
