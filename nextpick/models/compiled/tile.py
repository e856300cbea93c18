"""A tile of scores: ROWS users times PANEL items, in registers, and which of them are above the users' bars.

BLAS writes every score to memory, from where a selection reads it again; here a score is compared where it was made.
The tile is the micro-kernel of Goto, van de Geijn, *Anatomy of High-Performance Matrix Multiplication* (TOMS 2008),
written as LLVM vectors, which LLVM lowers to what the processor has. A score adds up factor by factor: no bit of it
depends on the other users or items of the tile.
"""

from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_WIDE = bool(binding.get_host_cpu_features().get("avx512f"))  # 32 registers of 16 floats, not 16 of 8
LANES, VECTORS, ROWS = (16, 4, 6) if _WIDE else (8, 2, 6)
PANEL = LANES * VECTORS
_FLOAT, _LONG, _INT = ir.FloatType(), ir.IntType(64), ir.IntType(32)
_VECTOR = ir.VectorType(_FLOAT, LANES)


def _typed_tile(typingctx, users, items, factors, bars, scores, hits):  # type: ignore[no-untyped-def]
    """Scores of one tile; all arguments are int64, all but `factors` addresses.

    users is float32 (factors, ROWS), items (factors, PANEL), bars (ROWS,). scores, (ROWS, PANEL), is written, and hits,
    uint64 (ROWS,): bit j of hits[r] says that score (r, j) is above bars[r]. Returns all hits or-ed together.
    """
    return types.int64(*[types.int64] * 6), _tile


tile: Any = intrinsic(_typed_tile)


def _tile(context: Any, builder: ir.IRBuilder, signature: Any, args: tuple[ir.Value, ...]) -> ir.Value:
    floats = _FLOAT.as_pointer()
    users, items, bars, scores = (builder.inttoptr(args[i], floats) for i in (0, 1, 3, 4))
    sums = _sums(builder, users, items, args[2])
    hits = builder.inttoptr(args[5], _LONG.as_pointer())
    any_hit = ir.Constant(_LONG, 0)
    for r, row in enumerate(sums):
        bar = _spread(builder, builder.load(_at(builder, bars, r)))
        mask = ir.Constant(_LONG, 0)
        for v, vector in enumerate(row):
            where = builder.bitcast(_at(builder, scores, r * PANEL + v * LANES), _VECTOR.as_pointer())
            builder.store(vector, where, align=4)
            above = builder.bitcast(builder.fcmp_ordered(">", vector, bar), ir.IntType(LANES))
            mask = builder.or_(mask, builder.shl(builder.zext(above, _LONG), ir.Constant(_LONG, v * LANES)))
        builder.store(mask, _at(builder, hits, r))
        any_hit = builder.or_(any_hit, mask)
    return any_hit


def _sums(builder: ir.IRBuilder, users: ir.Value, items: ir.Value, factors: ir.Value) -> list[list[ir.Value]]:
    """The loop over the factors, at least one: ROWS x VECTORS vectors of sums."""
    before = builder.block
    loop, after = builder.append_basic_block("factor"), builder.append_basic_block("summed")
    builder.branch(loop)
    builder.position_at_end(loop)
    factor = builder.phi(_LONG)
    sums = [[builder.phi(_VECTOR) for _ in range(VECTORS)] for _ in range(ROWS)]
    multiply_add = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(_VECTOR, [_VECTOR] * 3), f"llvm.fmuladd.v{LANES}f32"
    )
    user = builder.gep(users, [builder.mul(factor, ir.Constant(_LONG, ROWS))])
    item = builder.gep(items, [builder.mul(factor, ir.Constant(_LONG, PANEL))])
    vectors = [builder.bitcast(_at(builder, item, v * LANES), _VECTOR.as_pointer()) for v in range(VECTORS)]
    loaded = [builder.load(vector, align=4) for vector in vectors]
    added = []
    for r, row in enumerate(sums):
        own = _spread(builder, builder.load(_at(builder, user, r)))
        added.append([builder.call(multiply_add, [own, it, total]) for it, total in zip(loaded, row, strict=True)])
    following = builder.add(factor, ir.Constant(_LONG, 1))
    factor.add_incoming(ir.Constant(_LONG, 0), before)
    factor.add_incoming(following, loop)
    for row, news in zip(sums, added, strict=True):
        for total, new in zip(row, news, strict=True):
            total.add_incoming(ir.Constant(_VECTOR, None), before)
            total.add_incoming(new, loop)
    builder.cbranch(builder.icmp_signed("<", following, factors), loop, after)
    builder.position_at_end(after)
    return added


def _at(builder: ir.IRBuilder, pointer: ir.Value, offset: int) -> ir.Value:
    return builder.gep(pointer, [ir.Constant(_LONG, offset)])


def _spread(builder: ir.IRBuilder, number: ir.Value) -> ir.Value:
    """One number in all lanes."""
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(undefined, number, ir.Constant(_INT, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_INT, LANES), None))


def _typed_lowest(typingctx, mask):  # type: ignore[no-untyped-def]
    """The place of the lowest bit of a uint64 that is not 0."""

    def count(context: Any, builder: ir.IRBuilder, signature: Any, args: tuple[ir.Value, ...]) -> ir.Value:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), count


lowest: Any = intrinsic(_typed_lowest)


def _typed_bits(typingctx, number):  # type: ignore[no-untyped-def]
    """The bits of a float32, as uint32."""

    def cast(context: Any, builder: ir.IRBuilder, signature: Any, args: tuple[ir.Value, ...]) -> ir.Value:
        return builder.bitcast(args[0], _INT)

    return types.uint32(types.float32), cast


def _typed_float(typingctx, bits):  # type: ignore[no-untyped-def]
    """The float32 of some bits, uint32."""

    def cast(context: Any, builder: ir.IRBuilder, signature: Any, args: tuple[ir.Value, ...]) -> ir.Value:
        return builder.bitcast(args[0], _FLOAT)

    return types.float32(types.uint32), cast


bits_of: Any = intrinsic(_typed_bits)
float_of: Any = intrinsic(_typed_float)
