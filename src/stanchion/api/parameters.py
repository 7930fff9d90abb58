"""What stands in paths: names of things, each with an example that a reader of the contract can try.

A name is looked up in any case. One that is there already is never judged by its letters, only found or not found, so
all that is bounded here is its length.
"""

from typing import Annotated

from fastapi import Path

from stanchion.wire.bounds import LAST_REVISION, LONGEST_NAME


def _name(description: str, example: str) -> object:
    return Path(min_length=1, max_length=LONGEST_NAME, description=description, examples=[example])


ResourceNamed = Annotated[str, _name("the resource's name, in any case", "web")]
NodeNamed = Annotated[str, _name("the node's name, in any case", "node1")]
TemplateNamed = Annotated[str, _name("the template's name, in any case", "QemuLive_Template")]
GroupNamed = Annotated[str, _name("the group's name, in any case", "web-pair")]
EventNamed = Annotated[str, _name("the event's id", "0000000000000042-0000")]
IntentNamed = Annotated[str, _name("the order's id, as it was told when it was given", "3f9c61d20a7e4b58")]
NeighbourNamed = Annotated[str, _name("what the other cluster is called here, in any case", "harbour")]
TokenNamed = Annotated[str, _name("the join token's id", "3f9c61d20a7e4b58")]
OperationNamed = Annotated[str, _name("the operation under which the script ran", "web@42")]
RevisionNamed = Annotated[int, Path(ge=0, le=LAST_REVISION, description="the revision's number", examples=[42])]
