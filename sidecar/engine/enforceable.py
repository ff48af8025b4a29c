"""What llguidance takes and does not keep to exactly: rewritten where that is possible, else refused."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any
from urllib.parse import unquote

from sidecar.errors import InvalidSchema

# Members of a schema that are none themselves, and those that hold schemas by name.
NO_SCHEMAS = ("const", "enum", "default", "examples")
SCHEMAS_BY_NAME = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")

MOST = 2**53  # beyond it numbers are rounded, here and at most readers
OUTERMOST = {"minimum": -MOST, "maximum": MOST, "exclusiveMinimum": -MOST, "exclusiveMaximum": MOST}
DIGITS = 15  # of more, llguidance takes now and then the last one for another
ABOVE, BELOW = (Context(prec=DIGITS, rounding=rounding) for rounding in (ROUND_CEILING, ROUND_FLOOR))
NEXT_TO_ZERO = 1e-20  # numbers nearer to it cannot be told by llguidance

_DATE = (
    r"((000[1-9]|00[1-9]\d|0[1-9]\d\d|[1-9]\d{3})-"  # Python's calendar, for one, has no year 0
    r"((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8]))"
    r"|(\d\d(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)-02-29)"
)
_TIME = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"
FORMATS = {"date": f"^{_DATE}$", "time": f"^{_TIME}$", "date-time": f"^{_DATE}T{_TIME}$"}
"""What llguidance takes more for than most readers do: February 29 of any year, a second 60."""


def enforceable(schema: Mapping[str, Any], member: str) -> dict[str, Any]:
    """The schema as llguidance enforces it.

    Raises:
        InvalidSchema: it cannot be, or not exactly.
        RecursionError: it is nested too deep, or holds itself.
    """
    return {name: _member(name, value, member) for name, value in _rewritten(schema, member).items()}


def _member(name: str, value: Any, member: str) -> Any:
    if name in NO_SCHEMAS:
        return value
    if name in SCHEMAS_BY_NAME and isinstance(value, Mapping):
        return {each: _within(schema, member) for each, schema in value.items()}
    return _within(value, member)


def _within(value: Any, member: str) -> Any:
    if isinstance(value, Mapping):
        return enforceable(value, member)
    return [_within(each, member) for each in value] if isinstance(value, list | tuple) else value


def _rewritten(schema: Mapping[str, Any], member: str) -> Mapping[str, Any]:
    """With bounds that belong to what they bound, and have no more digits than llguidance keeps to: a number of 30
    digits may lie within an exclusive bound, and be read as the bound itself. Those of whole numbers stay. Days and
    times are those of `FORMATS`."""
    if reason := _reason(schema):
        raise InvalidSchema("the schema cannot be enforced", member=member, reason=reason)
    rewritten = dict(schema)
    if isinstance(factor := schema.get("multipleOf"), float) and factor.is_integer():
        rewritten["multipleOf"] = int(factor)  # 1.0, as some write it
    # Those of 64 bits, mostly: tighter, and exact.
    rewritten |= {name: most for name, most in OUTERMOST.items() if abs(_number(schema.get(name)) or 0) > MOST}
    named, beside = schema.get("format"), schema.get("allOf", ())
    if isinstance(named, str) and named in FORMATS and isinstance(beside, list | tuple):
        del rewritten["format"]
        rewritten["allOf"] = [*beside, {"pattern": FORMATS[named]}]
    if schema.get("type") == "integer":
        return rewritten
    for inclusive, exclusive, digits, tighter in (
        ("minimum", "exclusiveMinimum", ABOVE, max),
        ("maximum", "exclusiveMaximum", BELOW, min),
    ):
        bounds = []
        if (bound := _number(rewritten.get(inclusive))) is not None:
            bounds.append(float(digits.plus(_decimal(bound))))
        if (bound := _number(rewritten.get(exclusive))) is not None:
            bounds.append(_beside(bound, digits))
            del rewritten[exclusive]
        if bounds:
            rewritten[inclusive] = tighter(bounds)
    return rewritten


def _beside(bound: float, digits: Context) -> float:
    above = digits is ABOVE
    beside = float(digits.next_plus(_decimal(bound)) if above else digits.next_minus(_decimal(bound)))
    if abs(beside) >= NEXT_TO_ZERO:
        return beside
    return NEXT_TO_ZERO if above else -NEXT_TO_ZERO


def _decimal(number: float) -> Decimal:
    return Decimal(repr(number))


def _reason(schema: Mapping[str, Any]) -> str:
    """Why this schema, but for those within it, cannot be enforced."""
    required = schema.get("required")
    names = {each for each in required if isinstance(each, str)} if isinstance(required, list | tuple) else ()
    if (least := _number(schema.get("minProperties"))) is not None and least > max(1, len(names)):
        return "minProperties above 1 cannot be enforced"  # llguidance counts a member that is there twice as two
    factor = schema.get("multipleOf")
    if factor is not None and not _is_exact(factor):
        return "multipleOf is enforced for whole numbers, halves and quarters only"  # 0.3 is no multiple of 0.1
    least, most = (_number(schema.get(each)) for each in ("minimum", "maximum"))
    above, below = (_number(schema.get(each)) for each in ("exclusiveMinimum", "exclusiveMaximum"))
    if any(each is not None and each > MOST for each in (least, above)):
        return "numbers are enforced up to 2^53 only"
    if any(each is not None and each < -MOST for each in (most, below)):
        return "numbers are enforced down to -2^53 only"
    if any(_has_larger(schema.get(each)) for each in ("const", "enum")):
        return "numbers beyond 2^53 are not kept exactly: a string would be"
    reference = schema.get("$ref")
    if isinstance(reference, str) and not _leads_to_a_schema(reference):
        return "a $ref is # or #/…, and leads into no const, enum, default or examples"
    return ""


def _is_exact(factor: Any) -> bool:
    return isinstance(factor, int | float) and not isinstance(factor, bool) and (4 * factor) % 1 == 0


def _has_larger(value: Any) -> bool:
    """Whether a number in it, at any depth, is one that is rounded."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return any(map(_has_larger, value))
    return abs(_number(value) or 0) > MOST


def _leads_to_a_schema(reference: str) -> bool:
    """Whether what it leads to is looked at here."""
    if reference == "#":
        return True
    if not reference.startswith("#/"):
        return False
    steps = iter(unquote(reference[2:]).split("/"))
    for step in steps:
        if step in NO_SCHEMAS:
            return False
        if step in SCHEMAS_BY_NAME:
            next(steps, None)  # a name, whatever it is
    return True


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
