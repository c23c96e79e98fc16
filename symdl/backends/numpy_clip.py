"""A planned clipping as the source text of a function that changes a gradient in place."""

from __future__ import annotations

from symdl.backends.names import Names
from symdl.backends.numpy_source import Maker, without_unused
from symdl.backends.statements import write_statement
from symdl.backends.views import Arrays, Text
from symdl.program.clip import Clip

__all__ = ["threshold_names", "write_clip"]


def threshold_names(clip: Clip) -> list[str]:
    """The keys of the thresholds among the hyper-parameters."""
    names = Names(reserved=())
    return [names.new(s.name) for s in clip.hyper]


def write_clip(clip: Clip) -> Maker:
    """Write ``make_clip``."""
    names, text = Names(), Text()
    gradient = names.new("gradient")
    arrays = Arrays(clip.plan, text, names, {clip.gradient.axes[0]: f"{gradient}.size"})
    arrays.given(clip.gradient, gradient, moving=False)
    text.build.append(f"dtype = {gradient}.dtype")
    for slot, key in zip(clip.hyper, threshold_names(clip), strict=True):
        if slot in clip.plan.program.given:
            name = names.new(slot.name)
            arrays.given(slot, name, moving=False)
            text.call.append(f'{name} = hyper["{key}"]')
    for s in clip.plan.program.statements:
        write_statement(s, arrays)
    if clip.plan.root(clip.clipped) != clip.gradient:
        text.used.add("copyto")
        text.call.append(f"copyto({gradient}, {arrays.slots[clip.clipped]})")
    what = "one tensor" if clip.by_tensor else "all tensors together"
    lines = [
        f"def make_clip({gradient}, hyper):",
        f'    """Each call clips the gradient of {what} in place."""',
        *(f"    {line}" for line in without_unused(text.build, text.call)),
        "",
        "    def clip():",
        *(f"        {line}" for line in text.call),
        "",
        "    return clip",
    ]
    return Maker("make_clip", "\n".join(lines) + "\n", frozenset(text.used))
