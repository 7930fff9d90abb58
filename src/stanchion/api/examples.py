"""Examples for the contract, made of one small story that everybody can follow.

A cluster called ``lab`` has three nodes; ``web`` runs on node1, anna looks after it. Every field is called by what it
holds, so one word for each name makes an example of every shape, and the same names mean the same things in all of
them. A shape that brings an example of its own keeps it.
"""

from collections.abc import Mapping
from typing import Any

INSTANT = "2026-09-21T14:13:20Z"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB...\n-----END CERTIFICATE-----\n"
SCRIPT = ". /opt/novell/ncs/lib/ncsfuncs\nexit_on_error virsh start web\nexit 0\n"

WORDS: Mapping[str, Any] = {
    "address": "10.0.0.7", "agent": "fence_ipmilan", "authority": PEM, "by": "anna", "cause": "3f9c61d20a7e4b58",
    "certificate": PEM, "changed": "load script", "choices": "shared", "cluster": "lab", "code": "loaded",
    "command": "virsh start web", "default": "@RESOURCE@", "derivation": "8 s of silence are a loss",
    "description": "A machine run by plain QEMU.", "detail": "there is no resource web", "do": "`stanchion status`",
    "errors": "Line 2: syntax error near unexpected token `fi'", "etcd": "https://10.0.0.7:2379",
    "event": "0000000000000042-0000", "fault": "it does not answer", "files": "/etc/libvirt/qemu/web.xml",
    "heir": "node2", "help": "As the hypervisor knows it.", "host": "mail.example.org", "id": "3f9c61d20a7e4b58",
    "kind": "text", "label": "Name of the machine", "last": "0000000000000042-0000", "master": "node1",
    "members": "web", "name": "web", "new": "correct horse battery", "node": "node1", "old": "a long time ago",
    "operands": "node1", "operation": "web@42", "other_timers": "node3", "output": "Domain web started\n",
    "path": "/usr/local/bin/page-me", "pattern": "[A-Za-z0-9_]{1,63}", "peer": "https://10.0.0.7:2380",
    "peers": "https://10.0.0.7:7424", "preferred": "node1", "priorities": "web", "question": "Why is it where it is?",
    "request": "-----BEGIN CERTIFICATE REQUEST-----\nMIIB...\n-----END CERTIFICATE REQUEST-----\n", "resource": "web",
    "resources": "web", "revoked": "-----BEGIN X509 CRL-----\nMIIB...\n-----END X509 CRL-----\n",
    "route": "/v1/resources/{name}/online", "said": "250 taken", "saved_by": "anna", "saved_why": "more memory",
    "secret": "Zm9yIG9uZSBob3N0LCBvbmNl", "secret_file": "/etc/stanchion/webhook", "sender": "lab@example.org",
    "target": "node2", "template": "QemuLive_Template", "text": "the load script ended well", "title": "QEMU machine",
    "to": "ops@example.org", "token": "told once, kept nowhere", "type": "urn:stanchion:error:NotFound",
    "url": "https://node1:7423", "urls": "https://node1:7423", "urls_file": "/etc/stanchion/apprise",
    "used_by": "web", "user": "anna", "version": "1.2.3", "warnings": "load script, line 2: `x` is never assigned",
    "why": "more memory", "password_file": "/etc/stanchion/mail", "format": "stanchion/1",
}

NAMES: Mapping[tuple[str, str], Any] = {
    ("NodeInfo", "name"): "node1", ("ClusterInfo", "name"): "lab", ("UserInfo", "name"): "anna", ("Me", "name"): "anna",
    ("InviteOrder", "name"): "anna", ("GroupInfo", "name"): "web-pair", ("ApiTokenInfo", "name"): "backup",
    ("ApiTokenOrder", "name"): "backup", ("FenceAgentInfo", "name"): "fence_ipmilan", ("CloneOrder", "name"): "Web",
    ("TemplateInfo", "name"): "QemuLive_Template", ("TemplateDetail", "name"): "QemuLive_Template",
    ("TemplateDocument", "name"): "Web", ("ParameterInfo", "name"): "VM", ("ParameterDocument", "name"): "VM",
    ("EventInfo", "id"): "0000000000000042-0000", ("ScriptChange", "text"): SCRIPT, ("ScriptInfo", "text"): SCRIPT,
    ("LintOrder", "text"): SCRIPT, ("EtcdMemberInfo", "name"): "node1", ("SignInInfo", "agent"): "Firefox",
    ("GroupChange", "members"): ["web", "db"], ("GroupInfo", "members"): ["web", "db"],
    ("ResourceDetail", "pending_scripts"): [], ("SettingsInfo", "other_timers"): [], ("NodeInfo", "strays"): [],
    ("ResourceInfo", "strays"): [], ("ResourceDetail", "strays"): [], ("Restore", "revision"): 42,
    ("DownOrder", "why"): "the power goes at ten", ("InvitationMade", "path"): "/console/first/...",
}
"""What a field is called by in one shape alone."""

KEYS: Mapping[str, str] = {"scripts": "load", "parameters": "VM", "settings": "cluster"}
"""What stands on the left in mappings."""


def complete(shapes: dict[str, dict[str, Any]]) -> None:
    """Give every shape that has none an example."""
    for shape in shapes.values():
        if shape.get("type") == "object" and "examples" not in shape:
            shape["examples"] = [example(shape, shapes)]


def example(schema: Mapping[str, Any], shapes: Mapping[str, Any], name: str = "", of: str = "") -> Any:
    """Make an example of a shape; ``name`` is the field that holds it, in the shape ``of``."""
    if "$ref" in schema:
        schema = shapes[schema["$ref"].rpartition("/")[2]]
    if (of, name) in NAMES:
        return NAMES[of, name]
    if schema.get("examples"):
        return schema["examples"][0]
    options = [each for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())) if each.get("type") != "null"]
    if options:
        return example(options[0], shapes, name, of)
    match schema.get("type"):
        case "object":
            return _object(schema, shapes, name)
        case "array" if "prefixItems" in schema:
            return [example(each, shapes, name, of) for each in schema["prefixItems"]]
        case "array":
            return [example(schema.get("items", {}), shapes, name, of)]
        case _:
            return _plain(schema, name)


def _object(schema: Mapping[str, Any], shapes: Mapping[str, Any], name: str) -> dict[str, Any]:
    more = schema.get("additionalProperties")
    if "properties" not in schema:
        return {KEYS.get(name, "name"): example(more if isinstance(more, dict) else {}, shapes, "name")}
    title = str(schema.get("title", ""))
    return {field: example(each, shapes, field, title) for field, each in schema["properties"].items()}


def _plain(schema: Mapping[str, Any], name: str) -> Any:
    if "const" in schema:
        return schema["const"]
    match schema.get("type"):
        case "boolean":
            return bool(schema.get("default", False))
        case "integer" | "number":
            return _number(schema)
        case "string":
            return _text(schema, name)
    return WORDS.get(name, "lab")


def _number(schema: Mapping[str, Any]) -> Any:
    if "default" in schema and schema["default"] is not None:
        return schema["default"]
    least = schema.get("minimum", 0)
    return least + 1 if "exclusiveMinimum" in schema else max(least, min(42, schema.get("maximum", 42)))


def _text(schema: Mapping[str, Any], name: str) -> str:
    if "enum" in schema:
        return str(schema.get("default") or schema["enum"][0])
    if schema.get("format") == "date-time":
        return INSTANT
    return str(WORDS.get(name) or name.replace("_", " "))
