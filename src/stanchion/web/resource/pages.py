"""All tabs of a resource as one router."""

from fastapi import APIRouter

from stanchion.web.resource import details, orders

router = APIRouter()
for tab in (details, orders):
    router.include_router(tab.router)
