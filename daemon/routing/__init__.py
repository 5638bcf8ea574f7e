"""Who stands where after a deploy: histories, paths, and the relation between all of them at once.

``histories``  the trie of processed event types: one node for each distinct history
``paths``      what a path says about a history: the specification, in plain Python
``evaluator``  the same for every history in one pass, in C, with the landing of each
``reach``      whether a route can ever be reached behind its earlier siblings

Pure but for the arrays it owns: knows no store, no socket and no statechart but through its transition table.
"""
