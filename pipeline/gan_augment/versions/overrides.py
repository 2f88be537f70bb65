"""Params to try in an experiment, in the grammar of Hydra, by which `--set-param` reads them."""

from typing import Any

from gan_augment.errors import UserError, shortened


def overrides(key: str, value: Any) -> list[str]:
    """Return what DVC takes, in this order, to set just that value.

    A mapping or list is set after null: Hydra would merge it with the mapping that is there.

    Args:
        key: where in params.yaml, such as "train.steps".
        value: of JSON.

    Raises:
        UserError: the grammar has no words for the value.
    """
    from hydra.core.override_parser.types import Override, OverrideType, ValueType

    change = Override(OverrideType.CHANGE, key, ValueType.ELEMENT, _quoted(value))
    written = change.get_value_element_as_str()
    if "${" in written or not _says(written, value):
        raise UserError(
            f"{key} = {shortened(repr(value))}: DVC cannot set that for an experiment, for a ${{ "
            "in it, or a name that is a number or has unusual signs; write it into params.yaml"
        )
    emptied = [f"{key}=null"] if isinstance(value, dict | list) else []
    return [*emptied, f"{key}={written}"]


def _quoted(value: Any) -> Any:
    """Return a value with quotes around each text in it, other than names."""
    from hydra.core.override_parser.types import Quote, QuotedString

    match value:
        case str():
            return QuotedString(value, Quote.double)
        case list():
            return [_quoted(one) for one in value]
        case dict():
            return {name: _quoted(one) for name, one in value.items()}
    return value


def _says(written: str, value: Any) -> bool:
    """Return whether Hydra reads a value in what is written."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return bool(OverridesParser.create().parse_override(f"key={written}").value() == value)
    except HydraException:
        return False
