"""What passes are said to save, against counts by hand on small networks."""

import pytest
import sympy as sp
from hypothesis import given

import symdl as sd
from symdl.formula import Equation
from symdl.notation.binders import total
from symdl.notation.indices import indices
from symdl.notation.tensors import tensors
from symdl.program.accounts import Saving, accounts, cost_of
from symdl.program.ir import Slot
from symdl.program.liveness import Moment, alive_at_once, memory_of_plan
from symdl.program.lowering import lower
from symdl.program.passes import for_arrays
from symdl.program.plan import plan
from symdl.program.share import dead, share
from symdl.verify.strategies import networks

n, i, j = indices("n:N i:D j:K")
x, W, c, z, A, B, y = tensors("x[n,i] W[i,j] c[i] z[n,j] A[n,j] B[n,j] y[n,j]", n, i, j)
u, v = tensors("u[n] v[n]", n)
N, D, K = n.size, i.size, j.size
S0, S1, S2 = sizes = sp.symbols("D0 D1 D2", positive=True, integer=True)


def saved(account):
    return {s.unit: s.amount for s in account.saved}


def by_name(found):
    return {a.name: a for a in found}


def step_of(layers, loss, backend, optimizer="sgd"):
    return sd.compile(sd.Sequential(layers), loss=loss, optimizer=optimizer, backend=backend)


def test_the_cost_of_statements():
    p = lower([Equation(z[n, j], total(x[n, i] * W[i, j], i)),
               Equation(y[n, j], sp.exp(z[n, j]) * B[n, j] + 1),
               Equation(u[n], total(y[n, j], j))], {u})  # fmt: skip
    cost = cost_of(p.statements)
    assert (cost.statements, cost.operations) == (3, 4)  # exp, times, plus; the sum
    assert cost.elements == 4 * N * K
    assert cost.multiplications == N * D * K


def test_sharing_saves_a_sum_and_what_is_summed():
    p = lower([Equation(u[n], total(sp.exp(A[n, j]), j)),
               Equation(v[n], 2 * total(sp.exp(A[n, j]), j))], {u, v})  # fmt: skip
    found = by_name(accounts(share(p)))["share"]
    assert saved(found) == {"statements": 2, "operations on arrays": 2,
                            "element operations": 2 * N * K}  # fmt: skip


def test_a_pass_that_found_nothing_has_no_account():
    p = for_arrays(lower([Equation(y[n, j], A[n, j] + B[n, j])], {y}))
    assert [a.name for a in accounts(p)] == ["lower", "split"]
    assert [s.name for s in p.stages][:3] == ["lower", "dead", "share"]


def test_the_order_of_a_product_of_three():
    p = lower([Equation(z[n, j], total(x[n, i] * W[i, j] * c[i], i))], {z})
    # at once: two multiplications for each of N D K; in turn: c W, then x (c W)
    assert saved(by_name(accounts(p))["order"]) == {
        "multiplications": sp.expand(2 * N * D * K - N * D * K - D * K)
    }
    two = lower([Equation(z[n, j], total(x[n, i] * W[i, j], i))], {z})
    assert "order" not in by_name(accounts(two))


def test_text_puts_numbers_beside_formulas():
    s = Saving(N * D - N, "multiplications")
    assert s.text({N: 3, D: 5}) == "N*(D - 1) = 12 multiplications"
    assert s.text({N: 3}) == "N*(D - 1) multiplications"
    assert Saving(-N, "barriers").negative({})
    assert not Saving(N - D, "loops").negative({N: 9, D: 1})
    assert Saving(N - D, "loops").negative({N: 1, D: 9})
    assert Saving(sp.Integer(1), "operations on arrays").text({}) == "1 operation on arrays"


@pytest.mark.parametrize("backend", ["numpy", "compiled"])
def test_what_the_derivation_saved(backend):
    """3-4-2, sigmoid, softmax with cross entropy: counted on paper.

    As the chain rule has it, pbar = -t/(N p) takes 2 operations, Sbar = -(sum e pbar)/S^2 one
    product and 3 on rows, ebar = Sbar + pbar/S 2, zbar = e ebar 1; (p - t)/N takes 2.
    sigma' = e^-z/(1 + e^-z)^2 takes 6 with its factor, y (1 - y) takes 3.
    """
    step = step_of([sd.Input(3), sd.Dense(4, "sigmoid"), sd.Dense(2, "softmax")],
                   "categorical_crossentropy", backend)  # fmt: skip
    explained = step.accounts(batch=8)
    found = by_name(explained.accounts["derivation"])
    M = next(s for s in explained.sizes if str(s) == "N")
    assert saved(found["joint"]) == {
        "statements": 5 - 1,  # Sbar takes two
        "operations on arrays": 8 - 2,
        "element operations": sp.expand(5 * M * S2 + 3 * M - 2 * M * S2),
        "multiplications": M * S2,
    }
    assert saved(found["unasked"])["multiplications"] == M * S0 * S1
    assert "of x" in found["unasked"].what
    plain = step_of([sd.Input(3), sd.Dense(4, "sigmoid"), sd.Dense(2)], "mse", backend)
    assert saved(by_name(plain.accounts(8).accounts["derivation"])["output"]) == {
        "operations on arrays": 3,
        "element operations": 3 * M * S1,
    }


def test_what_array_code_saves_by_borders_layout_and_one_vector():
    """5-4-2: the data are wider than the layer, so one bias rides; it and its gradient."""
    step = step_of([sd.Input(5), sd.Dense(4, "relu"), sd.Dense(2)], "mse", "numpy", "adam")
    explained = step.accounts(batch=8)
    M = next(s for s in explained.sizes if str(s) == "N")
    found = by_name(explained.accounts["gradients"])
    assert saved(found["border"]) == {
        "statements": 2, "operations on arrays": 2,
        "element operations": 2 * M * S2, "multiplications": -2 * M * S2,
    }  # fmt: skip
    assert saved(found["simplify"]) == {"elements kept in between": M * S1}
    update = by_name(explained.accounts["update"])
    P = next(s for s in explained.sizes if str(s) == "P")
    assert explained.sizes[P] == 5 * 4 + 4 + 4 * 2 + 2
    # m' = b m + (1 - b) g takes three operations, in units of 1 - b two; so does v
    assert saved(update["units"]) == {"operations on arrays": 2, "element operations": 2 * P}
    assert saved(update["flat"]) == {"operations on arrays": 3 * 10}
    assert "N = 8" in explained.text()
    evaluate = by_name(explained.accounts["evaluate"])["dead"]
    products = M * (S0 * S1 + 2 * S1 * S2)  # both kernels' gradients, and one adjoint
    assert sp.expand(saved(evaluate)["multiplications"] - products) == 0


def test_what_loops_save():
    """5-4-2, relu: z and its bias live in a variable, and so on: N elements of each feature."""
    step = step_of([sd.Input(5), sd.Dense(4, "relu"), sd.Dense(2)], "mse", "compiled")
    explained = step.accounts(batch=8)
    M = next(s for s in explained.sizes if str(s) == "N")
    nests = by_name(explained.accounts["gradients"])["nests"]
    # z of the first layer, and of the mask its sign and the copy of that as a number;
    # of the loss: z, the copy of t, t - z, its square, z - t
    assert saved(nests) == {"elements written": 3 * M * S1 + 5 * M * S2}


def test_two_threads_meet_seldom(monkeypatch):
    monkeypatch.setattr("symdl.backends.compiled.two_threads", lambda: True)
    layers = [sd.Input(64), *[sd.Dense(64, "tanh") for _ in range(3)], sd.Dense(10)]
    step = step_of(layers, "mse", "compiled")
    found = by_name(step.accounts(batch=128).accounts["gradients"])["barriers"]
    assert found.what.endswith("in 2 phases")


def test_alive_at_once_is_what_a_walk_by_hand_finds():
    a, b, c, d = (Slot(name, (4,)) for name in "abcd")
    sizes = {a: 1, b: 2, c: 4, d: 8}
    made = [
        Moment(frozenset(), frozenset({a})),
        Moment(frozenset({a}), frozenset({b})),
        Moment(frozenset({a, b}), frozenset({c})),
        Moment(frozenset({c}), frozenset({d})),
    ]
    # a; a b; a b c; c d
    assert alive_at_once(made, sizes, sizes.__getitem__) == 12
    assert alive_at_once(made, sizes, sizes.__getitem__, kept=[a, b]) == 15
    over = Moment(frozenset({c}), frozenset({d}), frozenset({(d, c)}))
    assert alive_at_once([*made[:3], over], sizes, lambda s: 1) == 3


def test_a_chain_in_place_needs_one_buffer():
    p = for_arrays(lower([Equation(z[n, j], sp.exp(A[n, j]) + 1),
                          Equation(y[n, j], sp.tanh(z[n, j]) * B[n, j]),
                          Equation(u[n], total(y[n, j], j))], {u}))  # fmt: skip
    found = memory_of_plan(plan(p, {}), {N: 3, K: 5}, 8)
    assert found.bound == 3 * 5 * 8 + 3 * 8
    assert found.used == found.aligned == found.bound + 2 * 64
    text = "buffers take 272 bytes: the liveness bound 144 + alignment 128"
    assert found.account("buffers").what == text


@given(networks(max_depth=3))
def test_no_plan_takes_less_than_the_liveness_bound(problem):
    problem.model.predict(problem.x)
    explained = problem.model.step.accounts(batch=len(problem.x))
    assert explained.text()
    for name, planned in problem.model.step.build.plans.items():
        found = memory_of_plan(planned, explained.sizes, 8)
        assert found.arrays >= found.used >= found.aligned >= found.bound, name


def test_a_narrower_function_does_not_count_what_it_leaves_out():
    p = lower([Equation(z[n, j], total(x[n, i] * W[i, j], i)), Equation(y[n, j], 2 * A[n, j])],
              {z, y})  # fmt: skip
    found = by_name(accounts(dead(p, [p.slots[y]])))["dead"]
    assert saved(found) == {"statements": 1, "multiplications": N * D * K}
