"""All tabs of a resource as one router."""

from fastapi import APIRouter

from stanchion.web.resource import (
    details,
    events,
    files,
    monitoring,
    orders,
    policies,
    preferred,
    revisions,
    runs,
    scripts,
)

router = APIRouter()
for tab in (details, events, files, monitoring, orders, policies, preferred, revisions, runs, scripts):
    router.include_router(tab.router)
