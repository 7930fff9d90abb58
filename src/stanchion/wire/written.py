"""Documents as text: resources and templates as YAML or JSON, for people to read, keep and compare.

Scripts stand in YAML as they are, line by line. What comes in is not trusted: its size is bounded, aliases (which can
make a few lines into gigabytes) are refused, and only plain data is read. ``told`` is
how a sentence about a fault names the text: "the file x.yaml", say.
"""

import json
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from stanchion.model.errors import InvalidInput

if TYPE_CHECKING:
    from stanchion.wire.documents import Bundle

LARGEST_YAML_BYTES = 4 * 1024 * 1024

Form = Literal["yaml", "json"]
Shape = TypeVar("Shape", bound=BaseModel)


def written(of: BaseModel, form: Form) -> str:
    """Write a document as text."""
    data = of.model_dump(mode="json", exclude_none=True)
    if form == "json":
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    from stanchion.wire import yaml_text  # see ``parsed``

    return yaml_text.written(data)


def parsed(data: bytes, told: str, *, most_yaml_bytes: int = LARGEST_YAML_BYTES) -> Any:
    """Read YAML or JSON. Raises ``InvalidInput`` with one sentence."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise InvalidInput(f"{told} is not a text in UTF-8 (byte {fault.start + 1})") from None
    try:
        if text.lstrip().startswith(("{", "[")):
            return json.loads(text)
        if len(data) > most_yaml_bytes:
            raise InvalidInput(f"the YAML in {told} has more than {most_yaml_bytes // 1024:,} KiB; "
                               "export it as JSON instead")
        from stanchion.wire import yaml_text  # a library that an agent hardly ever needs, for MiB of its memory

        return yaml_text.parsed(text, told)
    except (ValueError, RecursionError) as fault:
        said = " ".join(str(fault).split())[:200]
        raise InvalidInput(f"{told} is neither valid YAML nor JSON: {said}") from None


def bundle(data: bytes, told: str, *, most_yaml_bytes: int = LARGEST_YAML_BYTES) -> "Bundle":
    """Read an export file, or one template as a document. Raises ``InvalidInput`` with what is wrong in it first."""
    from stanchion.wire.documents import Bundle, TemplateDocument

    plain = parsed(data, told, most_yaml_bytes=most_yaml_bytes)
    if isinstance(plain, dict) and "name" in plain:
        return Bundle(templates=(checked(TemplateDocument, plain, told),))
    found = checked(Bundle, plain, told)
    if not found.templates and not found.resources:
        raise InvalidInput(f"{told} holds neither resources nor templates")
    return found


def checked(shape: type[Shape], plain: Any, told: str) -> Shape:
    """Read plain data as a document. Raises ``InvalidInput``."""
    if not isinstance(plain, dict):
        raise InvalidInput(f"{told} holds no document: it must say `format: stanchion/1`, and resources or "
                           "templates")
    try:
        return shape.model_validate(plain)
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        what = "is not known here" if first["type"] == "extra_forbidden" else first["msg"].lower()
        raise InvalidInput(f"in {told}, {place or 'it'}: {what}") from None
