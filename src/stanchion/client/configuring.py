"""What can be asked of an agent about configuration: resources, their scripts and revisions, templates, documents.

``Configuring`` knows paths and shapes; ``rest.Client``, which inherits it, knows connections.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from stanchion.client.ruling import if_match
from stanchion.model.resource import ScriptKind
from stanchion.wire import documents, replies, requests, scripts

Shape = TypeVar("Shape", bound=BaseModel)

IMPORT_S = 120.0
"""How long an import may take: every script in it is read by bash."""


class Configuring(ABC):
    """Resources, scripts, templates, export and import."""

    @abstractmethod
    async def _get(self, shape: type[Shape], path: str, params: Mapping[str, Any] | None = None, *,
                   patience_s: float = 0.0) -> Shape: ...

    @abstractmethod
    async def _send(self, shape: type[Shape], method: str, path: str, asked: BaseModel | None = None,
                    headers: Mapping[str, str] | None = None, *, patience_s: float = 0.0) -> Shape: ...

    @abstractmethod
    async def _ask(self, method: str, path: str) -> object: ...

    async def create(self, asked: requests.ResourceCreate) -> replies.Saved:
        """Make a resource."""
        return await self._send(replies.Saved, "POST", "resources", asked)

    async def edit(self, name: str, change: requests.ResourceChange, *, seen: int | None = None) -> replies.Saved:
        """Change a resource; ``seen`` is the ``spec_revision`` that the change was made from."""
        return await self._send(replies.Saved, "PATCH", f"resources/{_part(name)}", change, if_match(seen))

    async def delete(self, name: str) -> None:
        """Delete a resource."""
        await self._ask("DELETE", f"resources/{_part(name)}")

    async def revisions(self, name: str) -> scripts.RevisionList:
        """List the revisions of a resource's configuration that are kept."""
        return await self._get(scripts.RevisionList, f"resources/{_part(name)}/revisions")

    async def revision(self, name: str, number: int) -> scripts.RevisionDetail:
        """Look at one revision of a resource's configuration."""
        return await self._get(scripts.RevisionDetail, f"resources/{_part(name)}/revisions/{number}")

    async def restore(self, name: str, asked: scripts.Restore, *, seen: int | None = None) -> replies.Saved:
        """Save a past revision anew."""
        return await self._send(replies.Saved, "POST", f"resources/{_part(name)}/restore", asked, if_match(seen))

    async def lint(self, text: str) -> scripts.LintReport:
        """Have a script read, without saving it."""
        return await self._send(scripts.LintReport, "POST", "lint", scripts.LintOrder(text=text))

    async def test_script(self, name: str, script: ScriptKind, *, node: str | None = None,
                          dry: bool = True) -> replies.IntentInfo:
        """Order a script to be tried."""
        return await self._send(replies.IntentInfo, "POST", f"resources/{_part(name)}/scripts/{script}/test",
                                scripts.TestOrder(node=node, dry=dry))

    async def run_of(self, name: str, script: ScriptKind, operation: str) -> replies.RunInfo:
        """Look at one run of a script, with its output."""
        return await self._get(replies.RunInfo, f"resources/{_part(name)}/runs/{script}/{quote(operation, safe='/')}")

    async def templates(self) -> replies.TemplateList:
        """List the templates with their forms."""
        return await self._get(replies.TemplateList, "templates")

    async def template(self, name: str) -> replies.TemplateDetail:
        """Look at one template."""
        return await self._get(replies.TemplateDetail, f"templates/{_part(name)}")

    async def form(self, name: str) -> documents.Form:
        """Ask for everything that there is to ask when a resource is made from a template."""
        return await self._get(documents.Form, f"templates/{_part(name)}/form")

    async def template_document(self, name: str) -> documents.TemplateDocument:
        """Get a template as the document that an edit sends back."""
        return await self._get(documents.TemplateDocument, f"templates/{_part(name)}/document")

    async def create_template(self, asked: documents.TemplateDocument) -> replies.TemplateSaved:
        """Make a template."""
        return await self._send(replies.TemplateSaved, "POST", "templates", asked)

    async def edit_template(self, name: str, asked: documents.TemplateDocument, *,
                            seen: int | None = None) -> replies.TemplateSaved:
        """Save a template in place of another; ``seen`` is the ``revision`` that the edit was made from."""
        return await self._send(replies.TemplateSaved, "PUT", f"templates/{_part(name)}", asked, if_match(seen))

    async def clone_template(self, name: str, asked: documents.CloneOrder) -> replies.TemplateSaved:
        """Make a template that is like another one."""
        return await self._send(replies.TemplateSaved, "POST", f"templates/{_part(name)}/clone", asked)

    async def template_of(self, resource: str, asked: documents.CloneOrder) -> replies.TemplateSaved:
        """Make a template of a resource."""
        return await self._send(replies.TemplateSaved, "POST", f"resources/{_part(resource)}/template", asked)

    async def delete_template(self, name: str) -> None:
        """Delete a template that no resource came from."""
        await self._ask("DELETE", f"templates/{_part(name)}")

    async def export(self, *, resources: Sequence[str] | None = None,
                     templates: Sequence[str] | None = None) -> documents.Bundle:
        """Get resources and templates as documents: those that are named, or all."""
        params = {key: list(names) for key, names in (("resource", resources), ("template", templates)) if names}
        return await self._get(documents.Bundle, "export", params)

    async def take(self, asked: documents.Bundle, *, dry_run: bool = False) -> documents.ImportReport:
        """Make resources and templates of documents, or only ask what would be made."""
        path = f"import?dry_run={str(dry_run).lower()}"
        return await self._send(documents.ImportReport, "POST", path, asked, patience_s=IMPORT_S)

    async def adopt(self, name: str, node: str) -> replies.IntentInfo:
        """Order a resource to be taken over on the node where it runs already."""
        return await self._send(replies.IntentInfo, "POST", f"resources/{_part(name)}/adopt",
                                requests.AdoptOrder(node=node))


def _part(name: str) -> str:
    return quote(name, safe="") or "-"
