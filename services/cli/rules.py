"""`plait rules` and `identity.yaml`: what identifiers are, and which value a profile keeps.

A home's rules are kept in its database, so that every worker has the same. The file is how they are
said: rules other than those that the records were derived by are refused until they are applied.
"""

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from services.cli.home import Home
from services.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from services.cli.output import progress_bar, show, tell
from services.cli.places import place_of
from services.identity.adapters.sql.rulesets import (
    activate_ruleset,
    active_ruleset,
    ruleset_document,
)
from services.identity.domain.errors import UsageError
from services.identity.domain.ruleset import (
    Ruleset,
    encode_ruleset,
    parse_ruleset,
    read_ruleset,
    to_document,
)

RULES_FILE = "identity.yaml"
RULES_BYTES_MAX = 1_000_000

FileArgument = Annotated[Path, typer.Argument(help="The rules as YAML; see docs/identity.md.")]


def register(app: typer.Typer) -> None:
    rules = typer.Typer(help="What identifiers are, and what they tie.", no_args_is_help=True)
    rules.command()(check)
    rules.command("show")(show_rules)
    rules.command("apply")(apply_rules)
    app.add_typer(rules, name="rules")


def check(file: FileArgument, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Read a rules file, and say whether its rules are those in use; changes nothing."""
    rules = read_rules(file)
    place = place_of(home)
    is_there = place.config is not None or place.folder.is_dir()
    in_use = rules_of(Home(home)).version if is_there else None
    types = sorted(rules.identity.types)
    lines = [f"rules {rules.version}: {len(types)} identifier types; the file is in order"]
    if in_use is not None:
        are = "are in use" if in_use == rules.version else f"differ from {in_use}, which is in use"
        lines.append(f"they {are}")
    show(
        {"version": rules.version, "identifiers": types, "in_use": in_use},
        as_json=as_json,
        lines=lines,
    )


def show_rules(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """The rules in use, as a file that says them whole."""
    rules = rules_of(Home(home))
    document = whole_document(rules)
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    show(
        {"version": rules.version, "rules": document},
        as_json=as_json,
        lines=[f"# rules {rules.version}", text.rstrip()],
    )


def whole_document(rules: Ruleset) -> dict[str, Any]:
    """With what the version leaves out where it is as built in."""
    return to_document(rules) | {"blast_radius": rules.identity.blast_records_max}


def apply_rules(
    file: FileArgument, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False
) -> None:
    """Use these rules from now on: every record is derived again from its events, ids are kept."""
    opened = Home(home)
    rules, before = read_rules(file), rules_of(opened)
    changed = rules.version != before.version
    result: dict[str, Any] = {"version": rules.version, "changed": changed, "changed_states": 0}
    if changed:
        _activate(opened, rules)
        if not rules.decides_as(before):
            result["changed_states"] = _derive_again(opened)
    lines = [
        f"rules {rules.version} are in use; {result['changed_states']} records changed;"
        " `plait resolve` works through what they change"
        if changed
        else f"rules {rules.version} were in use already"
    ]
    show(result, as_json=as_json, lines=lines)


def read_rules(path: Path) -> Ruleset:
    """Raises UsageError for a file that is missing, no YAML, or no rules."""
    try:
        if path.stat().st_size > RULES_BYTES_MAX:
            raise UsageError(f"the rules {path} are larger than {RULES_BYTES_MAX} bytes")
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the rules {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"the rules {path} are not UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None else ""
        raise UsageError(f"the rules {path} are not YAML{place}") from None
    try:
        return parse_ruleset({} if raw is None else raw)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def rules_of(home: Home) -> Ruleset:
    """Those in use."""
    with home.connection() as connection:
        version = active_ruleset(connection)
        if version is None:
            return Ruleset()
        return read_ruleset(ruleset_document(connection, version))


def take_rules(home: Home) -> None:
    """Take the home's rules file into use where nothing landed yet.

    Raises UsageError where records were derived by other rules than the file's.
    """
    file = rules_file(home)
    rules = Ruleset() if file is None else read_rules(file)
    with home.connection() as connection:
        version = active_ruleset(connection)
    in_use = Ruleset().version if version is None else version
    if file is None or in_use == rules.version or _activate(home, rules, only_empty=True):
        return
    raise UsageError(
        f"the rules of {file} are {rules.version}, the records of this home were derived by"
        f" {in_use}; run `plait rules apply {file}`, or take the old ones back with"
        f" `plait rules show > {file}`"
    )


def rules_file(home: Home) -> Path | None:
    """The file beside the home's data, or the one that a configuration names."""
    config = home.place.config
    if config is not None:
        return config.rules
    file = home.path / RULES_FILE
    return file if file.is_file() else None


def _activate(home: Home, rules: Ruleset, *, only_empty: bool = False) -> bool:
    with home.connection() as connection:
        return activate_ruleset(
            connection,
            rules.version,
            encode_ruleset(rules),
            at=home.clock.now(),
            only_empty=only_empty,
        )


def _derive_again(home: Home) -> int:
    from services.identity.adapters.sql.store import SqlStore
    from services.resolver.rederive import rederive

    store = SqlStore(home.url)
    try:
        tell("every record is derived again from its events")
        with progress_bar("records derived again") as progress:
            return rederive(store, home.clock, from_events=True, progress=progress)
    finally:
        store.close()
