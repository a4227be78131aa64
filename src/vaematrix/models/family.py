"""What a family is: options with their bounds, and what it adds to the negative log likelihood.

A family is one file whose one class is a frozen dataclass derived from :class:`Family`; its fields are the options of
an entry in the config. Torch is imported only inside its methods, because options are checked whenever the Snakefile
is read.
"""

from __future__ import annotations

import types
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

from vaematrix.common.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Family:
    """Base of all families.

    Attributes:
        conditional: whether encoder and decoder see the attributes y.
        extra_terms: names of further terms that :meth:`regulariser` reports.
    """

    conditional: ClassVar[bool] = False
    extra_terms: ClassVar[tuple[str, ...]] = ()

    @property
    def kl_weight(self) -> float | None:
        """The factor of the KL in the loss, for β_eff = kl_weight·σ²; None where the loss has no such term."""
        return 1.0

    def regulariser(self, kl: Tensor, z: Tensor, prior: Tensor, progress: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """What the family adds to the negative log likelihood.

        Args:
            kl: the batch's mean KL in nats. z: codes drawn from q(z | x), [b, latent].
            prior: as many drawn from N(0, I). progress: the share of training done, a scalar in [0, 1].

        Returns:
            The weighted sum in nats, and the values of :attr:`extra_terms`, unweighted.
        """
        raise NotImplementedError


def option(default: Any, description: str, **bounds: Any) -> Any:
    """A field of a family with what it means and JSON schema's bounds, such as `minimum` or `exclusiveMinimum`."""
    return field(default=default, metadata={"description": description, **bounds})


def options(family: type[Family]) -> dict[str, Field[Any]]:
    """The fields of a family by the names they have in the config: `lambda`, where Python makes it `lambda_`."""
    return {field.name.removesuffix("_"): field for field in fields(family)}


def options_schema(family: type[Family]) -> dict[str, Any]:
    """The JSON schema of a family's options.

    Raises:
        UserError: a field has a type that no schema says.
    """
    kinds = get_type_hints(family)
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: _kind(kinds[field.name]) | dict(field.metadata) for name, field in options(family).items()
        },
        "required": [
            name for name, field in options(family).items() if field.default is field.default_factory is MISSING
        ],
    }


_KINDS = {float: "number", int: "integer", bool: "boolean", str: "string", type(None): "null", list: "array"}


def _kind(annotation: Any) -> dict[str, Any]:
    """A type as JSON schema says it."""
    if get_origin(annotation) is Literal:
        return {"enum": list(get_args(annotation))}
    parts = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    unknown = [part for part in parts if (get_origin(part) or part) not in _KINDS]
    if unknown:
        raise UserError(f"an option of the type {annotation}; use float, int, bool, str, list, Literal, or None.")
    return {"type": [_KINDS[get_origin(part) or part] for part in parts]}
