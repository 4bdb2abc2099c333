"""A month of the whole loop in simulated time, from patrol to assessment. All of it is SYNTHETIC.

::

    plan.py      how many cases, from when to when, by which seed
    diary.py     simulated time: lives wait in it, the earliest goes on
    office.py    who is there, and what each does, by the same services as the API, one transaction each
    lives.py     what becomes of a case: one fate each, written as the steps of a life
    beside.py    joint calls, requests, supervision orders, deputies
    rounds.py    patrols, inboxes
    run.py       the month: everything above, and the workers' chores between

The same plan plays the same month, on whatever machine, and also where its workers are killed: nothing here
reads a clock, and all chance is drawn from the plan's seed. How often things happen is assumed, not measured.
"""
