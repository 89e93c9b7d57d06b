"""The bytes kept in ConfigMaps and Secrets."""

import base64

from simulator.kubernetes.status import Object


def decode_config_map(config_map: Object) -> dict[str, bytes]:
    text = {key: value.encode() for key, value in (config_map.get("data") or {}).items()}
    binary = config_map.get("binaryData") or {}
    return text | {key: base64.b64decode(value) for key, value in binary.items()}


def decode_secret(secret: Object) -> dict[str, bytes]:
    return {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}
