"""All forms of the settings, and their page."""

from fastapi import APIRouter

from stanchion.web.settings import cluster, groups, notify, order, page, standing

router = APIRouter()
for part in (page, cluster, order, groups, notify, standing):
    router.include_router(part.router)
