"""The contestants: each module has ``prepare(workload, threads)``, which returns its ``run``.

``run(k)`` takes k training steps over the batches in turn and returns the loss of the last one,
before its update.  ``products`` computes no loss: it is the limit, not a contestant.
``load(threads)``, where a module has it, imports and starts what is not to count as compiling.
"""
