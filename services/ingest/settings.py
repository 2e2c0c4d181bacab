"""The settings of ingest, read once by the command that starts it."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.ingest.formats.limits import Limits


class IngestSettings(BaseSettings):
    """Bounds of requests, of the queue before the log, and of waiting for it."""

    model_config = SettingsConfigDict(env_prefix="PLAIT_INGEST__", frozen=True)

    body_bytes_max: int = Field(default=4 * 1024 * 1024, gt=0)  # after gunzip, too
    drain_bytes_max: int = Field(default=64 * 1024 * 1024, gt=0)
    event_bytes_max: int = Field(default=32 * 1024, gt=0, le=512 * 1024)
    events_per_batch_max: int = Field(default=2_000, gt=0, le=20_000)
    dead_letter_bytes_max: int = Field(default=700 * 1024, gt=0, le=700 * 1024)
    queue_messages_max: int = Field(default=20_000, gt=0)
    queue_bytes_max: int = Field(default=64 * 1024 * 1024, gt=0)
    append_messages_max: int = Field(default=2_000, gt=0)
    append_wait_ms_max: int = Field(default=10_000, gt=0)
    log_check_cache_ms: int = Field(default=2_000, ge=0)  # of readiness
    log_check_ms_max: int = Field(default=3_000, gt=0)
    stop_wait_ms_max: int = Field(default=2_000, gt=0)  # for what is queued, at shutdown
    retry_after_seconds: int = Field(default=1, gt=0)
    sources_refresh_ms: int = Field(default=5_000, gt=0)
    cors_origins: tuple[str, ...] = ("*",)

    def limits(self) -> Limits:
        return Limits(
            event_bytes_max=self.event_bytes_max, events_per_batch_max=self.events_per_batch_max
        )
