"""The settings of the profile API, read once by the command that starts it."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ProfileApiSettings(BaseSettings):
    """Bounds of answers, how long what is read again and again is kept, and the key pepper."""

    model_config = SettingsConfigDict(env_prefix="PLAIT_PROFILE_API__", frozen=True)

    key_pepper: SecretStr = Field(min_length=16, max_length=64)
    body_bytes_max: int = Field(default=64 * 1024, gt=0)
    candidates_max: int = Field(default=20, gt=0, le=100)
    page_default: int = Field(default=50, gt=0, le=500)
    progress_cache_ms: int = Field(default=50, ge=0, le=1_000)
    key_cache_ms: int = Field(default=5_000, ge=0, le=60_000)  # a revoked key works this long
    sources_cache_ms: int = Field(default=5_000, ge=0, le=60_000)
    retry_after_seconds: int = Field(default=1, gt=0)
    purposes_without_consent: frozenset[str] = frozenset({"service"})  # contract is their basis
