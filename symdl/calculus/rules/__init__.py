"""The differentiation rules, one small class each, in the order in which they are tried."""

from symdl.calculus.rules.basic import Constant, Identity, Linearity, Scale
from symdl.calculus.rules.binders import MaxOverIndex, SumOverIndex
from symdl.calculus.rules.functions import (
    Absolute,
    Arctangent,
    Arsinh,
    Chain,
    Cosine,
    Definition,
    ErrorFunction,
    Exponential,
    Logarithm,
    Sine,
)
from symdl.calculus.rules.kinks import MaxOfTwo, Piecewise, Stairs
from symdl.calculus.rules.products import Exponent, Power, Product, Quotient, Reciprocal

__all__ = ["RULES"]

RULES = (
    Constant(),
    Identity(),
    Linearity(),
    Scale(),
    Reciprocal(),
    Quotient(),
    Product(),
    Power(),
    Exponent(),
    SumOverIndex(),
    MaxOverIndex(),
    MaxOfTwo(),
    Piecewise(),
    Stairs(),
    Chain(),
    Absolute(),
    Exponential(),
    Logarithm(),
    Sine(),
    Cosine(),
    Arctangent(),
    Arsinh(),
    ErrorFunction(),
    Definition(),
)
