"""The services put together on a home: each with the adapters that it stands on."""

import os
from typing import TYPE_CHECKING

from pydantic import SecretStr

from services.cli.home import Home

if TYPE_CHECKING:  # FastAPI is not installed where only commands run
    from fastapi import FastAPI

    from services.identity.ports import Producer


def ingest_app(home: Home, producer: "Producer") -> "FastAPI":
    from services.identity.adapters.sql.sources import SqlSources
    from services.ingest.app import create_app
    from services.ingest.settings import IngestSettings

    return create_app(IngestSettings(), producer, SqlSources(home.url), home.clock)


def api_app(home: Home) -> "FastAPI":
    from services.identity.adapters.sql.appends import SqlDecisionLog
    from services.identity.adapters.sql.async_pool import AsyncPool
    from services.identity.adapters.sql.reads import SqlReads
    from services.profile_api.app import create_app
    from services.profile_api.settings import ProfileApiSettings

    pool = AsyncPool(home.url)
    return create_app(
        ProfileApiSettings(key_pepper=SecretStr(home.pepper())),
        SqlReads(pool),
        SqlDecisionLog(pool),
        home.clock,
        random=os.urandom,
    )
