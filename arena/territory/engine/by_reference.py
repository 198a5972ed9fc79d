"""Named tuples of arrays that compiled functions hand to each other as one pointer.

numba passes a tuple of arrays as all the numbers of its arrays, some six hundred for the state of
a match, and every function that is not inlined is compiled with all of them. Here the numbers are
written to memory once, when Python calls compiled code, and what compiled functions get is where
they are; a field is read when it is used. The memory never changes during the call, which the loads
say (`invariant.load`), so that the optimiser keeps what it has read in registers.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numba.core.cgutils
import numba.core.pythonapi
import numba.extending
from llvmlite import ir
from numba.core import types
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import models, register_model, typeof_impl

_Class = TypeVar("_Class", bound=type)
_BYTES = ir.IntType(8).as_pointer()

# numba has no types for a type checker.
cgutils: Any = numba.core.cgutils
NativeValue: Any = numba.core.pythonapi.NativeValue
lowers_fields_of: Any = lower_getattr_generic
unboxes: Any = numba.extending.unbox


class ByReference(types.Type):
    """The type of a named tuple of arrays that is passed as a pointer.

    Attributes:
        fields: names of the fields.
        members: their types.
    """

    def __init__(self, title: str, fields: tuple[str, ...], members: tuple[Any, ...]) -> None:
        self.fields = fields
        self.members = members
        super().__init__(name=f"{title}({', '.join(map(str, members))})")


def by_reference(cls: _Class) -> _Class:
    """Decorate a NamedTuple of arrays: compiled functions get it as a pointer, only to read."""

    def typeof(value: Any, context: Any) -> ByReference:
        members = tuple(typeof_impl(each, context) for each in value)
        return ByReference(cls.__name__, cls._fields, members)

    typeof_impl.register(cls)(typeof)
    return cls


@register_model(ByReference)
class _Pointer(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: ByReference) -> None:
        super().__init__(manager, kind, _BYTES)  # type: ignore[no-untyped-call]


def _layout(context: Any, kind: ByReference) -> Any:
    return ir.LiteralStructType([context.get_value_type(each) for each in kind.members])


@unboxes(ByReference)
def _unbox(kind: ByReference, obj: Any, c: Any) -> Any:
    builder = c.builder
    table = cgutils.alloca_once(builder, _layout(c.context, kind))
    failed = cgutils.alloca_once_value(builder, cgutils.false_bit)
    cleanups = []
    for i, member in enumerate(kind.members):
        native = c.unbox(member, c.pyapi.tuple_getitem(obj, i))
        builder.store(native.value, cgutils.gep_inbounds(builder, table, 0, i))
        with builder.if_then(native.is_error, likely=False):
            builder.store(cgutils.true_bit, failed)
        if native.cleanup is not None:
            cleanups.append(native.cleanup)

    def cleanup() -> None:
        for each in reversed(cleanups):
            each()

    # What is read through the pointer must not be folded with what was stored above: the optimiser
    # takes it for constant. Passing it through an empty assembly line hides where it comes from.
    pointer = builder.bitcast(table, _BYTES)
    same = ir.FunctionType(pointer.type, [pointer.type])
    hidden = builder.asm(same, "", "=r,0,~{memory}", [pointer], True)
    return NativeValue(hidden, cleanup=cleanup if cleanups else None, is_error=builder.load(failed))


@infer_getattr
class _Fields(AttributeTemplate):
    key = ByReference

    def generic_resolve(self, kind: Any, name: str) -> Any:  # type: ignore[override]
        return kind.members[kind.fields.index(name)] if name in kind.fields else None


@lowers_fields_of(ByReference)
def _read_field(context: Any, builder: Any, kind: ByReference, value: Any, name: str) -> Any:
    at = kind.fields.index(name)
    table = builder.bitcast(value, _layout(context, kind).as_pointer())
    return _load(builder, cgutils.gep_inbounds(builder, table, 0, at))


def _load(builder: Any, pointer: Any) -> Any:
    """Load a number, or a structure number by number, as what never changes."""
    kind = pointer.type.pointee
    if isinstance(kind, (ir.LiteralStructType, ir.ArrayType)):
        n = kind.count if isinstance(kind, ir.ArrayType) else len(kind.elements)
        value = ir.Constant(kind, ir.Undefined)
        for i in range(n):
            part = _load(builder, cgutils.gep_inbounds(builder, pointer, 0, i))
            value = builder.insert_value(value, part, i)
        return value
    loaded = builder.load(pointer)
    loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
    return loaded
