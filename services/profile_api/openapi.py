"""The OpenAPI description: routes, the problem's schema, and the scope each route asks for."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import RouteContext, iter_route_contexts

from services.profile_api.auth import RequiresScope, Scope
from services.profile_api.responses import Problem


def describe(app: FastAPI) -> dict[str, Any]:
    """Built anew each time: whoever is asked for it often keeps it."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    schemas = document["components"]["schemas"]
    schemas.pop("HTTPValidationError", None)  # FastAPI's own form of refusal, which we do not use
    schemas.pop("ValidationError", None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs", {}) | {"Problem": problem}
    document["components"]["securitySchemes"] = {
        "apiKey": {"type": "http", "scheme": "bearer", "bearerFormat": "plait_<prefix>_<secret>"}
    }
    for path, method, scope in scopes(app):
        if scope is not None:
            operation = document["paths"][path][method.lower()]
            operation["security"] = [{"apiKey": []}]
            operation["x-required-scope"] = scope.value
    return document


def scopes(app: FastAPI) -> Iterator[tuple[str, str, Scope | None]]:
    """Every path and method of ours with the scope it asks for; None is open to all."""
    for route in iter_route_contexts(app.routes):
        if route.path_format is None or not hasattr(route, "dependant"):
            continue
        for method in sorted(route.methods or ()):
            yield route.path_format, method, _scope_of(route)


def _scope_of(route: RouteContext) -> Scope | None:
    for dependency in route.dependant.dependencies:
        if isinstance(dependency.call, RequiresScope):
            return dependency.call.scope
    return None
