"""Where symdl, Keras and PyTorch differ, and which words choose the other convention."""

from collections.abc import Iterable
from pathlib import Path

import sympy as sp
from sympy.core.expr import Expr

import symdl as sd
from symdl.book import page as md
from symdl.book.files import write_text
from symdl.catalog import activations, losses, normalization
from symdl.catalog import optimizers as o
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.verdict import Verdict
from symdl.formula import Equation, Formula, exact
from symdl.training import conventions
from symdl.training.normalization import unbiased_statistics

SOURCE = (
    "Source: the reference pages and the code of Keras 3.15 (keras.io/api) and PyTorch 2.13 "
    "(docs.pytorch.org/docs/stable); the formulas are those of the catalogue and their sources."
)

V, U = sp.symbols("v u", real=True)
RATE = sp.Symbol("eta", positive=True)

# what, ours, (name, word, default) in Keras and in PyTorch; None: there is no such number
Number = tuple[str, object, tuple[str, str, float] | None, tuple[str, str, float] | None]


def numbers() -> Iterable[Number]:
    """The defaults; ours are read off the objects."""
    own = {
        "SGD": (sd.SGD(), {"learning_rate": ("learning_rate", 0.01, "lr", 0.001)}),
        "Adagrad": (sd.Adagrad(), {
            "learning_rate": ("learning_rate", 0.001, "lr", 0.01),
            "epsilon": ("epsilon", 1e-7, "eps", 1e-10),
            "initial_accumulator_value": ("initial_accumulator_value", 0.1,
                                          "initial_accumulator_value", 0.0),
        }),
        "RMSprop": (sd.RMSprop(), {
            "learning_rate": ("learning_rate", 0.001, "lr", 0.01),
            "rho": ("rho", 0.9, "alpha", 0.99),
            "epsilon": ("epsilon", 1e-7, "eps", 1e-8),
        }),
        "Adadelta": (sd.Adadelta(), {
            "learning_rate": ("learning_rate", 0.001, "lr", 1.0),
            "rho": ("rho", 0.95, "rho", 0.9),
            "epsilon": ("epsilon", 1e-7, "eps", 1e-6),
        }),
        "Adam": (sd.Adam(), {"epsilon": ("epsilon", 1e-7, "eps", 1e-8)}),
        "AdamW": (sd.AdamW(), {
            "epsilon": ("epsilon", 1e-7, "eps", 1e-8),
            "weight_decay": ("weight_decay", 0.004, "weight_decay", 0.01),
        }),
        "Adamax": (sd.Adamax(), {
            "learning_rate": ("learning_rate", 0.001, "lr", 0.002),
            "epsilon": ("epsilon", 1e-7, "eps", 1e-8),
        }),
        "Nadam": (sd.Nadam(), {
            "learning_rate": ("learning_rate", 0.001, "lr", 0.002),
            "epsilon": ("epsilon", 1e-7, "eps", 1e-8),
        }),
        "BatchNormalization": (sd.BatchNormalization(), {
            "epsilon": ("epsilon", 1e-3, "eps", 1e-5),
            "momentum": ("momentum", 0.99, "momentum", 0.1),
        }),
        "LayerNormalization": (sd.LayerNormalization(), {
            "epsilon": ("epsilon", 1e-3, "eps", 1e-5),
        }),
    }  # fmt: skip
    theirs = {"Nadam": "NAdam", "BatchNormalization": "BatchNorm1d",
              "LayerNormalization": "LayerNorm"}  # fmt: skip
    for name, (made, words) in own.items():
        for word, (keras, k, torch, t) in words.items():
            pytorch = (theirs.get(name, name), torch, t)
            yield f"`{word}` of `{name}`", getattr(made, word), (name, keras, k), pytorch
    yield ("`epsilon` of `RMSNormalization`", sd.RMSNormalization().epsilon,
           ("RMSNormalization", "epsilon", 1e-6), None)  # fmt: skip
    yield (
        "`delta` of `Huber`",
        sd.Huber().delta,
        ("Huber", "delta", 1.0),
        ("HuberLoss", "delta", 1.0),
    )
    slope = dict(activations.LEAKY_RELU.hyper)[activations.slope]
    yield ("`alpha` of `leaky_relu`", float(slope), ("leaky_relu", "negative_slope", 0.2),
           ("LeakyReLU", "negative_slope", 0.01))  # fmt: skip
    scale = dict(activations.ELU.hyper)[activations.scale]
    yield "`alpha` of `elu`", float(scale), ("ELU", "alpha", 1.0), ("ELU", "alpha", 1.0)
    yield "`initial_slope` of `PReLU`", sd.PReLU().initial_slope, None, ("PReLU", "init", 0.25)


def page() -> str:
    return md.joined(
        "# Conventions that differ",
        SOURCE,
        "Two programs can hold the same network, the same data and an optimizer of the same name, "
        "and still give other numbers. Nothing is wrong then: the papers leave choices open, and "
        "the choices were made in different ways. This page lists them. Each formula of another "
        "convention is made from the one formula in the catalogue, and the word that chooses it "
        "stands beside it.",
        "## Where epsilon stands",
        "A small number keeps a divisor away from 0. It makes a difference where gradients are as "
        "small as it is. The divisors:",
        _divisors(),
        "The first step of RMSprop and of Adam for a gradient $g$, in units of the learning rate:",
        _first_steps(),
        "Beside a root that has not been corrected, epsilon counts for more in the first steps: "
        f"it is divided by {md.inline(sp.sqrt(1 - o.beta_2**o.step))}, and {_grown()}.",
        "## Where the learning rate is multiplied",
        f"In symdl and Keras the velocity {md.inline(V)} holds steps; in PyTorch it holds "
        f"gradients, {md.inline(U)}, and the rate {md.inline(RATE)} multiplies them "
        "afterwards.",
        _momentum(),
        f"With {md.inline(V, -RATE * U)} the first form becomes the second, so both give the same "
        "weights while the rate stays. Where a schedule lowers it, the first form goes on with "
        "what it took at the old rate, and the second does not. "
        "`SGD(momentum=0.9, rate_in_velocity=False)` is the second form, with and without "
        "`nesterov=True`. PyTorch's dampening, which takes less of each gradient but the first, is "
        "not offered.",
        "## The momentum of Nadam",
        _nadam(),
        "## Running statistics",
        _running(),
        "## Numbers",
        "The numbers that are taken where none is said. Every one of them is a word of the "
        "constructor in the first column, or a constant in the name: `leaky_relu(alpha=0.01)`.",
        _numbers_table(),
        "PyTorch's momentum of batch normalization is the weight of the new value: "
        f"{_value(0.1)} there is {_value(0.9)} here. Its `RMSNorm` takes the spacing of the "
        "floating point numbers at 1 for epsilon. Keras' layer `LeakyReLU` has another slope, "
        f"{_value(0.3)}, than its function of that name. Keras starts the slopes of `PReLU` at "
        f"{_value(0)}, one for each element; symdl has one for each column, PyTorch one for all.",
        "## Layouts, arguments and averages",
        md.table(["what", "symdl", "Keras", "PyTorch", "the other one in symdl"], WORDS),
        "## What was checked",
        md.verdicts(checked()),
        "The tests compare twenty steps of each of these optimizers, in both conventions, with "
        "PyTorch and with Keras where they are installed, and the defaults above with theirs.",
    )


# ------------------------------------------------------------------------------------- epsilon


def _divisor(update: Formula) -> Expr:
    """What the last equation w_new = w - rate * numerator / divisor divides by."""
    moved = o.w - update.equations[-1].rhs
    return moved.subs({o.rate: 1, o.g: 1, o.m_hat: 1}) ** -1


def _divisors() -> str:
    beside = conventions.epsilon_beside_uncorrected_root
    rows = [
        [f.title, *_three(_divisor(f), _divisor(conventions.epsilon_inside_root(f))), word]
        for f, word in (
            (o.ADAGRAD, "`Adagrad(epsilon_inside=True)`"),
            (o.RMSPROP, "`RMSprop(epsilon_inside=True)`"),
        )
    ]
    adam = _three(_divisor(o.ADAM), _divisor(beside(o.ADAM)))
    rows.append(["Adam, AdamW", *adam, "`Adam(epsilon_hat=True)`, `AdamW(epsilon_hat=True)`"])
    both, other = (
        f"{md.inline(_divisor(f))} with {md.inline(o.a_new, f.equation(o.a_new).rhs)}"
        for f in (o.ADAMAX, conventions.epsilon_inside_maximum(o.ADAMAX))
    )
    rows.append([o.ADAMAX.title, both, both, other, "`Adamax(epsilon_inside=True)`"])
    root = o.g / o.ADADELTA.equation(o.move).rhs
    rows.append([o.ADADELTA.title, *_three(root, root), ""])
    rows = [[cell.replace("|", r"\vert ") for cell in row] for row in rows]
    return md.table(["optimizer", "symdl", "Keras", "PyTorch", "the other one in symdl"], rows)


def _three(ours: Expr, keras: Expr) -> list[str]:
    """The cells of symdl, Keras and PyTorch, where the last is as the first."""
    return [md.inline(e) for e in (ours, keras, ours)]


def _first_move(update: Formula, gradient: Expr) -> Expr:
    moved = (o.w - inlined(o.w_new, update.equations)) / o.rate
    zero = {o.a: 0, o.m: 0, o.v: 0, o.step: 1, o.g: gradient}
    constants = {s: v for s, v in update.hyper if s != o.rate}
    return moved.subs(constants).subs(zero)


def _first_steps() -> str:
    made = {
        "RMSprop, outside": o.RMSPROP,
        "RMSprop, inside": conventions.epsilon_inside_root(o.RMSPROP),
        "Adam, corrected": o.ADAM,
        "Adam, not corrected": conventions.epsilon_beside_uncorrected_root(o.ADAM),
    }
    rows = []
    for digits in (0, 2, 4, 6, 8):
        gradient = sp.Rational(1, 10**digits)
        moves = (_first_move(update, gradient) for update in made.values())
        rows.append([md.number(gradient), *(f"{float(move):.4f}" for move in moves)])
    return md.table(["$g$", *made], rows)


def _grown() -> str:
    factor = 1 / sp.sqrt(1 - dict(o.ADAM.hyper)[o.beta_2])
    return f"that is {float(factor):.1f} times as large in the first step"


# ------------------------------------------------------------------------- momentum, statistics


def _equations(given: Iterable[Equation]) -> str:
    return md.display(*((md.latex(e.lhs), md.latex(e.rhs)) for e in given))


def _momentum() -> str:
    forms = {V: o.MOMENTUM, U: conventions.rate_outside_velocity(o.MOMENTUM)}
    return md.joined(
        *(_short(update.equations, letter) for letter, update in forms.items())
    ).strip()


def _short(equations: Iterable[Equation], velocity: sp.Symbol) -> str:
    """The equations in letters: names of several letters side by side look like one."""
    new = sp.Symbol(f"{velocity}_new", real=True)
    letters = {o.velocity: velocity, o.velocity_new: new, o.rate: RATE, o.momentum: sp.Symbol("mu")}
    return _equations(Equation(e.lhs.xreplace(letters), e.rhs.xreplace(letters)) for e in equations)


def _nadam() -> str:
    one = o.NADAM.equation(o.mu).rhs
    usual = md.number(dict(o.NADAM.hyper)[o.schedule_decay])
    return (
        f"Nadam lets its momentum rise from step to step: {md.inline(o.mu, one)}. PyTorch has "
        f"{md.inline(o.schedule_decay)} of {usual}, as symdl has, so that it rises over thousands "
        f"of steps. In Keras it is {md.inline(o.mu, one.subs(o.schedule_decay, 1))}, which is over "
        "after about a hundred: `Nadam(schedule_decay=1.0)`."
    )


def _running() -> str:
    n = normalization.n.size
    unbiased = unbiased_statistics()
    factor = n / (n - 1)
    sizes = [2, 8, 32, 256]
    shown = [f"{float(factor.subs(n, k)):.4f}" for k in sizes]
    return md.joined(
        "In training, all use the variance of the batch, the mean of the squared deviations. What "
        "the running variance takes in differs: symdl and Keras take the same number, PyTorch the "
        "estimate without bias, with the squares divided by one less than their number.",
        _equations(
            f.equation(normalization.next_var)
            for f in (normalization.BATCH_NORMALIZATION, unbiased)
        ),
        f"`BatchNormalization(unbiased=True)` is the second. The factor is {md.inline(factor)}:",
        md.table([md.inline(n), *map(str, sizes)], [["factor", *shown]]),
    ).strip()


# ----------------------------------------------------------------------------------- the tables


def _value(value: object) -> str:
    return md.number(exact(float(str(value))))


def _numbers_table() -> str:
    rows = []
    for what, ours, keras, pytorch in numbers():
        said = [_value(theirs[2]) + _other_word(what, theirs[1]) if theirs else ""
                for theirs in (keras, pytorch)]  # fmt: skip
        rows.append([what, _value(ours), *said])
    return md.table(["what", "symdl", "Keras", "PyTorch"], rows)


def _other_word(what: str, word: str) -> str:
    return "" if what.startswith(f"`{word}`") else f" (`{word}`)"


SAME = "the same"
WORDS = [
    ["kernel of a dense layer", "(in, out)", SAME, "(out, in)",
     "transpose: `model.set_weights([W.T, b])`"],
    ["first weights of a dense layer",
     "Glorot uniform, He uniform before a rectifier; biases 0", "Glorot uniform; biases 0",
     "uniform up to $1/\\sqrt{n}$ for $n$ inputs, biases too",
     "`kernel_initializer=\"random_uniform(limit=...)\"`"],
    ["dropout", "divided by the share kept, in training", SAME, SAME, ""],
    ["relu at 0", "derivative 0", SAME, SAME, ""],
    ["step at 0", "1", "no such activation", "`heaviside(x, values)`: the given value",
     "`\"step_strict\"`: 0"],
    ["gelu", "`\"gelu\"`, by the error function", "`approximate=False`, the same",
     "`approximate=\"none\"`, the same", "`\"gelu_tanh\"`"],
    ["hard sigmoid", "$x/6 + 1/2$ between 0 and 1",
     "the same; Keras 2 had $0.2 x + 0.5$", SAME, "a formula of your own"],
    ["softplus", "exact", SAME, "$x$ above 20", ""],
    ["mean squared error", "mean over all elements", SAME, SAME,
     "`\"half_squared_error\"`: half the sum of a row, the mean over rows"],
    ["reductions", "`reduction=\"mean\"`, `\"sum\"`, `\"none\"`: of rows",
     "`\"sum_over_batch_size\"`, `\"sum\"`, `\"none\"`: of rows",
     "`\"mean\"`, `\"sum\"`, `\"none\"`: of elements", "`Loss(name, reduction)`"],
    ["mean with sample weights", "divided by the number of rows", SAME,
     "class weights: divided by their sum", "`reduction=\"sum\"`, divided by the sum"],
    ["cross entropy reads", "probabilities", "probabilities, `from_logits=False`",
     "logits (`CrossEntropyLoss`)", "`\"categorical_crossentropy_from_logits\"`"],
    ["probability of 0 in a cross entropy",
     "derived with the last activation, so it does not arise", "cut off at $10^{-7}$",
     "logarithms cut off at $-100$", ""],
    ["Huber loss", "$\\delta$ is the width of the square", SAME,
     "the same; `SmoothL1Loss` is it divided by $\\beta$ for $\\delta$", ""],
    ["Kullback-Leibler divergence", "mean over rows of sums over classes", SAME,
     "`\"mean\"` is over all elements; `\"batchmean\"` is ours",
     "divide by the number of classes"],
    ["its arguments", "`Loss(\"kl_divergence\")(targets, predictions)`",
     "`(y_true, y_pred)`", "`(input, target)`, the input a logarithm", ""],
    ["L2 penalty", "`l2` times the sum of squares", SAME,
     "`weight_decay` times half the sum of squares", "`L2(weight_decay / 2)`"],
    ["label smoothing", "smoothed targets are given as targets", "`label_smoothing=0`",
     "`label_smoothing=0`", "`t * (1 - s) + s / classes`"],
    ["clipping by norm", "to the norm", SAME, "the divisor is the norm plus $10^{-6}$", ""],
]  # fmt: skip


# -------------------------------------------------------------------------------------- verdicts


def checked() -> list[tuple[str, Verdict]]:
    """The other conventions against what is written of them."""
    hat = conventions.epsilon_beside_uncorrected_root(o.ADAM)
    largest = conventions.epsilon_beside_uncorrected_root(o.AMSGRAD)
    outside = conventions.rate_outside_velocity(o.MOMENTUM)
    ahead = conventions.rate_outside_velocity(o.NESTEROV)
    half = sp.Rational(1, 2)
    return [
        ("Adam with epsilon beside the root of v is the faster form of Kingma and Ba",
         _faster_form(hat, o.v_new)),
        ("AMSGrad with it too, with the largest v", _faster_form(largest, o.v_max_new)),
        *((f"{title}: the same step from the same past, for one and the same rate",
           _same_steps(one, other))
          for title, one, other in (("momentum", o.MOMENTUM, outside),
                                    ("Nesterov momentum", o.NESTEROV, ahead))),
        ("half the squares of a row, from the mean squared error, is K/2 times it",
         judge_equation(inlined(losses.L, losses.HALF_SQUARED_ERROR.equations),
                        losses.K * half * inlined(losses.L, losses.MSE.equations))),
    ]  # fmt: skip


def _faster_form(update: Formula, v: sp.Symbol) -> Verdict:
    """rate sqrt(c2) / c1 * m / (sqrt(v) + epsilon), for the corrections c = 1 - beta^t > 0."""
    first, second = sp.symbols("c_1 c_2", positive=True)
    corrections = {1 - o.beta_1**o.step: first, 1 - o.beta_2**o.step: second}
    last = [e for e in update.equations if e.variable in (o.m_hat, o.v_hat, o.w_new)]
    found = inlined(o.w_new, [Equation(e.lhs, e.rhs.xreplace(corrections)) for e in last])
    faster = o.rate * sp.sqrt(second) / first * o.m_new / (sp.sqrt(v) + o.epsilon)
    return judge_equation(found, o.w - faster)


def _same_steps(inside: Formula, outside: Formula) -> Verdict:
    """The new weight of both, where the old velocity of the first is -rate times the other's."""
    past = {o.velocity: -o.rate * o.velocity}
    return judge_equation(
        inlined(o.w_new, outside.equations), inlined(o.w_new, inside.equations).xreplace(past)
    )


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
