"""Each pass does what its account says, and no more."""

import sympy as sp
from sympy.codegen.cfunctions import expm1

from symdl.formula import Equation
from symdl.notation.binders import Peak, total
from symdl.notation.indicators import UnitStep
from symdl.notation.indices import indices
from symdl.notation.tensors import real, tensors
from symdl.program.branches import unbranched
from symdl.program.ir import Apply, Map
from symdl.program.layout import layout
from symdl.program.lowering import lower
from symdl.program.passes import for_arrays
from symdl.program.plan import plan
from symdl.program.share import copies, dead, share
from symdl.program.simplify import fuse, scale, simplify
from symdl.program.split import split

n, i, j, k = indices("n:N i:D j:K k:K")
x, W, b, z, A, B = tensors("x[n,i] W[i,j] b[j] z[n,j] A[n,j] B[n,j]", n, i, j)
y, h, u, v, g = tensors("y[n,j] h[n,j] u[n] v[n] g[n,j]", n, j)
L, s, r = (real(name) for name in "Lsr")


def lowered(*pairs, keep):
    return lower([Equation(*p) for p in pairs], keep)


def ops(program):
    return [st.op for st in program.statements if isinstance(st, Apply)]


def test_share_finds_equal_work_under_other_labels():
    product = total(x[n, i] * W[i, j], i)
    p = lowered((z[n, j], product + b[j]), (y[n, k], total(x[n, i] * W[i, k], i)), keep={z, y})
    assert str(share(p).statements[-1]) == str(p.statements[-1]) or len(share(p).statements) == 3
    q = lowered((u[n], total(sp.exp(A[n, j]), j)), (v[n], total(sp.exp(A[n, k]), k)), keep={u})
    assert len(share(q).statements) == len(q.statements) - 2


def test_share_tells_a_matrix_from_its_transpose():
    Q, R, S = tensors("Q[i,j] R[i,j] S[i,j]", *indices("i:D j:D"))
    a, c = indices("a:D c:D")
    p = lowered((R[a, c], sp.exp(Q[a, c])), (S[a, c], sp.exp(Q[c, a])), keep={R, S})
    assert len(share(p).statements) == 2


def test_copies_are_read_through_also_transposed():
    a, c = indices("a:D c:D")
    Q, R, S = tensors("Q[a,c] R[a,c] S[a,c]", a, c)
    p = lowered((R[a, c], Q[c, a]), (S[a, c], sp.exp(R[a, c])), keep={S})
    (only,) = copies(p).statements
    assert only.reads[0].slot.name == "Q"
    assert only.reads[0].at == only.labels[::-1]
    made = lowered((R[a, c], sp.exp(Q[a, c])), (S[a, c], R[a, c]), keep={S})
    (only,) = copies(made).statements
    assert only.target.name == "S"


def test_dead_keeps_what_an_output_needs():
    p = lowered((z[n, j], sp.exp(A[n, j])), (y[n, j], z[n, j] + 1), (u[n], total(B[n, j], j)),
                keep={y, u})  # fmt: skip
    assert [s.target.name for s in dead(p, [p.slots[y]]).statements] == ["z", "y"]


def test_simplify_reads_the_sign_off_relu():
    p = lowered((h[n, j], sp.Max(0, z[n, j])), (g[n, j], A[n, j] * UnitStep(z[n, j], 0)),
                keep={h, g})  # fmt: skip
    last = simplify(p).statements[-1]
    assert {r.slot.name for r in last.reads} == {"A", "h"}
    other = lowered((h[n, j], sp.Max(0, z[n, j])), (g[n, j], A[n, j] * UnitStep(z[n, j], 1)),
                    keep={h, g})  # fmt: skip
    assert {r.slot.name for r in simplify(other).statements[-1].reads} == {"A", "z"}


def test_fuse_keeps_sums_apart():
    p = lowered((y[n, j], z[n, j] - u[n]), (g[n, j], y[n, j] - v[n]), keep={g})
    assert len(fuse(p).statements) == 2
    q = lowered((y[n, j], z[n, j] - u[n]), (g[n, j], sp.exp(y[n, j])), keep={g})
    assert len(fuse(q).statements) == 1
    twice = lowered((y[n, j], sp.exp(z[n, j])), (g[n, j], y[n, j] + 1), (h[n, j], y[n, j] * 2),
                    keep={g, h})  # fmt: skip
    assert len(fuse(twice).statements) == 3


def test_scale_takes_out_divisors_only():
    p = lowered((g[n, j], s * A[n, j] / (sp.sqrt(B[n, j] / r) + 1)), keep={g})
    assert scale(p).statements != p.statements
    q = lowered((g[n, j], s * A[n, j] / (r * B[n, j] + 1)), keep={g})
    assert scale(q).statements == q.statements
    assert scale(q, [r]).statements != q.statements


def test_split_takes_a_function_over_its_own_labels():
    p = split(lowered((g[n, j], z[n, j] - sp.log(u[n])), keep={g}))
    log, difference = p.statements
    assert (log.op, log.labels) == ("log", ("n",))
    assert (difference.op, difference.labels) == ("subtract", ("n", "j"))


def test_split_takes_few_passes():
    def count(rhs):
        return ops(split(lowered((g[n, j], rhs), keep={g})))

    a, w = A[n, j], B[n, j]
    assert count((a - w) / n.size) == ["subtract", "multiply"]
    assert count(-(a - w)) == ["subtract"]
    assert count(s * r * a / n.size) == ["multiply"]
    assert count(s * a + s * w) == ["add", "multiply"]
    assert count(a / (w * u[n]))[:1] == ["multiply"]
    assert count(1 - a**2) == ["square", "subtract"]
    assert count(a * UnitStep(w, 0)) == ["greater", "copy", "multiply"]


def test_scalars_are_computed_once():
    p = split(lowered((g[n, j], sp.sqrt(1 + s**2) * A[n, j] + sp.sqrt(1 + s**2)), keep={g}))
    assert sum(isinstance(st, Map) for st in p.statements) == 1


def test_unbranched_is_exact_or_nothing():
    q = sp.Symbol("q", real=True)
    smaller = sp.Min(0, q)
    assert unbranched(sp.Piecewise((sp.exp(-sp.Abs(q)), q < 0), (1, True))) == sp.exp(smaller)
    elu = sp.Piecewise((q, q > 0), (s * expm1(q), True))
    assert unbranched(elu) == sp.Max(0, q) + s * expm1(smaller)
    for kept in (
        sp.Piecewise((1, q > 0), (s, True)),
        sp.Piecewise((q, q > 1), (0, True)),
        sp.Piecewise((q, q > 0), (q - 1, True)),
        sp.Piecewise((q, q > s), (0, True)),
        sp.Piecewise((sp.exp(q), q > 0), (sp.cos(q), True)),
    ):
        assert unbranched(kept) == kept


def test_layout_turns_softmax_and_copies_targets_once():
    p = for_arrays(
        lowered(
            (z[n, j], total(x[n, i] * W[i, j], i)),
            (u[n], Peak(z[n, j], j)),
            (y[n, j], z[n, j] - u[n] + A[n, j]),
            (g[n, j], y[n, j] * A[n, j]),
            keep={g},
        )
    )
    turned, orders = layout(p)
    names = {slot.name for slot in orders}
    assert {"z", "g", "A_turned"} <= names
    assert sum(isinstance(st, Apply) and st.op == "copy" for st in turned.statements) == 1
    plain, none = layout(for_arrays(lowered((z[n, j], sp.exp(A[n, j])), keep={z})))
    assert not none
    assert len(plain.statements) == 1


def test_plan_reuses_memory_and_never_what_is_given():
    p = for_arrays(
        lowered(
            (z[n, j], sp.exp(A[n, j]) + 1),
            (y[n, j], sp.tanh(z[n, j]) * B[n, j]),
            (L, total(y[n, j], n, j)),
            keep={L},
        )
    )
    planned = plan(p, {})
    made = [st.target for st in p.statements if st.target.rank]
    assert len(made) - len(planned.shares) == 1
    assert not {"A", "B"} & {slot.name for slot in planned.shares.values()}


def test_every_pass_leaves_its_stage():
    p = for_arrays(lowered((g[n, j], A[n, j] + B[n, j]), keep={g}))
    assert [s.name for s in p.stages][:3] == ["lower", "dead", "share"]
    assert all(s.what for s in p.stages)
    assert p.stages[-1].statements == p.statements
