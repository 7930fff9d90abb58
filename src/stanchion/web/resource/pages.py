"""All tabs of a resource as one router."""

from fastapi import APIRouter

from stanchion.web.resource import details, orders, revisions, scripts

router = APIRouter()
for tab in (details, orders, revisions, scripts):
    router.include_router(tab.router)
