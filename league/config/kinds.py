"""The types of values that settings have, and the base of all sections (league.config.tree)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

OFF = "off"  # stands for None in TOML


def _off_is_none(value: Any) -> Any:
    return None if isinstance(value, str) and value == OFF else value


# JSON and TOML have lists only, which strict mode would refuse for a tuple.
Strings = Annotated[tuple[str, ...], Field(strict=False)]
Integers = Annotated[tuple[int, ...], Field(strict=False)]
Off = BeforeValidator(_off_is_none)
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0.0, le=1000.0)]


class Section(BaseModel):
    """Base of all sections: frozen, strict about types, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
