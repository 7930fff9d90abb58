"""The application: all routes under ``/v1``, the gate before them, and one form for every error."""

from fastapi import APIRouter, FastAPI, Security
from fastapi.security import HTTPBearer

from stanchion.api import (
    admission,
    balance,
    clusters,
    colleagues,
    events,
    files,
    guarantee,
    importing,
    members,
    monitoring,
    neighbours,
    nodes,
    notification,
    orders,
    overview,
    problems,
    report,
    resources,
    scripts,
    settings,
    standing,
    statistics,
    stories,
    templates,
    what_if,
    whereabouts,
)
from stanchion.api.access import routes as access
from stanchion.api.contract import TAGS, Described, operation_id
from stanchion.api.gate import Gate
from stanchion.api.known_as import KnownAs
from stanchion.api.patience import Patience
from stanchion.api.services import Services
from stanchion.api.strictness import Strictness

DESCRIPTION = """\
The REST API of a Stanchion cluster. Every node answers it; ask any.

Orders (`online`, `offline`, `migrate` ...) are answered with `202` and an intent: follow it at `/v1/intents/{id}`
with `wait_s` until it has `ended`. Every error is a `problem+json` whose `detail` says what is wrong and whose `do`
says what to do about it. Instants are UTC in ISO 8601; durations are seconds. Names are found in any case.
"""


def create(services: Services) -> FastAPI:
    """Make the application that answers for this agent."""
    app = Described(
        title="Stanchion",
        version=services.version,
        description=DESCRIPTION,
        openapi_url="/v1/openapi.json",
        openapi_tags=TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirect would repeat whatever stands in the Host header
        generate_unique_id_function=operation_id,
    )
    app.state.services = services
    problems.install(app)
    bearer = Security(HTTPBearer(auto_error=False, description="the token that stands in the agent's token file, or an "
                                                               "API token"))
    v1 = APIRouter(prefix="/v1", dependencies=[bearer])
    for part in (clusters, standing, settings, nodes, templates, resources, scripts, importing, events, stories,
                 notification, report, statistics, what_if, guarantee, monitoring, overview, orders, neighbours,
                 balance):
        v1.include_router(part.router)
    v1.include_router(nodes.agents)
    v1.include_router(access.router)
    v1.include_router(whereabouts.router)
    v1.include_router(files.router)
    v1.include_router(colleagues.router)
    for door in (admission.tokens, admission.doors, admission.certificates, members.router):
        v1.include_router(door)
    app.include_router(v1)
    app.add_middleware(Gate)
    app.add_middleware(Patience)
    app.add_middleware(KnownAs)
    app.add_middleware(Strictness)
    return app
