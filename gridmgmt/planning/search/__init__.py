"""The search below both doors of :mod:`gridmgmt.planning.partition`: nodes with weights, edges with lengths.

In the order in which a plan comes about:

* ``arrays``     a connected piece, its state, and the memory of the kernels
* ``costs``      what a plan costs, and what a move would change
* ``seeding``    centres, and cells that grow from them
* ``annealing``  moves across borders, single and composite
* ``regions``    small neighbourhoods of cells solved again
* ``presets``    weights and efforts by name
* ``warm``       from the plan before to a state to begin with
* ``solve``      one piece step by step, many pieces in threads; ``clock`` may stop it

Below them ``compiled`` (machine code and random numbers) and ``walks`` (components, distances). Every state
is a valid plan: each cell is connected and none is empty, because no move that would break this is ever made.
"""
