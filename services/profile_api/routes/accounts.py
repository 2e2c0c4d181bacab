"""Accounts: one with its members, and those that a person is in."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from services.identity.domain.accounts import account_id_of
from services.profile_api.account_desk import (
    ACCOUNTS_READ_MAX,
    Found,
    ids_of,
    names_of_person,
    read_account,
)
from services.profile_api.account_view import account_answer, membership_answer
from services.profile_api.auth import RequiresScope, Scope
from services.profile_api.desk import Desk, answer
from services.profile_api.problems import Code, ProblemError
from services.profile_api.responses import answers
from services.profile_api.routes.account_responses import AccountAnswer, ProfileAccountsAnswer
from services.profile_api.routes.asked import Asked, Sure
from services.profile_api.routes.profiles import Who

Ref = Annotated[
    str,
    Path(max_length=700, description="An account id, account_number:VALUE or group_id:VALUE"),
]


def router(desk: Desk) -> APIRouter:
    routes = APIRouter(
        prefix="/v1",
        tags=["accounts"],
        dependencies=[Depends(RequiresScope(desk.keys, Scope.PROFILES_READ))],
    )

    @routes.get(
        "/accounts/{ref:path}",
        responses=answers(
            200, Code.UNKNOWN_ACCOUNT, Code.SEVERAL_ACCOUNTS, Code.NOT_COVERED, model=AccountAnswer
        ),
    )
    async def read_one_account(ref: Ref, asked: Asked) -> Response:
        """A billing account, an organisation or a household: who is in it, what they hold."""
        standing = await desk.standing.now(asked)
        found = await _find(desk, ref)
        members = [each.profile for each in found.account.members]
        confidences = await desk.reads.confidences(members)
        return answer(account_answer(found, confidences) | standing.members())

    @routes.get(
        "/profiles/{who:path}/accounts",
        responses=answers(
            200,
            Code.UNKNOWN_PROFILE,
            Code.AMBIGUOUS_IDENTITY,
            Code.NOT_SURE_ENOUGH,
            Code.NOT_COVERED,
            model=ProfileAccountsAnswer,
        ),
    )
    async def read_accounts_of_profile(who: Who, asked: Asked, sure: Sure) -> Response:
        """The accounts that a person is in, and her household."""
        standing = await desk.standing.now(asked)
        view, status = await desk.one(who, sure)
        names, dwelling = await names_of_person(desk.reads, view.id)
        shown = names[:ACCOUNTS_READ_MAX]
        accounts = [await read_account(desk.reads, account_id_of(name)) for name in shown]
        home = None if dwelling is None else await read_account(desk.reads, account_id_of(dwelling))
        at_home = home is not None and view.id in {m.profile for m in home.account.members}
        body: dict[str, object] = {
            "profile_id": view.id,
            "requested_id": who,
            "status": status,
            "accounts": [membership_answer(each.account, view.id) for each in accounts if each],
            "more": len(names) > len(shown),
            "household": membership_answer(home.account, view.id) if home and at_home else None,
        }
        return answer(body | standing.members())

    return routes


async def _find(desk: Desk, ref: str) -> Found:
    """Raises ProblemError 404 when no record is in it, 300 when several workspaces have one."""
    rules, sources = await desk.people.declared()
    ids = ids_of(ref, rules, sources)
    if ids is None:
        raise ProblemError(
            Code.UNKNOWN_ACCOUNT, "an account is an id, account_number:VALUE or group_id:VALUE"
        )
    found = [each for each in [await read_account(desk.reads, i) for i in ids] if each]
    if not found:
        raise ProblemError(Code.UNKNOWN_ACCOUNT, "no record is in such an account today")
    if len(found) > 1:
        raise ProblemError(
            Code.SEVERAL_ACCOUNTS,
            "ask again with one of the ids",
            members={"accounts": [each.account.id for each in found]},
        )
    return found[0]
