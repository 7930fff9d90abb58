"""The door for other agents: it opens only to certificates of the cluster's authority, and asks for nothing else.

It has a port of its own, so that who calls is known before a byte of a request is read. Over it an agent learns that
its certificate is believed and whether the clocks agree (``hello``), gets new certificates, and asks about this host's
copies of configuration files (``colleagues``).
"""

from fastapi import APIRouter, FastAPI

from stanchion.api import admission, colleagues, problems
from stanchion.api.patience import Patience
from stanchion.api.services import Here, Services
from stanchion.wire import joining
from stanchion.wire.replies import instant

router = APIRouter()


@router.get("/hello")
async def hello(here: Here) -> joining.Hello:
    """Tell who answers, and what time it is here."""
    settings, at = here.view().settings, instant(here.clock.now().wall_s)
    assert at is not None
    cluster = settings.value.cluster if settings else ""
    return joining.Hello(node=here.node, cluster=cluster, version=here.version, at=at)


def create(services: Services) -> FastAPI:
    """Make the application that answers other agents."""
    app = FastAPI(title="Stanchion, agent to agent", version=services.version, openapi_url=None, docs_url=None,
                  redoc_url=None)
    app.state.services = services
    problems.install(app)
    app.include_router(router, prefix="/v1")
    app.include_router(admission.certificates, prefix="/v1")
    app.include_router(colleagues.router, prefix="/v1")
    app.add_middleware(Patience)
    return app
