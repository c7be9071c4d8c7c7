"""A campaign against whole builds: kills, wrong clocks, full disks, damaged state, rival builders, hostile replies.

``python -m tests.campaign --minutes 2 --seed 14`` makes as many tries as fit; the seed alone decides what each one is.
After each try a build without the fault has to finish the film, or to give the reason with a code; then ``judge``
compares the project with the provider's bill. ``kinds`` has the six kinds of tries, ``seams`` the faults by call
number, ``verbs`` runs a verb in a fork of this process, ``supply`` is the provider, ``place`` the folder of a try.
"""
