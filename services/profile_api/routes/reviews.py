"""What a person should look at: items that stand while their cause does."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from services.identity.store_steward import ReviewItem
from services.profile_api.auth import RequiresScope, Scope
from services.profile_api.desk import Desk, answer
from services.profile_api.problems import Code, ProblemError
from services.profile_api.responses import answers
from services.profile_api.routes.steward import steward_of
from services.profile_api.routes.steward_responses import ReviewAnswer, ReviewsAnswer

LIST_MAX = 500


def router(desk: Desk) -> APIRouter:
    routes = APIRouter(
        prefix="/v1/reviews",
        tags=["steward"],
        dependencies=[Depends(RequiresScope(desk.keys, Scope.STEWARD_READ))],
    )

    @routes.get("", responses=answers(200, model=ReviewsAnswer))
    async def list_reviews(
        kind: Annotated[str | None, Query(pattern=r"^[a-z_]{1,64}$")] = None,
        limit: Annotated[int, Query(ge=1, le=LIST_MAX)] = 100,
    ) -> Response:
        """The review queue: the largest expected effect first."""
        found = await steward_of(desk).reviews(kind=kind, items_max=limit + 1)
        shown = [_view(each) for each in found[:limit]]
        return answer({"reviews": shown, "more": len(found) > limit})

    @routes.get("/{review_id}", responses=answers(200, Code.UNKNOWN_REVIEW, model=ReviewAnswer))
    async def read_review(
        review_id: Annotated[str, Path(min_length=1, max_length=200)],
    ) -> Response:
        """One item, while its cause stands."""
        found = await steward_of(desk).review(review_id)
        if found is None:
            raise ProblemError(
                Code.UNKNOWN_REVIEW, "it was never there, or its cause is gone: both are fine"
            )
        return answer(_view(found))

    return routes


def _view(item: ReviewItem) -> dict[str, object]:
    return {
        "id": item.subject,
        "kind": item.kind,
        "expected_effect": item.effect,
        "about": item.detail.get("about", []),
        "detail": {name: each for name, each in item.detail.items() if name != "about"},
    }
